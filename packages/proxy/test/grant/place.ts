// The grants of a state directory, for one app and two keys.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TokenGrants } from "../../src/control/revoke.ts"
import { type GrantStore, openGrants } from "../../src/grant/grant-store.ts"
import type { Terms } from "../../src/grant/grant.ts"
import { LogService } from "../../src/log.ts"
import { recordingLog } from "../support/recording-log.ts"

export const A = parseKeygrip("A".repeat(40))!
export const B = parseKeygrip("B".repeat(40))!

export const by = { through: "test" }

export const alwaysFor = (keygrip: typeof A): Terms => ({
  holder: { kind: "app", app: "git" },
  definition: "socket=git",
  keygrip,
  operations: new Set(["sign"]),
  answer: "yes",
  by
})

/** Opens the grants for the scope, and keeps what is logged. */
export const openIn = Effect.fnUntraced(function*(folder: string) {
  const { layer, lines } = recordingLog()
  const grants = yield* Effect.provide(openGrants({ state: folder }), Layer.merge(layer, layerWebCrypto))
  return { grants, lines, log: yield* Effect.provide(LogService, layer) }
})

/** The first letters of the keys that there are grants in force for. */
export const inForce = (grants: GrantStore["Service"]): string =>
  [A, B].filter((key) => grants.find("app git", "sign", key).length > 0).map((key) => key[0]).join("")

/** No grants with a token beside them. */
export const noTokens: TokenGrants = {
  all: () => [],
  get: () => undefined,
  isLive: () => false,
  revoke: () => Effect.void
}
