// `certify` and `authenticate` beside `sign`: the agent sees only a hash, so a key that does several needs every verdict.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { resolve } from "../decide.ts"
import type { Capability } from "../keys/keyring.ts"
import { type App, headerOf, type Policy } from "../policy.ts"
import { clients, type Finding, idOf } from "./finding.ts"

/** What is known of a key. */
export type KnownKey = (keygrip: Keygrip) => {
  readonly keyId?: string
  readonly capabilities: ReadonlySet<Capability> | undefined
}

/** Entries for `certify` or `authenticate` that also decide over ordinary signatures. */
export const certifyFindings = (policy: Policy, known: KnownKey): ReadonlyArray<Finding> =>
  clients(policy).flatMap((client) => [...findingsOf(policy, client, known)])

function* findingsOf(policy: Policy, client: App, known: KnownKey): Generator<Finding> {
  if (client.keys === "all") return
  for (const operation of ["certify", "authenticate"] as const) {
    for (const keygrip of client.keys) {
      const { capabilities, keyId } = known(keygrip)
      if (capabilities === undefined || !capabilities.has("sign") || !capabilities.has(operation)) continue
      const at = (each: typeof operation | "sign") =>
        resolve(client.byKey.get(keygrip), client.operations, policy, each)
      const [entry, sign] = [at(operation), at("sign")]
      if (entry === sign || entry.verdict === sign.verdict || entry.place === undefined) continue
      const which = keyId === undefined ? `the key ${keygrip}` : `the key ${keyId}`
      const message = `${which} of ${headerOf(idOf(policy, client))} is for sign and ${operation}: the stricter of `
        + `${sign.text} and ${entry.text} holds for every signature that it makes`
      yield {
        place: entry.place,
        level: "note",
        message,
        hint: `a subkey that only signs is not touched by ${operation}`
      }
      break
    }
  }
}
