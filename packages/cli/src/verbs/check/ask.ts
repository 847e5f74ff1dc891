// What `gripgate check` is asked: who, which operation, with which keys. A client is an app by name, or a living process.
import { describeClient } from "@gripgate/policy/client/describe"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import {
  type Candidate,
  candidates,
  identify,
  type Identity,
  type Surroundings
} from "@gripgate/policy/client/identify"
import { slowFacts } from "@gripgate/policy/client/slow-facts"
import { didYouMean } from "@gripgate/policy/file/suggest"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { factsOfPid, readSlow } from "@gripgate/proxy/listen/facts/read-facts"
import type { Paths } from "@gripgate/proxy/paths"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, usageError } from "../../failure.ts"
import { quoted } from "../../usage.ts"
import type { ResolvedPolicy } from "../policy-world.ts"

/** Who is asked about, and how that is known. */
export interface Who {
  readonly app: string | undefined
  /** A process of which it cannot be told who it is. */
  readonly nobody?: Extract<Identity, { kind: "nobody" }>
  readonly process?: {
    readonly facts: ClientFacts
    readonly identity: Identity
    readonly candidates: ReadonlyArray<Candidate>
    readonly words: string
  }
}

export interface Asked {
  readonly who: Who
  readonly operation: Operation
  /** The keys, if the question names some. */
  readonly keys: ReadonlyArray<Keygrip> | undefined
}

/** An app that the policy has, or `anyone`. */
export const appNamed = (policy: Policy, app: string): Effect.Effect<Who, CliError.ShowHelp> => {
  if (app === "anyone") return Effect.succeed({ app: undefined })
  if (policy.apps.has(app)) return Effect.succeed({ app })
  const known = ["anyone", ...policy.apps.keys()]
  const all = known.length === 1 ? "it has none: ask for anyone" : `known here are ${known.slice(0, 20).join(", ")}`
  return Effect.fail(usageError("check", `the policy has no app ${quoted(app)}`, didYouMean(app, known) ?? all))
}

/** A client that a transport brings as this app, or as none (`anyone`), as the gate of whoever asks would take it. */
export const farClient = (
  { policy, userName }: ResolvedPolicy,
  app: string,
  far: Pick<ClientFacts, "qube" | "remote" | "via">
): Who => {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()]
  const facts: ClientFacts = {
    socket: "",
    chain: [],
    ...uid !== undefined && { uid },
    ...gid !== undefined && { gid, groups: process.getgroups?.() ?? [] },
    ...far,
    ...app !== "anyone" && { named: app }
  }
  return recognised(policy, facts, { gateUid: uid, owner: undefined, owners: new Set() }, userName)
}

/** A process that runs, as the gate would take it if it connected now; `socket` is where, the open socket if absent. */
export const processWith = Effect.fnUntraced(function*(
  { policy, userName }: ResolvedPolicy,
  pid: number,
  socket: string | undefined,
  paths: Paths
): Effect.fn.Return<Who, Failure> {
  const path = socket === undefined ? paths.listenSocket : resolve(socket)
  const found = yield* factsOfPid(pid, path)
  if (found === undefined) {
    return yield* failure(exitCode.failed, `there is no process ${pid}, or nothing can be learnt of it`)
  }
  const wanted = slowFacts(policy)
  const facts = wanted.size === 0 ? found : yield* readSlow(found, wanted)
  const own = [...policy.apps.values()].filter((app) => app.socket !== undefined)
  const owner = own.find((app) => paths.appSocket(app.socket!.name) === path)?.name
  const around = { gateUid: process.getuid?.(), owner, owners: new Set(own.map(({ name }) => name)) }
  return recognised(policy, facts, around, userName)
})

const recognised = (
  policy: Policy,
  facts: ClientFacts,
  around: Surroundings,
  userName: ResolvedPolicy["userName"]
): Who => {
  const identity = identify(policy, facts, around)
  return {
    app: identity.kind === "app" ? identity.app : undefined,
    ...identity.kind === "nobody" && { nobody: identity },
    process: {
      facts,
      identity,
      candidates: candidates(policy, facts, around),
      words: describeClient(facts, userName)
    }
  }
}
