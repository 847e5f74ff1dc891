// `gripgate log`: what the gate decided and what came of it, read from the files of its journal; no gate has to run.
import { type KeyIndex, makeKeyIndex } from "@gripgate/policy/keys/key-index"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { JOURNAL } from "@gripgate/proxy/journal/open-journal"
import { type ReadRecord, readRecord } from "@gripgate/proxy/journal/read-record"
import { LedgerReader } from "@gripgate/proxy/ledger/reader"
import type { LogService } from "@gripgate/proxy/log"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { faced, jsonText, printComplaint, readerGone } from "../../output.ts"
import type { View } from "../../screens/line.ts"
import { colonsLine } from "../../screens/log-colons.ts"
import { logLine, logTitle } from "../../screens/log.ts"
import { stopSignal } from "../../signals.ts"
import { readWorld } from "../policy-world.ts"
import { quietLog } from "../quiet-log.ts"
import { stdoutView } from "../view.ts"
import { Filter } from "./filter.ts"
import { Joiner } from "./joined.ts"
import { type LogOptions, wantedOf } from "./options.ts"
import { noJournal, stateOf, unreadable } from "./place.ts"
import { Sink } from "./sink.ts"
import { verify } from "./verify.ts"

/** Milliseconds until a journal that is followed is looked at again, and until a use is told without its outcome. */
const [AGAIN, PATIENCE] = [200, 1_000]

/** Prints records, or whether the journal is whole. */
export const log = (options: LogOptions): Effect.Effect<void, Failure | CliError.ShowHelp> =>
  Effect.provide(run(options), quietLog)

const run = Effect.fnUntraced(function*(
  options: LogOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp, LogService> {
  const wanted = yield* wantedOf(options)
  const state = yield* stateOf(options.state)
  if (options.verify) return yield* verify(state, options.json)
  const file = join(state, JOURNAL)
  if (!existsSync(file)) return yield* noJournal(file)
  const world = options.json || options.withColons ? undefined : yield* readWorld(options.homedir)
  const shown = printing(options, new Filter(wanted), world && makeKeyIndex(world), yield* stdoutView)
  const reading = Effect.acquireUseRelease(
    Effect.sync(() => new LedgerReader(file)),
    (reader) => read(reader, file, options.follow, shown),
    (reader) => Effect.promise(() => reader[Symbol.asyncDispose]())
  )
  if (!options.follow) return yield* reading
  const stopped = Effect.asVoid(stopSignal(["SIGINT"]))
  yield* Effect.raceFirst(reading, Effect.raceFirst(stopped, readerGone))
})

/** Goes through the journal, and on as it grows where it is followed. */
const read = Effect.fnUntraced(function*(
  reader: LedgerReader,
  file: string,
  follow: boolean,
  shown: Printing
): Effect.fn.Return<void, Failure> {
  let bad = 0
  let idle = 0
  for (;;) {
    const lines = yield* Effect.tryPromise({ try: () => reader.next(), catch: (error) => unreadable(file, error) })
    for (const path of reader.missing.splice(0)) complain(`${path} is missing, and ${file} says that it is kept`)
    if (lines === undefined) {
      if (!follow) break
      yield* shown.caughtUp(idle >= PATIENCE)
      idle += AGAIN
      yield* Effect.sleep(AGAIN)
      continue
    }
    idle = 0
    for (const { file, line, text } of lines) {
      const record = readRecord(text)
      if (record === undefined) {
        bad++
        if (bad <= MAX_TOLD) complain(`${file}:${line} is no record`)
      } else if (record !== "begin") yield* shown.record(record)
    }
  }
  yield* shown.end
  if (bad > 0) {
    return yield* failure(exitCode.failed, `lines that are no records: ${bad}`, "gripgate log --verify says more")
  }
})

const MAX_TOLD = 10

const complain = (message: string): void => printComplaint({ message })

interface Printing {
  readonly record: (record: ReadRecord) => Effect.Effect<void>
  /** All that is there by now was read; `all` has it told whatever is not known. */
  readonly caughtUp: (all: boolean) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** How records are printed. With `lines`, only the last of those that are there at first are. */
const printing = (options: LogOptions, filter: Filter, keys: KeyIndex | undefined, view: View): Printing => {
  const sink = new Sink()
  let last: Array<string> | undefined = options.lines === undefined ? undefined : []
  const most = options.lines ?? 0
  const put = (line: string): Effect.Effect<void> => {
    if (last === undefined) return sink.line(line)
    last.push(line)
    if (last.length > 2 * most + 1_000) last = keep(last, most)
    return Effect.void
  }
  const putLast = Effect.suspend(() => {
    const lines = keep(last ?? [], most)
    last = undefined
    return Effect.forEach(lines, (line) => sink.line(line), { discard: true })
  })

  if (options.json || options.withColons) {
    const done = Effect.andThen(putLast, sink.flush)
    return {
      record: (record) =>
        filter.admits(record) ? put(options.json ? jsonText(record.all) : colonsLine(record)) : Effect.void,
      caughtUp: () => done,
      end: done
    }
  }
  const joiner = new Joiner()
  // a file takes any width
  const wide = process.stdout.isTTY ? view : { ...view, columns: 4_096 }
  const keyId = (keygrip: string): string | undefined => {
    const grip = parseKeygrip(keygrip)
    return grip === undefined ? undefined : keys?.known(grip)?.keyId
  }
  const show = (joined: ReturnType<Joiner["push"]>) =>
    Effect.forEach(joined, (each) => put(faced(logLine(each, keyId, wide))), { discard: true })
  const title = sink.line(faced(logTitle(wide)))
  let titled = false
  const done = (all: boolean) =>
    Effect.gen(function*() {
      if (all) yield* show(joiner.rest())
      if (!titled) yield* title
      titled = true
      yield* putLast
      yield* sink.flush
    })
  return {
    record: (record) => {
      if (!filter.admits(record)) return Effect.void
      const ready = joiner.push(record)
      if (titled || last !== undefined) return show(ready)
      titled = true
      return Effect.andThen(title, show(ready))
    },
    caughtUp: done,
    end: done(true)
  }
}

const keep = (lines: Array<string>, most: number): Array<string> => most === 0 ? [] : lines.slice(-most)
