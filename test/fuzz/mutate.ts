// Ways to spoil bytes: by the byte, by the word, by the line. What comes out need not be a line any more.
import type { Corpus } from "./corpus.ts"
import type { Random } from "./random.ts"

/** Bytes at which parsers stumble. */
const sharp = [0x00, 0x09, 0x0a, 0x0d, 0x20, 0x23, 0x25, 0x28, 0x29, 0x2d, 0x3d, 0x7f, 0x80, 0xff]

const splice = (bytes: Buffer, at: number, remove: number, insert: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])

type Mutation = (bytes: Buffer, random: Random, corpus: Corpus) => Buffer

const someCase: Mutation = (bytes, random) =>
  Buffer.from(
    bytes.toString("latin1").replace(/[A-Za-z]/g, (letter) =>
      random.chance(0.5) ? letter.toLowerCase() : letter.toUpperCase()),
    "latin1"
  )

const mutations: ReadonlyArray<Mutation> = [
  // a byte changed, put in, taken out
  (bytes, random) => splice(bytes, random.int(bytes.length + 1), 1, random.bytes(1)),
  (bytes, random) => splice(bytes, random.int(bytes.length + 1), 0, Buffer.from([random.pick(sharp)])),
  (bytes, random) => splice(bytes, random.int(bytes.length + 1), 1, Buffer.from([random.pick(sharp)])),
  (bytes, random) => splice(bytes, random.int(bytes.length + 1), 1 + random.int(4), Buffer.alloc(0)),
  // a piece doubled, cut off, or taken from elsewhere
  (bytes, random) => splice(bytes, random.int(bytes.length + 1), 0, bytes.subarray(random.int(bytes.length + 1))),
  (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1)),
  (bytes, random, { lines }) => splice(bytes, random.int(bytes.length + 1), 0, random.pick(lines)),
  (bytes, random, { words }) => splice(bytes, random.int(bytes.length + 1), 0, Buffer.from(` ${random.pick(words)} `)),
  // spelled otherwise
  someCase,
  (bytes, random) =>
    Buffer.from(bytes.toString("latin1").replaceAll(" ", random.pick(["  ", "\t", " \t ", ""])), "latin1"),
  (bytes, random) =>
    Buffer.concat([bytes, Buffer.from(random.pick([" ", "\r", " x", " --force", "\0", "\r\r", "%", "%4"]))]),
  (bytes, random) =>
    Buffer.concat([Buffer.from(random.pick([" ", "\t", "#", "\0", "D ", "END", "CAN", "\n", "\r"])), bytes]),
  // long
  (bytes, random) =>
    splice(
      bytes,
      random.int(bytes.length + 1),
      0,
      Buffer.alloc(random.pick([10, 100, 900, 1_000, 1_100]), random.pick(["A", "%41", "\0", " "]))
    )
]

/** Bytes with one to three faults. */
export const mutate: Mutation = (bytes, random, corpus) => {
  let spoiled = bytes
  for (let faults = 1 + random.int(3); faults > 0; faults--) spoiled = random.pick(mutations)(spoiled, random, corpus)
  return spoiled.subarray(0, 4_000)
}

/** A line out of words that belong together or do not, and one of any bytes. */
export const randomLine: Mutation = (_, random, { words }) => {
  if (random.chance(0.2)) return random.bytes(random.int(200))
  const separators = [" ", " ", " ", " ", "  ", "\t", "=", ""]
  const parts = Array.from({ length: 1 + random.int(5) }, () => `${random.pick(words)}${random.pick(separators)}`)
  return Buffer.from(parts.join(""), "latin1")
}
