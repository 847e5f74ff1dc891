// How far a ledger has come, kept apart from it: a file that was cut at the end of a line is a whole chain, and only its
// head says that there was more. Two slots are written in turn, each in place, so that a write that is torn leaves the other.
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto"
import { constants } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { newerError } from "./ledger-error.ts"
import { makeOwn, openOwn, writeAll } from "./own-file.ts"
import { genesis, type Position } from "./record.ts"

/** Version of a slot. */
const VERSION = 1

/** Bytes from one slot to the other: a disk never writes both as one block. */
const STRIDE = 4096

/** In a slot: its version (4 bytes, big-endian, as is n), n (8), the hash of record n (32), and the check of all that (32). */
const [N, MAC, CHECK, SIZE] = [4, 12, 44, 76]

/** What the slots say; `undefined` for one that is torn or was altered. */
export type Slots = readonly [Position | undefined, Position | undefined]

export interface Head {
  readonly slots: Slots
  /** Writes the older slot; durable when this is done. After a failure the next write goes to the same slot. */
  readonly write: (position: Position) => Promise<void>
  readonly close: () => Promise<void>
}

export const headPath = (file: string): string => `${file}.head`

export const newest = ([a, b]: Slots): Position | undefined => a === undefined || b !== undefined && b.n > a.n ? b : a

/** The head of a ledger's file; `undefined` where there is none. */
export const openHead = async (key: KeyObject, name: string, file: string): Promise<Head | undefined> => {
  const handle = await openOwn(headPath(file), constants.O_RDWR)
  if (handle === undefined) return undefined
  try {
    const slots = await readSlots(handle, key, name, file)
    let next = newest(slots) === slots[0] ? 1 : 0
    return {
      slots,
      write: async (position) => {
        await writeAll(handle, slotOf(key, name, position), next * STRIDE)
        await handle.datasync()
        next = 1 - next
      },
      close: () => handle.close()
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** What the head of a file says, read beside whoever writes it; `undefined` where there is none. */
export const readHead = async (key: KeyObject, name: string, file: string): Promise<Slots | undefined> => {
  const handle = await openOwn(headPath(file), constants.O_RDONLY)
  if (handle === undefined) return undefined
  await using held = handle
  return await readSlots(held, key, name, file)
}

/** Makes the head of a ledger that has no records yet. Its blocks are there from now on, for a full disk. */
export const makeHead = async (key: KeyObject, name: string, file: string): Promise<void> => {
  const bytes = Buffer.alloc(2 * STRIDE)
  const slot = slotOf(key, name, genesis(key, name))
  for (const at of [0, STRIDE]) slot.copy(bytes, at)
  await makeOwn(headPath(file), bytes)
}

const readSlots = async (handle: FileHandle, key: KeyObject, name: string, file: string): Promise<Slots> => {
  const bytes = Buffer.alloc(2 * STRIDE)
  await handle.read(bytes, 0, bytes.length, 0)
  const slot = (at: number): Position | undefined => {
    const found = bytes.subarray(at, at + SIZE)
    const version = found.readUInt32BE()
    if (version > VERSION) throw newerError(headPath(file), VERSION, version)
    if (!timingSafeEqual(found.subarray(CHECK), check(key, name, found))) return undefined
    return { n: Number(found.readBigUInt64BE(N)), mac: Buffer.from(found.subarray(MAC, CHECK)) }
  }
  return [slot(0), slot(STRIDE)]
}

const slotOf = (key: KeyObject, name: string, { mac, n }: Position): Buffer => {
  const slot = Buffer.alloc(SIZE)
  slot.writeUInt32BE(VERSION)
  slot.writeBigUInt64BE(BigInt(n), N)
  mac.copy(slot, MAC)
  check(key, name, slot).copy(slot, CHECK)
  return slot
}

const check = (key: KeyObject, name: string, slot: Buffer): Buffer =>
  createHmac("sha256", key).update(`gripgate head ${name} ${VERSION}`).update(slot.subarray(0, CHECK)).digest()
