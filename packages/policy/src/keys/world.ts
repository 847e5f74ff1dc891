// What selectors are resolved against: the keyring and the secret keys, as somebody has read them.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Certificate } from "./keyring.ts"

/** The owner's keys at one moment. */
export interface World {
  /** All certificates of the public keyring; `undefined` where there is none to be read. */
  readonly certificates: ReadonlyArray<Certificate> | undefined
  /** The keys that the agent has a secret for; `undefined` where that is not known. */
  readonly secret: ReadonlySet<Keygrip> | undefined
  /** Keys that apps made or brought in through the gate: a certificate around one of them is not the owner's. */
  readonly made: ReadonlySet<Keygrip>
}
