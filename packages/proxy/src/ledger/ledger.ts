// A ledger: records that are never changed and never lost, in an append-only file that is hash-chained under a key, and
// goes on in a new file where it is to be of limited size. What it means is a table that its reader makes by going through
// the records. One process at a time has it open: the state directory is locked.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { KeyObject } from "node:crypto"
import { constants } from "node:fs"
import { join } from "node:path"
import { LogService } from "../log.ts"
import { examine } from "./examine.ts"
import { removeLeftOver } from "./files.ts"
import { headPath, makeHead, newest, openHead } from "./head.ts"
import { LedgerError, ledgerError } from "./ledger-error.ts"
import { openOwn, syncFolder } from "./own-file.ts"
import { fieldsOf, type Line, type Position } from "./record.ts"
import type { Rotate } from "./rotate.ts"
import { makeWriter } from "./writer.ts"

export interface Entry<A> {
  /** Its number, counted from 1. */
  readonly n: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly record: A
}

export interface LedgerOptions<A extends object> {
  readonly folder: string
  /** The name of the file. Its head lies beside it, with `.head` behind the name. */
  readonly name: string
  /** The key of the folder. */
  readonly key: KeyObject
  /** A record from its fields in the file; fails with what is wrong with them. */
  readonly decode: (fields: Line["fields"]) => Result.Result<A, string>
  /** Gets every record that is in the file already, in order, before the ledger is open. */
  readonly replay: (entry: Entry<A>) => void
  /** Goes on in new files and drops old ones. Then only the records of the newest are replayed. */
  readonly rotate?: Rotate
  /** Milliseconds by which the head may be behind where nobody waits for it; without, it is written with every record. */
  readonly headWithin?: number
}

export interface Ledger<A extends object> {
  /**
   * Writes a record; durable when this is done, and in the order of the calls. With `head` the head is durable too, so that
   * not even a cut at the end can take it away unseen; where the head alone cannot be written the log says so, and the
   * record counts: it is found when the ledger is opened again. After a failure it is not, unless that is `unsure`. An
   * interrupted caller does not wait any more; the record is written nevertheless. A record is an object as JSON has it,
   * with at most 64 KiB, and has no fields v, n, at, mac and begin.
   */
  readonly append: (record: A, options?: { readonly head?: boolean }) => Effect.Effect<Entry<A>, LedgerError>
  /** The same, begun at once; `done` is called once, with the record's number or with what went wrong. */
  readonly put: (record: A, done: (result: number | LedgerError) => void) => void
  /** Behind the last durable record. */
  readonly position: () => Position
}

/** Opens a ledger for the scope, and makes it where there is none. */
export const openLedger = Effect.fnUntraced(function*<A extends object>(
  { decode, folder, headWithin = 0, key, name, replay, rotate }: LedgerOptions<A>
): Effect.fn.Return<Ledger<A>, LedgerError, LogService | Scope.Scope> {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const file = join(folder, name)
  const all = rotate === undefined ? `${file} and ${headPath(file)}` : `${file}, ${headPath(file)} and its older files`
  const anew = `move ${all} aside to begin anew, with nothing in it`
  const attempt = <B>(run: () => Promise<B>) =>
    Effect.tryPromise({ try: run, catch: ledgerError(`${file} cannot be opened`, "it belongs to the gate's user") })
  const held = <B extends { readonly close: () => Promise<void> } | undefined>(open: () => Promise<B>) =>
    Effect.acquireRelease(attempt(open), (opened) => Effect.promise(async () => opened?.close()))

  const found = {
    head: yield* held(() => openHead(key, name, file)),
    handle: yield* held(() => openOwn(file, constants.O_RDWR))
  }
  const visit = ({ at, begin, fields, position: { n } }: Line) => {
    if (begin !== undefined) return rotate?.carried(begin.carried)
    const record = decode(fields)
    if (Result.isFailure(record)) throw new LedgerError({ message: `${file}:${n}: ${record.failure}`, hint: anew })
    replay({ n, at, record: record.success })
  }
  const scanned = yield* attempt(() =>
    examine({ file, key, name, slots: found.head?.slots, handle: found.handle }, visit)
  )
  const { damage, position, torn } = scanned
  if (damage !== undefined) return yield* new LedgerError({ message: damage.message, hint: anew })
  if (torn) log.write(4, `the last line of ${file} was not finished and is dropped`)

  // the head is there before a record can be: without one, nobody could tell that records were lost
  if (found.head === undefined) yield* attempt(() => makeHead(key, name, file))
  const head = found.head ?? (yield* held(() => openHead(key, name, file)))
  const handle = found.handle ?? (yield* held(() => openOwn(file, constants.O_RDWR | constants.O_CREAT)))
  if (head === undefined || handle === undefined) {
    return yield* new LedgerError({
      message: `${file} was taken away while it was opened`,
      hint: "start the gate again"
    })
  }
  yield* attempt(async () => {
    // that a file is seen does not mean that its name is durable: a crash may have come in between
    if (position.n === 0 || scanned.begin !== undefined) await syncFolder(folder)
    if (rotate !== undefined) removeLeftOver(file, scanned.start.n + 1, scanned.begin?.files ?? [])
    if (position.n === newest(head.slots)?.n) return
    // nor are records that are read
    await handle.datasync()
    await head.write(position).catch((error: unknown) => {
      throw ledgerError(`${headPath(file)} cannot be written`, "see to the disk; no record is lost")(error)
    })
  })

  const writer = yield* Effect.acquireRelease(
    Effect.sync(() => makeWriter({ file, handle, head, headWithin, key, log, rotate, scanned })),
    (writer) => Effect.promise(writer.finish)
  )
  const append = (record: A, head: boolean, done: (result: number | LedgerError, at: number) => void): void => {
    const at = clock.currentTimeMillisUnsafe()
    const fields = fieldsOf(record)
    if (Result.isSuccess(fields)) {
      return writer.append({ fields: fields.success, at, head, done: (result) => done(result, at) })
    }
    const message = `a record cannot be written to ${file}: ${fields.failure}`
    done(new LedgerError({ message, hint: "nothing was written" }), at)
  }
  return {
    position: writer.position,
    put: (record, done) => append(record, false, done),
    append: (record, options) =>
      Effect.callback((resume) =>
        append(
          record,
          options?.head === true,
          (result, at) =>
            resume(typeof result === "number" ? Effect.succeed({ n: result, at, record }) : Effect.fail(result))
        )
      )
  }
})
