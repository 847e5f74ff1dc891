// What a gate is started with. The command line makes it; nothing here has a default that hides something.
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Held } from "./listen/held-socket.ts"
import type { LogService } from "./log.ts"

/** Where the policy comes from: a file that is watched, or one word. */
export type PolicySource =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "default"; readonly verdict: "allow" | "ask" | "forbid" }

/** A socket to listen on, and the app that owns it; without one, whoever connects is told by the other facts. */
export interface ListenOn {
  readonly path: string
  readonly app?: string
  /** A descriptor that listens there already (sd_listen_fds(3)): whose it is and who may connect is not the gate's business. */
  readonly fd?: number
  /** Permission bits; 0600 where left out. */
  readonly mode?: number
  /** A group by name or number. */
  readonly group?: string
  /** Whoever connects is another machine, or a browser: the agent restricts him, as at its own sockets for these. */
  readonly origin?: "remote" | "browser"
  /** The path is somebody else's, and the gate's only as long as it runs. */
  readonly held?: Held
}

/** The agent of a gate that stands in for it. */
export interface Behind {
  readonly socket: string
  /** Starts the agent there, or finds that one runs. */
  readonly launch: Effect.Effect<void, { readonly message: string }>
}

/** Why a gate cannot stand in. */
export interface BehindError {
  readonly _tag: "BehindError"
  readonly message: string
  readonly hint?: string | undefined
}

export interface GateSettings {
  /** The version that the gate says it is. */
  readonly version: string
  /** GnuPG's home directory; absent: GNUPGHOME, or GnuPG's own default. */
  readonly homedir?: string
  /** The agent's socket, where gpgconf is not to be asked and no agent is to be started. */
  readonly upstream?: string
  /** Finds, or makes, the agent's place behind a gate that stands in for it; once the lock is held, before anything listens. */
  readonly behind?: Effect.Effect<Behind, BehindError, Scope.Scope | LogService>
  readonly listen: ReadonlyArray<ListenOn>
  readonly policy: PolicySource
  /** A directory for what is kept, and for the lock that makes this gate the only one there. */
  readonly state: string
  /** The socket on which the command line talks to the gate. */
  readonly control: string
  /** One log line also for what only looks. */
  readonly verbose: boolean
}
