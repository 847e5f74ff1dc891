// A token on its way to stdout, once and as bytes: alone on its line for people and for files, or inside of JSON. Where it does not
// arrive nobody has it, and that is said.
import type { GrantedEntry } from "@gripgate/proxy/control/message/granted"
import { secretSlab } from "@gripgate/proxy/grant/token"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { jsonText, printError, writeBytes } from "../../output.ts"

/** A token that goes nowhere is not asked for; one that others can read is warned of. Looked at before anything is made. */
export const lookAtStdout: Effect.Effect<void, Failure> = Effect.gen(function*() {
  const stdout = fs.fstatSync(1)
  if (isNull(stdout)) {
    const hint = "a closed stdout is one, too: have it go to a file or a program"
    return yield* failure(exitCode.failed, "the token goes to stdout, and that is /dev/null", hint)
  }
  if (!stdout.isFile() || (stdout.mode & 0o077) === 0) return
  const mode = (stdout.mode & 0o7777).toString(8).padStart(4, "0")
  yield* printError(`gripgate: warning: others can read the file that the token goes to (mode ${mode})`)
  yield* printError("gripgate: hint: umask 077 before it is made, or chmod 600 now")
})

/** Node opens /dev/null in place of a standard stream that is closed. */
const isNull = (stdout: fs.Stats): boolean => {
  try {
    return stdout.isCharacterDevice() && stdout.rdev === fs.statSync("/dev/null").rdev
  } catch {
    return false
  }
}

/** Where the token stands in the JSON: text of a grant has its quotes escaped, so this is nowhere before it. */
const PLACE = "\"token\": \""

/** The output around a token, in a slab like it. */
export const bytesOf = (token: Buffer, grant: GrantedEntry, json: boolean): Buffer => {
  const [before, behind] = json ? jsonAround(grant) : ["", "\n"]
  const bytes = secretSlab(Buffer.byteLength(before) + token.length + Buffer.byteLength(behind))
  const at = bytes.write(before)
  token.copy(bytes, at)
  bytes.write(behind, at + token.length)
  return bytes
}

const jsonAround = (
  { app, expiresAt, id, keys, limit, operations, usesLeft }: GrantedEntry
): readonly [string, string] => {
  const text = jsonText({ id, token: "", app, keys, operations, expiresAt, uses: usesLeft, limit }, 2)
  const at = text.indexOf(PLACE) + PLACE.length
  return [text.slice(0, at), `${text.slice(at)}\n`]
}

/** Prints the token and wipes it; fails where it did not arrive, after `lost` has said what that means. */
export const handOut = (
  token: Buffer,
  grant: GrantedEntry,
  json: boolean,
  lost: Effect.Effect<Failure>
): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    const bytes = bytesOf(token, grant, json)
    const wipe = Effect.sync(() => {
      token.fill(0)
      bytes.fill(0)
    })
    return Effect.ensuring(writeBytes(bytes), wipe).pipe(
      Effect.flatMap((arrived) => arrived ? Effect.void : Effect.flatMap(lost, (why) => Effect.fail(why)))
    )
  })
