// Which keys exist for a client: one predicate for what is shown and for what is used.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Context from "effect/Context"

/** The keys of the owner as an app may see them. `app` is `undefined` for whoever is no app. */
export class KeyDirectory extends Context.Service<KeyDirectory, {
  /** Whether everything is visible, so that no answer needs to be looked through. */
  readonly seesAll: (app: string | undefined) => boolean
  readonly visible: (app: string | undefined, keygrip: Keygrip) => boolean
}>()("gripgate/proxy/KeyDirectory") {}
