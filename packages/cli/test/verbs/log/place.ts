// A journal as a gate writes it, in a state directory of its own.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { refusal, type Use } from "@gripgate/proxy/authority/authority"
import type { Journal } from "@gripgate/proxy/journal/journal"
import { JOURNAL, openJournal } from "@gripgate/proxy/journal/open-journal"
import { openChainKey } from "@gripgate/proxy/ledger/chain-key"
import { LogService } from "@gripgate/proxy/log"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { makeFolder } from "../../support/cli.ts"

export const [ONE, TWO] = ["1", "2"].map((digit) => parseKeygrip(digit.repeat(40))!) as [Keygrip, Keygrip]

export const ALLOW = {
  verdict: "allow",
  text: "sign = \"allow\"",
  place: { file: "/p.toml", line: 3, column: 1 }
} as const
export const TOKEN = { verdict: "token", text: "decrypt = \"token\"" } as const

export const useOf = (
  app: string | undefined,
  operation: Operation,
  keygrip: Keygrip,
  program = "/usr/bin/git"
): Use => ({
  app,
  facts: { socket: "/s", session: 1, pid: 7, uid: 1000, chain: [], program },
  identity: app === undefined ? { kind: "anyone" } : { kind: "app", app, rank: "kernel", by: [] },
  command: operation === "decrypt" ? "PKDECRYPT" : "PKSIGN",
  operations: [operation],
  keygrips: [keygrip],
  whenLost: () => () => {}
})

export interface Place {
  readonly home: string
  readonly state: string
}

export const makePlace = (): Place => {
  const home = makeFolder()
  const state = join(home, ".local/state/gripgate")
  mkdirSync(state, { recursive: true, mode: 0o700 })
  return { home, state }
}

/** Has a gate write to the journal. */
export const write = (
  { state }: Place,
  what: (journal: Journal["Service"]) => Effect.Effect<void>,
  bytes?: number
): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function*() {
      const key = yield* openChainKey(state, [JOURNAL])
      yield* what(yield* openJournal({ state, key, version: "1.2.3", ...bytes !== undefined && { bytes } }))
    }).pipe(
      Effect.scoped,
      Effect.orDie,
      Effect.provide(Layer.merge(layerWebCrypto, Layer.succeed(LogService, { level: 3, write: () => {} })))
    )
  )

/** Two uses and their outcomes, a use of which nothing is known, and two refusals. */
export const someRecords = (journal: Journal["Service"]): Effect.Effect<void> =>
  Effect.gen(function*() {
    const one = journal.allowed(useOf("git", "sign", ONE), ALLOW, ["K7F3"])!
    const two = journal.allowed(useOf("mail", "decrypt", TWO), TOKEN)!
    two.outcome("failed", "67108875 Bad passphrase")
    one.outcome("done")
    journal.refused(useOf(undefined, "sign", ONE), refusal(gpgError.FORBIDDEN, "default = \"forbid\""))
    yield* journal.allowed(useOf("git", "sign", TWO), ALLOW)!.written
    journal.rejected("mail", useOf("mail", "sign", ONE).facts, "FOO", "unknown command")
  })
