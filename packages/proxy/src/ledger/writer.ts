// Puts records at the end of a ledger. What comes while others are being made durable waits and goes together: one
// fdatasync for all of it. Plain callbacks and promises, for an append is in the way of a signature.
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import type { Log } from "../log.ts"
import { reasonOf } from "../reason.ts"
import { type Head, headPath } from "./head.ts"
import { LedgerError } from "./ledger-error.ts"
import { writeAll } from "./own-file.ts"
import { type Position, writeLine } from "./record.ts"
import type { Scanned } from "./scan.ts"

/** A record that is to be written. */
export interface Waiting {
  /** As `fieldsOf` gives them. */
  readonly fields: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Whether it waits until the head was written too. */
  readonly head: boolean
  /** Called once, with the record's number or with what went wrong. */
  readonly done: (result: number | LedgerError) => void
}

export interface Writer {
  readonly append: (waiting: Waiting) => void
  /** Behind the last durable record. */
  readonly position: () => Position
  /** Takes nothing more and waits for what it has. */
  readonly finish: () => Promise<void>
}

export interface WriterOptions {
  readonly file: string
  readonly handle: FileHandle
  readonly head: Head
  readonly key: KeyObject
  readonly log: Log
  /** The file as it was found; the head is as far. */
  readonly scanned: Scanned
}

export const makeWriter = ({ file, handle, head, key, log, scanned }: WriterOptions): Writer => {
  let { end, position, torn } = scanned
  let headAt = position.n
  let queue: Array<Waiting> = []
  let running: Promise<void> | undefined
  /** Why nothing is written any more, and why nothing is taken. */
  let broken: LedgerError | undefined
  let finished: LedgerError | undefined
  let headFailed = false

  const flush = async (): Promise<void> => {
    // what comes in the same turn goes along
    await Promise.resolve()
    while (queue.length > 0) {
      const batch = queue
      queue = []
      const first = position.n + 1
      const failure = broken ?? await write(batch)
      const settle = (head: boolean) =>
        batch.forEach((each, i) => {
          if (each.head === head) each.done(failure ?? first + i)
        })
      settle(false)
      // without its head a record is written all the same: whoever opens the ledger finds it, and brings the head up
      if (failure === undefined) await writeHead()
      settle(true)
    }
    running = undefined
  }

  const write = async (batch: ReadonlyArray<Waiting>): Promise<LedgerError | undefined> => {
    let next = position
    const lines = batch.map(({ at, fields }) => {
      const { line, position } = writeLine(key, next, at, fields)
      next = position
      return line
    })
    const bytes = Buffer.concat(lines)
    let begun = false
    try {
      if (torn) await restore()
      torn = begun = true
      await writeAll(handle, bytes, end)
      await handle.datasync()
      torn = false
      end += bytes.length
      position = next
      return undefined
    } catch (error) {
      const message = `nothing can be written to ${file}: ${reasonOf(error)}`
      await restore().catch(giveUp)
      if (broken === undefined) return new LedgerError({ message, hint: "make room; the next record is tried anew" })
      return new LedgerError({ message, hint: broken.hint, ...begun && { unsure: true } })
    }
  }

  /** Cuts off what was not finished. Durable before anything is written there, or the two could be mixed. */
  const restore = async (): Promise<void> => {
    await handle.truncate(end)
    await handle.datasync()
    torn = false
  }

  const giveUp = (error: unknown): void => {
    broken = new LedgerError({
      message: `${file} takes no more records: its end cannot be restored after a failed write: ${reasonOf(error)}`,
      hint: "see to the disk, then start the gate again"
    })
    log.write(3, broken.message)
  }

  const writeHead = async (): Promise<void> => {
    const at = position
    try {
      await head.write(at)
      headAt = at.n
      if (headFailed) log.write(5, `${headPath(file)} is written again`)
      headFailed = false
    } catch (error) {
      const unseen = `that records after ${headAt} are cut off from ${file} would not be noticed`
      // once: it is tried again with every record
      if (!headFailed) log.write(3, `${headPath(file)} cannot be written: ${reasonOf(error)}; until it can, ${unseen}`)
      headFailed = true
    }
  }

  return {
    append: (waiting) => {
      const refusal = broken ?? finished
      if (refusal !== undefined) return waiting.done(refusal)
      queue.push(waiting)
      running ??= flush()
    },
    position: () => position,
    finish: async () => {
      finished = new LedgerError({ message: `${file} is closed`, hint: "the gate is stopping" })
      await running
      if (headAt !== position.n) await writeHead()
    }
  }
}
