// Puts records at the end of a ledger. What comes while others are being made durable waits and goes together: one
// fdatasync for all of it. Plain callbacks and promises, for an append is in the way of a signature.
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { dirname } from "node:path"
import type { Log } from "../log.ts"
import { reasonOf } from "../reason.ts"
import { type Firsts, removeLeftOver } from "./files.ts"
import { type Head, headPath } from "./head.ts"
import { LedgerError } from "./ledger-error.ts"
import { syncFolder, writeAll } from "./own-file.ts"
import { type Position, writeLine } from "./record.ts"
import { putAside, type Rotate } from "./rotate.ts"
import type { Scanned } from "./scan.ts"

/** A record that is to be written. */
export interface Waiting {
  /** As `fieldsOf` gives them. */
  readonly fields: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Whether it waits until the head was written too. */
  readonly head: boolean
  /** Whether it may be written with whatever comes next, or a moment later. */
  readonly later?: boolean
  /** Called once, with the record's number or with what went wrong. */
  readonly done: (result: number | LedgerError) => void
}

/** Milliseconds that a record waits for others, where it may be written later. */
const LATER = 20

export interface Writer {
  readonly append: (waiting: Waiting) => void
  /** Behind the last durable record. */
  readonly position: () => Position
  /** Takes nothing more, waits for what it has, and closes the file. */
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
  /** Milliseconds by which the head may be behind, where nobody waits for it. */
  readonly headWithin: number
  readonly rotate: Rotate | undefined
}

export const makeWriter = (options: WriterOptions): Writer => {
  const { file, head, headWithin, key, log, rotate, scanned } = options
  let { handle } = options
  let { end, position, torn } = scanned
  let firsts: Firsts = { first: scanned.start.n + 1, older: scanned.begin?.files ?? [] }
  let headAt = position.n
  let headTimer: NodeJS.Timeout | undefined
  let headDue = false
  let laterTimer: NodeJS.Timeout | undefined
  /** Whether a new file is in place that may be gone after a crash: nothing is acknowledged until it cannot. */
  let misplaced = false
  let rotateFrom = rotate?.bytes ?? Infinity
  let rotateFailed = false
  let queue: Array<Waiting> = []
  let running: Promise<void> | undefined
  /** Why nothing is written any more, and why nothing is taken. */
  let broken: LedgerError | undefined
  let finished: LedgerError | undefined
  let headFailed = false

  const flush = async (): Promise<void> => {
    // what comes in the same turn goes along
    await Promise.resolve()
    while (queue.length > 0 || headDue) {
      const batch = queue
      queue = []
      const first = position.n + 1
      const failure = broken ?? (batch.length === 0 ? undefined : await write(batch))
      const settle = (head: boolean) =>
        batch.forEach((each, i) => {
          if (each.head === head) each.done(failure ?? first + i)
        })
      settle(false)
      // without its head a record is written all the same: whoever opens the ledger finds it, and brings the head up
      if (failure === undefined && (headDue || headWithin === 0 || batch.some(({ head }) => head))) await writeHead()
      headDue = false
      settle(true)
      if (headAt !== position.n && failure === undefined) laterHead()
      if (end > rotateFrom && failure === undefined && broken === undefined) await goOn(batch.at(-1)?.at)
    }
    running = undefined
  }

  const laterHead = (): void => {
    headTimer ??= setTimeout(() => {
      headTimer = undefined
      headDue = headAt !== position.n
      if (headDue) running ??= flush()
    }, headWithin).unref()
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
      if (misplaced) await settleIn()
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
    if (misplaced) return
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

  /** Goes on in a new file. Where that cannot be, the file grows. */
  const goOn = async (at: number | undefined): Promise<void> => {
    if (rotate === undefined || at === undefined) return
    if (headAt !== position.n) await writeHead()
    if (headAt !== position.n) return
    const old = handle
    try {
      const { bytes, carry, keep } = rotate
      const fresh = await putAside({ file, key, firsts, keep, position, at, carried: carry() })
      ;({ end, handle, position } = fresh)
      firsts = { first: fresh.first, older: fresh.older }
      rotateFrom = bytes
      misplaced = true
      if (rotateFailed) log.write(5, `${file} goes on in a new file again`)
      rotateFailed = false
    } catch (error) {
      rotateFrom = end + rotate.bytes / 8
      if (!rotateFailed) log.write(3, `${file} cannot go on in a new file, so it grows: ${reasonOf(error)}`)
      rotateFailed = true
      return
    }
    await old.close().catch(() => {})
    // else it is tried again before the next record
    await settleIn().catch(() => {})
  }

  const settleIn = async (): Promise<void> => {
    await syncFolder(dirname(file))
    misplaced = false
    await writeHead()
    try {
      removeLeftOver(file, firsts.first, firsts.older)
    } catch (error) {
      log.write(4, `files that are older than is kept of ${file} cannot be removed: ${reasonOf(error)}`)
    }
  }

  return {
    append: (waiting) => {
      const refusal = broken ?? finished
      if (refusal !== undefined) return waiting.done(refusal)
      queue.push(waiting)
      if (waiting.later === true && running === undefined) {
        laterTimer ??= setTimeout(() => {
          laterTimer = undefined
          running ??= flush()
        }, LATER).unref()
      } else running ??= flush()
    },
    position: () => position,
    finish: async () => {
      finished = new LedgerError({ message: `${file} is closed`, hint: "the gate is stopping" })
      clearTimeout(laterTimer)
      if (queue.length > 0) running ??= flush()
      await running
      // a timer of the last records
      clearTimeout(headTimer)
      if (headAt !== position.n) await writeHead()
      await handle.close()
    }
  }
}
