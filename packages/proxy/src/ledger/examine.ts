// Reads a ledger and its head, and judges whether they fit together: the same for who opens it and for who only looks.
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { headPath, newest, type Slots } from "./head.ts"
import { genesis, type Line } from "./record.ts"
import { type Damage, scan, type Scanned } from "./scan.ts"

/** `undefined` for what is not there. The head was read before the file is, which is never behind it. */
export interface Found {
  readonly slots: Slots | undefined
  readonly handle: FileHandle | undefined
}

export const examine = async (
  { file, key, name, slots, handle }: Found & {
    readonly file: string
    readonly key: KeyObject
    readonly name: string
  },
  visit: (line: Line) => void
): Promise<Scanned> => {
  const start = genesis(key, name)
  // what each slot names, as the file has it
  const macs = new Map([[start.n, start.mac]])
  const scanned = handle === undefined
    ? { position: start, end: 0, torn: false }
    : await scan({ file, handle, key, name }, (line) => {
      const { mac, n } = line.position
      if (slots?.some((slot) => slot?.n === n) === true) macs.set(n, mac)
      visit(line)
    })
  const damage = scanned.damage ?? compare(file, { slots, handle }, scanned, macs)
  return damage === undefined ? scanned : { ...scanned, damage }
}

const compare = (
  file: string,
  { slots, handle }: Found,
  { position: { n } }: Scanned,
  macs: ReadonlyMap<number, Buffer>
): Damage | undefined => {
  const wrong = (kind: Damage["kind"], message: string, line?: number): Damage => ({ kind, line, message })
  const head = headPath(file)
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
    return wrong("cut off", `${file}:${n + 1}: ${what}: an old copy was put back or its end was cut off`, n + 1)
  }
  const [a, b] = slots
  // a slot is written when its record is durable already, so one that is torn leaves the file ahead of the other
  const isLeftByCrash = a === undefined || b === undefined ? n > last.n : a.n !== b.n || a.n === 0
  if (!isLeftByCrash) return wrong("altered", `${head} is damaged, so records may be missing at the end of ${file}`)
  const fits = slots.every((slot) => slot === undefined || macs.get(slot.n)?.equals(slot.mac) === true)
  return fits ? undefined : wrong("altered", `${file} is not the file that ${head} was written for`)
}
