// What the stations of one session share: the client, the state, the connection to the agent, and the services.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import type { Authority } from "../authority/authority.ts"
import type { Journal } from "../journal/journal.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { KnownKeys } from "../keys/known-keys.ts"
import type { Facts } from "../listen/facts.ts"
import type { AgentConnection, Expectation, NoAgent, Router } from "../upstream/agent.ts"
import type { ClientChannel } from "./client.ts"
import { SessionState } from "./state.ts"

/** What every session of a gate uses. */
export interface SessionServices {
  readonly authority: Authority["Service"]
  readonly keys: KeyDirectory["Service"]
  readonly journal: Journal["Service"]
  readonly router: Router
  readonly known: KnownKeys
  /** The owner's own environment for prompts, as option lines: what the agent gets where `prompt` is not allowed. */
  readonly ownersEnvironment: ReadonlyMap<string, Buffer>
  /** Answers of GETINFO cmd_has_option by version, command and option: they cannot change. */
  readonly hasOption: Map<string, boolean>
}

/** One client's session. */
export class SessionContext {
  readonly state: SessionState = new SessionState()
  connection: AgentConnection | undefined
  /** The gate stops: the command under way is the last that is answered. */
  stopping = false
  /** Whose environment the connection was given. */
  private clientsEnvironment = false
  private expectation: Expectation | undefined
  readonly client: ClientChannel
  readonly app: string | undefined
  readonly facts: Facts
  readonly services: SessionServices

  constructor(client: ClientChannel, app: string | undefined, facts: Facts, services: SessionServices) {
    this.client = client
    this.app = app
    this.facts = facts
    this.services = services
  }

  readonly visible = (keygrip: Keygrip): boolean => this.services.keys.visible(this.app, keygrip)

  /** Lets a connection be made ready; said once, when the client has been greeted. */
  expectConnection(): void {
    this.expectation = this.services.router.expect()
  }

  /** The session's connection, or one that is ready; `undefined` where one has to be opened. */
  connectionNow(keygrip: Keygrip | undefined): AgentConnection | undefined {
    const own = this.services.authority.verdict(this.app, "prompt").verdict === "allow"
    const connection = this.connection
    // what an agent was told of a client's display cannot be taken back
    if (connection !== undefined && (connection.closed || own !== this.clientsEnvironment)) this.disconnect()
    if (this.connection !== undefined) return this.connection
    this.expectation?.met()
    this.clientsEnvironment = own
    const ready = this.services.router.ready(keygrip)
    return ready === undefined ? undefined : this.use(ready)
  }

  /** Opens a connection; only after `connectionNow` had none. */
  connect(keygrip: Keygrip | undefined): Effect.Effect<AgentConnection, NoAgent> {
    return Effect.map(this.services.router.connect(keygrip), (fresh) => this.use(fresh))
  }

  private use(fresh: AgentConnection): AgentConnection {
    this.connection = fresh
    this.state.connectionLost()
    return fresh
  }

  /** The option lines for prompts that the agent is to have. */
  get environment(): ReadonlyMap<string, Buffer> {
    return this.clientsEnvironment ? this.state.environment : this.services.ownersEnvironment
  }

  /** The client is gone. */
  end(): void {
    this.expectation?.met()
    for (const line of this.state.environment.values()) line.fill(0)
    const used = this.connection !== undefined
    this.disconnect()
    if (used) this.services.router.ended()
  }

  /** Closes the connection to the agent; what was bound to it is forgotten. */
  disconnect(): void {
    this.connection?.close()
    this.connection = undefined
    this.state.connectionLost()
  }
}
