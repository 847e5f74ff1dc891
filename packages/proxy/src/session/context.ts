// What the stations of one session share: the client, the state, the connection to the agent, and the services.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import type { Identity } from "@gripgate/policy/client/identify"
import type { SlowFact } from "@gripgate/policy/client/slow-facts"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import type { PassphraseAsker } from "../approve/passphrase-asker.ts"
import type { Authority } from "../authority/authority.ts"
import type { WrongAnswers } from "../authority/wrong-answers.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import type { Issuer } from "../grant/issue.ts"
import type { TokenStore } from "../grant/token-store.ts"
import type { Journal } from "../journal/journal.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { KnownKeys } from "../keys/known-keys.ts"
import type { Facts } from "../listen/facts.ts"
import type { Log } from "../log.ts"
import type { AgentDialogs } from "../owner/agent-dialogs.ts"
import type { Place, Whereabouts } from "../owner/place.ts"
import type { AgentConnection, Expectation, NoAgent, Router } from "../upstream/agent.ts"
import type { ClientChannel } from "./client.ts"
import { SessionState } from "./state.ts"
import { type Present, SessionTokens } from "./tokens.ts"

/** Who a client is by the policy in force. */
export interface Recogniser {
  /** Counts the changes of the policy: an identity is good for one. */
  readonly generation: () => number
  /** `owner` is the app whose socket the client came through. */
  readonly identify: (facts: Facts, owner: string | undefined) => Identity
  /** The client in words, as far as they are known; not harmless to show. */
  readonly describe: (facts: Facts) => string
  /** The facts that take longer to read, which some rule in force wants. */
  readonly slowFacts: () => ReadonlySet<SlowFact>
  readonly readSlow: (facts: ClientFacts, which: ReadonlySet<SlowFact>) => Effect.Effect<ClientFacts>
}

/** The app of a client that is nobody: no policy has it, so that it may do nothing. */
export const NOBODY = "(nobody)"

const appOf = (identity: Identity): string | undefined =>
  identity.kind === "app" ? identity.app : identity.kind === "nobody" ? NOBODY : undefined

/** What GRIPGATE needs. */
export interface OwnServices {
  readonly issuer: Issuer
  readonly tokens: TokenStore
  readonly asker: PassphraseAsker
  readonly log: Log
  /** Milliseconds of the clock. */
  readonly now: () => number
}

/** What every session of a gate uses. */
export interface SessionServices {
  readonly authority: Authority["Service"]
  readonly recogniser: Recogniser
  /** What an app asks the gate itself. */
  readonly own: OwnServices
  readonly wrongAnswers: WrongAnswers
  /** Checks the tokens that clients present. */
  readonly present: Present
  /** The passphrase of a key is not the sealed one any more: written down when this is done, or the log says why not. */
  readonly stale: (token: AcceptedToken, keygrip: Keygrip) => Effect.Effect<void>
  readonly keys: KeyDirectory["Service"]
  readonly journal: Journal["Service"]
  readonly router: Router
  readonly known: KnownKeys
  /** Where the owner is: what the agent gets for its prompts where `prompt` is not allowed. */
  readonly owner: Whereabouts
  /** What the agent shows at that place. */
  readonly dialogs: AgentDialogs
  /** Answers of GETINFO cmd_has_option by version, command and option: they cannot change. */
  readonly hasOption: Map<string, boolean>
}

/** One client's session. */
export class SessionContext {
  readonly state: SessionState = new SessionState()
  readonly tokens: SessionTokens
  connection: AgentConnection | undefined
  /** The gate stops: the command under way is the last that is answered. */
  stopping = false
  /** The owner's place that the connection was given; absent where it was given the client's environment. */
  private place: Place | undefined
  private expectation: Expectation | undefined
  /** Connections for one command alone; one that is closed stays until there is the next. */
  private readonly alone = new Set<AgentConnection>()
  private hadDedicated = false
  readonly client: ClientChannel
  readonly services: SessionServices
  facts: Facts
  private readonly owner: string | undefined
  private generation: number
  private recognised: Identity
  /** The generation of the policy for which slow facts were looked for. */
  private lookedFor: number | undefined
  private readonly slowRead = new Set<SlowFact>()

