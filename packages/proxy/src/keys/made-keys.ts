// Keys that apps made or brought in. Written down, one JSON object a line, because such a key is its app's own after a restart
// too, and because a certificate around one is never the owner's.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { constants, readFileSync } from "node:fs"
import { open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { LogService } from "../log.ts"
import { codeOf, reasonOf } from "../reason.ts"
import type { Origin } from "./key-directory.ts"

/** The record of keys cannot be used. */
export class MadeKeysError extends Data.TaggedError("MadeKeysError")<{
  readonly message: string
  readonly hint: string
}> {}

/** Version of a line. */
const VERSION = 1

export interface MadeKeys {
  /** Live: what is made later is in it. */
  readonly grips: ReadonlySet<Keygrip>
  readonly own: (app: string, keygrip: Keygrip) => boolean
  /** An app made a key or brought it in; durable when this is done. Where it cannot be written the log says so. */
  readonly made: (app: string, keygrip: Keygrip, origin: Origin) => Effect.Effect<void>
  /** A key is gone, whoever made it. */
  readonly gone: (keygrip: Keygrip) => Effect.Effect<void>
}

interface Line {
  readonly op: "made" | "gone"
  readonly app?: string
  readonly keygrip: Keygrip
  readonly origin?: Origin
}

/**
 * Opens the record of a state directory, which this process has locked. A last line that was not finished is dropped, since
 * nobody was told that it is durable; anything else that cannot be read is an error.
 */
export const openMadeKeys = Effect.fnUntraced(function*(
  state: string
): Effect.fn.Return<MadeKeys, MadeKeysError, LogService> {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const file = join(state, "made-keys.jsonl")
  const { length, lines, torn } = yield* read(file)
  if (torn) log.write(4, `the last line of ${file} was not finished and is dropped`)
  const owners = new Map<Keygrip, Set<string>>()
  const grips = new Set<Keygrip>()
  const apply = ({ app, keygrip, op }: Line): void => {
    if (op === "gone") {
      owners.delete(keygrip)
      grips.delete(keygrip)
    } else if (app !== undefined) {
      owners.set(keygrip, (owners.get(keygrip) ?? new Set()).add(app))
      grips.add(keygrip)
    }
  }
  lines.forEach(apply)

  const turn = yield* Semaphore.make(1)
  let end = length
  const append = (line: Line): Effect.Effect<void> =>
    turn.withPermit(Effect.suspend(() => {
      const at = DateTime.formatIso(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))
      const bytes = Buffer.from(`${JSON.stringify({ v: VERSION, ...line, at })}\n`)
      return Effect.tryPromise(() => write(file, end, bytes)).pipe(Effect.match({
        onSuccess: () => {
          end += bytes.length
        },
        onFailure: ({ cause }) => {
          const what = line.op === "made" ? `is ${line.app}'s own` : "is gone"
          log.write(3, `that the key ${line.keygrip} ${what} cannot be written to ${file}: ${reasonOf(cause)}`)
        }
      }))
    }))
  return {
    grips,
    own: (app, keygrip) => owners.get(keygrip)?.has(app) === true,
    made: (app, keygrip, origin) =>
      Effect.suspend(() => {
        const line: Line = { op: "made", app, keygrip, origin }
        apply(line)
        return append(line)
      }),
    gone: (keygrip) =>
      Effect.suspend(() => {
        if (!grips.has(keygrip)) return Effect.void
        const line: Line = { op: "gone", keygrip }
        apply(line)
        return append(line)
      })
  }
})

/** Writes behind the last good line: what an earlier failure left there is cut off. */
const write = async (file: string, end: number, bytes: Buffer): Promise<void> => {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants
  await using handle = await open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  await handle.truncate(end)
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, end + at)).bytesWritten
  }
  await handle.datasync()
  if (end > 0) return
  // the name of a new file is durable when its folder is
  await using folder = await open(dirname(file), constants.O_RDONLY)
  await folder.sync()
}

interface Contents {
  readonly lines: ReadonlyArray<Line>
  /** Bytes up to the end of the last whole line. */
  readonly length: number
  readonly torn: boolean
}

const read = (file: string): Effect.Effect<Contents, MadeKeysError> =>
  Effect.try({
    try: () => {
      const bytes = readFileSync(file)
      const length = bytes.lastIndexOf(0x0a) + 1
      const texts = bytes.toString("utf8", 0, length).split("\n").slice(0, -1)
      return { lines: texts.map((text, i) => parseLine(text, file, i + 1)), length, torn: length < bytes.length }
    },
    catch: (error) => {
      if (error instanceof MadeKeysError) return error
      if (codeOf(error) === "ENOENT") return "nothing yet" as const
      const hint = "it says which keys apps made themselves; it belongs to the gate's user"
      return new MadeKeysError({ message: `${file} cannot be read: ${reasonOf(error)}`, hint })
    }
  }).pipe(Effect.catch((error) =>
    error === "nothing yet" ? Effect.succeed({ lines: [], length: 0, torn: false }) : Effect.fail(error)
  ))

const parseLine = (text: string, file: string, number: number): Line => {
  const value = parseJson(text)
  const version = value?.["v"]
  if (typeof version === "number" && version > VERSION) {
    const message = `${file}:${number}: expected version ${VERSION}, got ${version}: a newer gripgate wrote this`
    throw new MadeKeysError({ message, hint: "run that one, or give this one a state directory of its own" })
  }
  const keygrip = parseKeygrip(String(value?.["keygrip"]))
  const { app, op, origin } = value ?? {}
  if (version === VERSION && keygrip !== undefined) {
    if (op === "gone") return { op, keygrip }
    const isOrigin = origin === "generated" || origin === "imported"
    if (op === "made" && typeof app === "string" && isOrigin) return { op, app, keygrip, origin }
  }
  const message = `${file}:${number}: expected a JSON object with v, op, app, keygrip and origin, got something else`
  throw new MadeKeysError({ message, hint: "remove this line: the key in it is then no app's own any more" })
}

const parseJson = (text: string): { readonly [name: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? value as { readonly [name: string]: unknown } : undefined
  } catch {
    return undefined
  }
}
