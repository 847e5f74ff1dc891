// What the flags of `gripgate testkit` name, read and checked before anything is started: keys, scripts, the policy, the place of
// the transcript.
import { reasonOf } from "@gripgate/proxy/reason"
import { type AgentFaults, parseAgentFaults } from "@gripgate/testkit/harness/agent-faults"
import { type HarnessKey, readyNames } from "@gripgate/testkit/harness/keys"
import { ScriptError } from "@gripgate/testkit/harness/located-json"
import { parsePinentryScript } from "@gripgate/testkit/harness/pinentry-script"
import type { PinentryScript } from "@gripgate/testkit/pinentry"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, usageError } from "../../failure.ts"
import { passphraseFrom } from "../grant/from-fd.ts"
import { readPolicy } from "../policy-source.ts"
import type { TestkitOptions } from "./testkit.ts"

export interface Inputs {
  readonly keys: ReadonlyArray<HarnessKey>
  readonly pinentry: PinentryScript | undefined
  readonly agentFaults: AgentFaults | undefined
  /** The text of the policy. */
  readonly policy: string | undefined
}

/** Bytes of a script, a policy or a key at most. */
const MAX_FILE = 4 * 1024 * 1024

const read = (file: string, hint?: string): Effect.Effect<Buffer, Failure> =>
  Effect.try({
    try: () => {
      const fd = openSync(file, "r")
      try {
        // also of a pipe, and of what has no end
        const bytes = Buffer.alloc(MAX_FILE + 1)
        let length = 0
        for (let count = 1; count > 0; length += count) count = readSync(fd, bytes, length, bytes.length - length, null)
        if (length > MAX_FILE) throw new Error(`it has more than ${MAX_FILE} bytes`)
        return bytes.subarray(0, length)
      } finally {
        closeSync(fd)
      }
    },
    catch: (error) => failure(exitCode.failed, `${file} cannot be read: ${reasonOf(error)}`, hint)
  })

const script = Effect.fnUntraced(function*<A>(
  file: string | undefined,
  parse: (text: string, name: string) => A
): Effect.fn.Return<A | undefined, Failure> {
  if (file === undefined) return undefined
  const text = (yield* read(file)).toString("utf8")
  return yield* Effect.try({
    try: () => parse(text, file),
    catch: (error) => {
      if (error instanceof ScriptError) return failure(exitCode.failed, error.message)
      throw error
    }
  })
})

const keyOf = Effect.fnUntraced(function*(key: string, passphrase: Buffer | undefined) {
  const ready = readyNames.find((name) => name === key)
  if (ready !== undefined) return ready
  if (key.includes("@")) return { userId: key, ...passphrase !== undefined && { passphrase } }
  const hint = `a key is ${readyNames.join(", ")}, a user id with an @, or a file with a secret key`
  return { secretKey: yield* read(key, hint) }
})

/** Everything that can be said of the flags without starting anything. */
export const readInputs = Effect.fnUntraced(function*(
  options: TestkitOptions
): Effect.fn.Return<Inputs, Failure | CliError.ShowHelp> {
  const { agentFaults, app, key, passphraseFd, pinentry, policy, transcript } = options
  const usage = (message: string) => usageError("testkit", message)
  if (options.json && transcript === undefined) return yield* usage("--json needs --transcript")
  if (app !== undefined && policy === undefined) return yield* usage("--app needs --policy")
  const made = key.some((one) => one.includes("@"))
  if (passphraseFd !== undefined && !made) {
    return yield* usage("--passphrase-fd needs a --key that is made, by a user id")
  }
  if (transcript !== undefined) yield* writable(transcript)
  const scripts = {
    pinentry: yield* script(pinentry, parsePinentryScript),
    agentFaults: yield* script(agentFaults, parseAgentFaults)
  }
  if (policy !== undefined) {
    const { apps } = yield* readPolicy({ kind: "file", file: policy })
    if (app !== undefined && !apps.has(app)) return yield* failure(exitCode.failed, `${policy} has no app "${app}"`)
  }
  const passphrase = passphraseFd === undefined ? undefined : yield* passphraseFrom(passphraseFd)
  const keys: Array<HarnessKey> = []
  for (const one of key.length === 0 ? ["alice"] : key) keys.push(yield* keyOf(one, passphrase))
  return { keys, ...scripts, policy: policy === undefined ? undefined : (yield* read(policy)).toString("utf8") }
})

/** A transcript that cannot be written is told before the tests run, and not after. */
const writable = (file: string): Effect.Effect<void, Failure> =>
  Effect.try({
    try: () => {
      accessSync(dirname(file), constants.W_OK)
      if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error("it is a directory")
    },
    catch: (error) => failure(exitCode.failed, `${file} cannot be written: ${reasonOf(error)}`)
  })
