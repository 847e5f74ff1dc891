// Reads a ledger and its head, and judges whether they fit together: the same for who opens it and for who only looks.
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { olderBeside, type OlderFile, olderPath } from "./files.ts"
import { headPath, newest, type Slots } from "./head.ts"
import type { Line, Position } from "./record.ts"
import { genesis } from "./record.ts"
import { type Damage, scan, type Scanned } from "./scan.ts"

/** `undefined` for what is not there. The head was read before the files are, which are never behind it. */
export interface Found {
  readonly slots: Slots | undefined
  readonly handle: FileHandle | undefined
  /** The files before it, oldest first; none for who opens the ledger, which only needs to know how to go on. */
  readonly older?: ReadonlyArray<OlderFile>
}

export const examine = async (
  { file, key, name, slots, handle, older = [] }: Found & {
    readonly file: string
    readonly key: KeyObject
    readonly name: string
  },
  visit: (line: Line) => void
): Promise<Scanned> => {
  /** What each slot names, as the files have it. */
  const macs = new Map<number, Buffer>()
  const note = ({ mac, n }: Position) => {
    if (slots?.some((slot) => slot?.n === n) === true) macs.set(n, mac)
  }
  const seen = (line: Line) => {
    note(line.position)
    visit(line)
  }
  let last: Position | undefined
  let start: Position | undefined
  for (const each of older) {
    if (each.handle === undefined) return damaged(missing(each, file), start ?? genesis(key, name))
    const scanned = await scan({ file: each.file, handle: each.handle, key, name, last }, seen)
    start ??= scanned.start
    const damage = scanned.damage ?? unfinished(each, scanned)
    if (damage !== undefined) return { ...scanned, damage }
    last = scanned.position
  }
  const none = last ?? genesis(key, name)
  const scanned = handle === undefined
    ? { start: none, position: none, end: 0, torn: false }
    : await scan({ file, handle, key, name, last }, seen)
  start ??= scanned.start
  note(start)
  const damage = scanned.damage ?? compare(file, { slots, handle }, scanned, start, macs)
  return damage === undefined ? scanned : { ...scanned, damage }
}

const damaged = (damage: Damage, start: Position): Scanned => ({ start, position: start, end: 0, torn: false, damage })

const missing = ({ file }: OlderFile, current: string): Damage => ({
  kind: "missing",
  line: undefined,
  message: `${file} is missing, and ${current} says that it is kept`
})

/** An older file was whole when it was put aside; whether records are missing at its end the next file shows. */
const unfinished = ({ file, first }: OlderFile, { position, start, torn }: Scanned): Damage | undefined => {
  const line = position.n - start.n + 1
  if (torn) {
    return { kind: "altered", line, message: `${file}:${line}: record ${position.n + 1} is not as it was written` }
  }
  if (start.n + 1 === first) return undefined
  const message = `${file}:1: expected record ${first}, got record ${start.n + 1}: it is another file`
  return { kind: "reordered", line: 1, message }
}

const compare = (
  file: string,
  { slots, handle }: Found,
  { position: { n }, start: begun }: Scanned,
  start: Position,
  macs: ReadonlyMap<number, Buffer>
): Damage | undefined => {
  const wrong = (kind: Damage["kind"], message: string, line?: number): Damage => ({ kind, line, message })
  const head = headPath(file)
  if (handle === undefined && slots === undefined) {
    const first = olderBeside(file)[0]
    return first === undefined
      ? undefined
      : wrong("missing", `${file} is missing, and ${olderPath(file, first)} is there`)
  }
  if (slots === undefined) {
    return n === 0 ? undefined : wrong("missing", `${head} is missing, and ${file} has records (${n})`)
  }
  const last = newest(slots)
  if (last === undefined) return wrong("altered", `${head} is damaged, or chain.key is not the key it was written with`)
  if (handle === undefined && last.n > 0) {
    return wrong("missing", `${file} is missing, and ${head} says that it had records (${last.n})`)
  }
  if (n < last.n) {
    const what = `records are missing at the end (there are ${n}, and there were ${last.n})`
    const line = n + 1 - begun.n
    return wrong("cut off", `${file}:${line}: ${what}: an old copy was put back or its end was cut off`, line)
  }
  const [a, b] = slots
  // a slot is written when its record is durable already, so one that is torn leaves the file ahead of the other
  const isLeftByCrash = a === undefined || b === undefined ? n > last.n : a.n !== b.n || a.n === 0
  if (!isLeftByCrash) return wrong("altered", `${head} is damaged, so records may be missing at the end of ${file}`)
  // the newer slot was written before its file was put aside; the record of the older one may be in a file that is not read
  const fits = last.n >= start.n
    && slots.every((slot) => slot === undefined || slot.n < start.n || macs.get(slot.n)?.equals(slot.mac) === true)
  return fits ? undefined : wrong("altered", `${file} is not the file that ${head} was written for`)
}
