// What is known of a client. Each fact says how strong it is; a fact that needs work is read when somebody asks.

/** Who is at the other end of a socket. */
export interface Facts {
  /** The socket that it connected to. */
  readonly socket: string
  /** A number for this session, for the log. */
  readonly session: number
}
