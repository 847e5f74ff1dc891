// Lists of several agents as one: each key once, as the first agent that has it tells of it.
import { decodeDataInto, encodeDataLines } from "@gripgate/protocol/escape"

const LF = 10
const GRIP = 20

/** The lines of an answer, with their LF. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length;) {
    const stop = bytes.indexOf(LF, from)
    const to = stop < 0 ? bytes.length : stop + 1
    yield bytes.subarray(from, to)
    from = to
  }
}

const isData = (line: Buffer): boolean => line[0] === 0x44 && line[1] === 0x20

/** The bytes of all D lines of an answer. */
export const dataOf = (bytes: Buffer): Buffer => {
  const data = Buffer.allocUnsafeSlow(Math.max(4096, bytes.length))
  let length = 0
  for (const line of linesOf(bytes)) {
    if (isData(line)) length = Math.max(length, decodeDataInto(line.subarray(2, line.length - 1), data, length))
  }
  return data.subarray(0, length)
}

/** The status lines of an answer. */
export const statusOf = (bytes: Buffer): Buffer => Buffer.concat([...linesOf(bytes)].filter((line) => !isData(line)))

/** What HAVEKEY --list answers: keygrips of 20 bytes, one behind the other. */
export const mergeGrips = (answers: ReadonlyArray<Buffer>): Buffer => {
  const seen = new Set<string>()
  const kept: Array<Buffer> = []
  for (const data of answers.map(dataOf)) {
    for (let at = 0; at + GRIP <= data.length; at += GRIP) {
      const grip = data.subarray(at, at + GRIP)
      const text = grip.toString("hex")
      if (seen.has(text)) continue
      seen.add(text)
      kept.push(grip)
    }
  }
  return encodeDataLines(Buffer.concat(kept))
}

/** `S KEYINFO GRIP ...`, or the same without `S KEYINFO` in D lines, each with an escaped LF. */
const ROW = /^(?:S KEYINFO )?([0-9A-F]{40}) /

/** What KEYINFO --list answers, in either form. */
export const mergeRows = (answers: ReadonlyArray<Buffer>): Buffer => {
  const seen = new Set<string>()
  const isNew = (row: string): boolean => {
    const grip = ROW.exec(row)?.[1]
    if (grip === undefined || seen.has(grip)) return false
    seen.add(grip)
    return true
  }
  const status: Array<Buffer> = []
  let data = ""
  for (const answer of answers) {
    for (const line of linesOf(answer)) {
      if (!isData(line) && isNew(line.toString("latin1"))) status.push(Buffer.from(line))
    }
    for (const row of dataOf(answer).toString("latin1").split("\n")) if (isNew(row)) data += `${row}\n`
  }
  return Buffer.concat([...status, encodeDataLines(Buffer.from(data, "latin1"))])
}
