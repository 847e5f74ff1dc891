// A ledger in a folder of its own, with records whose text says which they are.
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fs from "node:fs"
import { join } from "node:path"
import { openChainKey, readChainKey } from "../../src/ledger/chain-key.ts"
import { type Entry, openLedger } from "../../src/ledger/ledger.ts"
import type { Rotate } from "../../src/ledger/rotate.ts"
import { verifyLedger } from "../../src/ledger/verify.ts"
import { recordingLog } from "../support/recording-log.ts"

export interface Text {
  readonly text: string
}

export const NAME = "grants"

export const fileIn = (folder: string): string => join(folder, NAME)
export const headIn = (folder: string): string => join(folder, `${NAME}.head`)

/** The record that stands at an index, counted from 0. */
export const numbered = (index: number): Text => ({ text: `record-${index}` })

export const decode = ({ text, ...rest }: { readonly [name: string]: unknown }): Result.Result<Text, string> =>
  typeof text === "string" && Object.keys(rest).length === 0
    ? Result.succeed({ text })
    : Result.fail("expected a text, got something else")

export const keyOf = (folder: string) =>
  Effect.provide(openChainKey(folder, [NAME, "other"]), SecureRandom.layerWebCrypto)

/** Goes on in a new file after every few records, and keeps so many older ones. */
export const rotating = (bytes: number, keep: number) => {
  const seen: Array<unknown> = []
  let next: unknown = null
  return {
    rotate: { bytes, keep, carry: () => next, carried: (value: unknown) => void seen.push(value) } satisfies Rotate,
    seen,
    carryOn: (value: unknown) => {
      next = value
    }
  }
}

/** The texts of all records in the files that are kept, in order, as any reader of lines finds them. */
export const textsIn = (folder: string): ReadonlyArray<string> => {
  const older = fs.readdirSync(folder).filter((name) => /^grants\.\d+$/.test(name)).toSorted()
  // a file that was just put aside may have both names still
  const inodes = new Set<number>()
  return [...older, NAME].flatMap((name) => {
    const path = join(folder, name)
    if (!fs.existsSync(path) || inodes.has(fs.statSync(path).ino)) return []
    inodes.add(fs.statSync(path).ino)
    const lines = fs.readFileSync(path, "utf8").split("\n").slice(0, -1)
    return lines.map((line) => JSON.parse(line)).flatMap(({ begin, text }) => begin === undefined ? [text] : [])
  })
}

/** Opens the ledger for the scope: with what was in it, and what was logged. */
export const open = Effect.fnUntraced(function*(folder: string, name = NAME, rotate?: Rotate) {
  const key = yield* keyOf(folder)
  const log = recordingLog()
  const replayed: Array<Entry<Text>> = []
  const opened = openLedger({
    folder,
    name,
    key,
    decode,
    replay: (entry) => void replayed.push(entry),
    ...rotate !== undefined && { rotate }
  })
  const ledger = yield* Effect.provide(opened, log.layer)
  return { key, ledger, replayed, lines: log.lines }
})

export const verify = (folder: string, name = NAME) =>
  Effect.flatMap(readChainKey(folder), (key) => verifyLedger({ folder, name, key: key! }))
