// What a gate is started with. The command line makes it; nothing here has a default that hides something.

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
  /** Clients that are restricted as those of the agent's own extra or browser socket. */
  readonly origin?: "remote" | "browser"
  /** Permission bits; 0600 where left out. */
  readonly mode?: number
  /** A group by name or number. */
  readonly group?: string
}

export interface GateSettings {
  /** The version that the gate says it is. */
  readonly version: string
  /** GnuPG's home directory; absent: GNUPGHOME, or GnuPG's own default. */
  readonly homedir?: string
  /** The agent's socket, where gpgconf is not to be asked and no agent is to be started. */
  readonly upstream?: string
  readonly listen: ReadonlyArray<ListenOn>
  readonly policy: PolicySource
  /** A directory for what is kept, and for the lock that makes this gate the only one there. */
  readonly state: string
  /** The socket on which the command line talks to the gate. */
  readonly control: string
  /** One log line also for what only looks. */
  readonly verbose: boolean
}
