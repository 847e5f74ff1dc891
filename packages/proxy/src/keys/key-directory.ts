// What is known of keys, and which of them exist for a client: one predicate for what is shown and for what is used.
import type { Capability } from "@gripgate/policy/keys/keyring"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** One key, as far as it is known. */
export interface KeyInfo {
  readonly keygrip: Keygrip
  /** 16 upper-case hexadecimal digits. */
  readonly keyId?: string
  readonly fingerprint?: string
  /** The first user id of its certificate, as it stands there: not harmless to show. */
  readonly userId?: string
  /** What its certificate says that it is for; `undefined` where nobody knows. */
  readonly capabilities: ReadonlySet<Capability> | undefined
  /** How the agent keeps it; `undefined` where it has not been asked, or has no such key. */
  readonly protection?: "clear" | "protected" | "card"
}

/** How an app got a key of its own. */
export type Origin = "generated" | "imported"

/** The keys of the owner as an app may see them. `app` is `undefined` for whoever is no app. */
export class KeyDirectory extends Context.Service<KeyDirectory, {
  /** Whether everything is visible, so that no answer needs to be looked through. */
  readonly seesAll: (app: string | undefined) => boolean
  readonly visible: (app: string | undefined, keygrip: Keygrip) => boolean
  /** Whether the app made this key or brought it in. */
  readonly own: (app: string | undefined, keygrip: Keygrip) => boolean
  readonly info: (keygrip: Keygrip) => KeyInfo
  /** An app made a key or brought it in, which becomes its own: durable when this is done. */
  readonly made: (app: string, keygrip: Keygrip, origin: Origin) => Effect.Effect<void>
  /** A key was deleted: it is nobody's own any more. */
  readonly gone: (keygrip: Keygrip) => Effect.Effect<void>
  /** Keys may have changed: they are read again, and nobody waits for it. */
  readonly changed: () => void
}>()("gripgate/proxy/KeyDirectory") {}