  constructor(client: ClientChannel, owner: string | undefined, facts: Facts, services: SessionServices) {
    this.client = client
    this.owner = owner
    this.facts = facts
    this.services = services
    this.tokens = new SessionTokens(services.present, () => this.app)
    this.generation = services.recogniser.generation()
    this.recognised = services.recogniser.identify(facts, owner)
  }

  /** Who the client is. A policy that was read again may take it for somebody else from its next command on. */
  get identity(): Identity {
    const generation = this.services.recogniser.generation()
    if (generation !== this.generation) {
      this.generation = generation
      this.recognised = this.services.recogniser.identify(this.facts, this.owner)
    }
    return this.recognised
  }

  /**
   * Reads the facts that take longer, where a rule in force wants some that have not been read; `undefined` where none does.
   * A policy that was read again may come to want them of a client that connected long ago: then they are what it shows now.
   */
  slowFacts(): Effect.Effect<void> | undefined {
    const { recogniser } = this.services
    const generation = recogniser.generation()
    if (generation === this.lookedFor) return undefined
    this.lookedFor = generation
    const wanted = [...recogniser.slowFacts()].filter((fact) => !this.slowRead.has(fact))
    if (wanted.length === 0) return undefined
    for (const fact of wanted) this.slowRead.add(fact)
    return Effect.map(recogniser.readSlow(this.facts, new Set(wanted)), (facts) => {
      this.facts = { ...facts, session: this.facts.session }
      // what was too slow now may be quick another time
      for (const fact of facts.unread ?? []) this.slowRead.delete(fact as SlowFact)
      this.recognised = recogniser.identify(this.facts, this.owner)
    })
  }

  /** The app that the client is; `undefined` for whoever is none. */
  get app(): string | undefined {
    return appOf(this.identity)
  }

  readonly visible = (keygrip: Keygrip): boolean => this.services.keys.visible(this.app, keygrip)

  /** Lets a connection be made ready; said once, when the client has been greeted. */
  expectConnection(): void {
    this.expectation = this.services.router.expect()
  }

  /** The session's connection, or one that is ready; `undefined` where one has to be opened. */
  connectionNow(keygrip: Keygrip | undefined): AgentConnection | undefined {
    const own = this.services.authority.verdict(this.app, "prompt").verdict === "allow"
    const place = own ? undefined : this.services.owner.current
    const connection = this.connection
    // what an agent was told of a display cannot be taken back
    if (connection !== undefined && (connection.closed || place !== this.place)) this.disconnect()
    if (this.connection !== undefined) return this.connection
    this.expectation?.met()
    this.place = place
    const ready = this.services.router.ready(keygrip)
    return ready === undefined ? undefined : this.use(ready)
  }

  /** Opens a connection; only after `connectionNow` had none. */
  connect(keygrip: Keygrip | undefined): Effect.Effect<AgentConnection, NoAgent> {
    return Effect.map(this.services.router.connect(keygrip), (fresh) => this.use(fresh))
  }

  /** A connection for one command alone; whoever asks closes it. */
  dedicated(keygrip: Keygrip): Effect.Effect<AgentConnection, NoAgent> {
    this.expectation?.met()
    this.hadDedicated = true
    const ready = this.services.router.ready(keygrip)
    return ready === undefined
      ? Effect.map(this.services.router.connect(keygrip), (fresh) => this.note(fresh))
      : Effect.succeed(this.note(ready))
  }

  private note(fresh: AgentConnection): AgentConnection {
    for (const connection of this.alone) if (connection.closed) this.alone.delete(connection)
    this.alone.add(fresh)
    return fresh
  }

  /** Ends whatever the agent still does for this session, over each of its connections: the exchange under way is lost. */
  abandon(): void {
    this.connection?.close()
    for (const connection of this.alone) connection.close()
  }

  private use(fresh: AgentConnection): AgentConnection {
    this.connection = fresh
    this.state.connectionLost()
    return fresh
  }

  /** Whether the agent's prompts appear at the owner's place. */
  get promptsOwner(): boolean {
    return this.place !== undefined
  }

  /** The option lines for prompts that the agent is to have. */
  get environment(): ReadonlyMap<string, Buffer> {
    return this.place?.options ?? this.state.environment
  }

  /** The client is gone. */
  end(): void {
    this.expectation?.met()
    for (const line of this.state.environment.values()) line.fill(0)
    this.tokens.wipe()
    const used = this.connection !== undefined || this.hadDedicated
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
