// A ledger in a folder of its own, with records whose text says which they are.
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { join } from "node:path"
import { openChainKey, readChainKey } from "../../src/ledger/chain-key.ts"
import { type Entry, openLedger } from "../../src/ledger/ledger.ts"
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

/** Opens the ledger for the scope: with what was in it, and what was logged. */
export const open = Effect.fnUntraced(function*(folder: string, name = NAME) {
  const key = yield* keyOf(folder)
  const log = recordingLog()
  const replayed: Array<Entry<Text>> = []
  const opened = openLedger({ folder, name, key, decode, replay: (entry) => void replayed.push(entry) })
  const ledger = yield* Effect.provide(opened, log.layer)
  return { key, ledger, replayed, lines: log.lines }
})

export const verify = (folder: string, name = NAME) =>
  Effect.flatMap(readChainKey(folder), (key) => verifyLedger({ folder, name, key: key! }))
