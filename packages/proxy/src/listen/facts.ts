// What a session knows of its client, and who it takes it for.
import type { ClientFacts } from "@gripgate/policy/client/facts"

/** Who is at the other end of a socket. */
export interface Facts extends ClientFacts {
  /** A number for this session, for the log. */
  readonly session: number
}
