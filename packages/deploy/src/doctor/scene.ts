// What several families of checks rest on, looked at once: where things lie, which policy holds, who answers as the gate, and whose
// homedir it is. Its border: it looks, and judges nothing.
import type { Policy } from "@gripgate/policy/policy"
import { askControl, type ControlError } from "@gripgate/proxy/control/client"
import type { Status } from "@gripgate/proxy/control/message/status"
import type { Paths } from "@gripgate/proxy/paths"
import { loadPolicy, type PolicyProblem } from "@gripgate/proxy/policy-file"
import { codeOf } from "@gripgate/proxy/reason"
import { followRedirects } from "@gripgate/proxy/upstream/redirect"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { lstatSync } from "node:fs"
import { join, resolve } from "node:path"
import { type GnupgPlaces, gnupgPlaces } from "../gnupg-places.ts"
import type { Mark } from "../home/mark.ts"
import { type Answerer, whoAnswers } from "./look/answerer.ts"
import { isHidden } from "./look/files.ts"
import { markIn } from "./look/home-mark.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** What is to be examined. */
export interface Order {
  /** The client's side, as this app. */
  readonly app: string | undefined
  /** The owner's GnuPG homedir. */
  readonly homedir: string | undefined
  readonly policy: string | undefined
  readonly control: string | undefined
  readonly paths: Paths
  readonly env: Environment
  readonly uid: number | undefined
  /** The user's own home directory. */
  readonly home: string
  /** Of this command. */
  readonly version: string
  /** What the lint says of a policy that can be read; it is asked nothing of an agent. */
  readonly lint: (policy: Policy, homedir: string | undefined) => Effect.Effect<ReadonlyArray<LintFinding>>
}

/** One finding of the lint. */
export interface LintFinding extends PolicyProblem {
  readonly level: "error" | "warning" | "note" | "info"
}

export interface PolicyThere {
  readonly file: string
  /** Where it cannot be used, why. */
  readonly read: Result.Result<Policy, ReadonlyArray<PolicyProblem>>
}

export interface Scene {
  readonly order: Order
  /** `undefined` where there is no file: everything is allowed. */
  readonly policy: PolicyThere | undefined
  readonly control: string
  readonly status: Result.Result<Status, ControlError>
  /** The homedir that gpg would use here, as gpgconf names it, or why that cannot be told. */
  readonly here: Result.Result<GnupgPlaces, string>
  /** The mark of a client homedir, where that is one. */
  readonly mark: Mark | undefined
  /** The owner's: the same, or the one that the mark or the policy names. */
  readonly owner: Result.Result<GnupgPlaces, string>
  readonly agent: Result.Result<AgentPlace, string>
}

/** Where programs of the owner look for the agent, and who answers there. */
export interface AgentPlace {
  /** By gpgconf. */
  readonly standard: string
  /** Where redirect files lead from there, or why they lead nowhere. */
  readonly socket: Result.Result<string, string>
  readonly answerer: Answerer
  /** Where a gate that stands in keeps the agent. */
  readonly aside: string
  readonly besides: Answerer
}

/** The name of the agent's socket while a gate stands at the standard place. */
export const ASIDE = "S.gripgate"

/** Milliseconds that a gate gets for its status, and gpgconf for its answer. */
const PATIENCE = 2_000

const isThere = (path: string): boolean => {
  try {
    lstatSync(path)
    return true
  } catch (error) {
    return codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR"
  }
}

const readPolicy = Effect.fnUntraced(function*(order: Order): Effect.fn.Return<PolicyThere | undefined> {
  const file = order.policy === undefined ? order.paths.policyFile : resolve(order.policy)
  if (order.policy === undefined && !isThere(file)) return undefined
  const read = yield* Effect.result(loadPolicy({ kind: "file", file }))
  return { file, read: Result.mapError(read, ({ problems }) => problems) }
})

const HANGS = `gpgconf gives no answer within ${PATIENCE / 1000} s`

const placesOf = (homedir: string | undefined): Effect.Effect<Result.Result<GnupgPlaces, string>> =>
  Effect.timeoutOrElse(askPlaces(homedir), { duration: PATIENCE, orElse: () => Effect.succeed(Result.fail(HANGS)) })

const askPlaces = (homedir: string | undefined): Effect.Effect<Result.Result<GnupgPlaces, string>> =>
  Effect.map(Effect.result(gnupgPlaces(homedir)), (found) => {
    if (Result.isFailure(found)) return Result.fail(found.failure.message)
    return found.success.agent === ""
      ? Result.fail("gpgconf names no socket of the agent")
      : Result.succeed(found.success)
  })

const agentAt = Effect.fnUntraced(function*(places: GnupgPlaces, env: Environment): Effect.fn.Return<AgentPlace> {
  // where nobody may look, a redirect cannot be followed: gpg of this user gets no further either
  const socket = isHidden(places.agent) ? Result.succeed(places.agent) : followRedirects(places.agent, env)
  const aside = join(places.agent, "..", ASIDE)
  const nobody: Answerer = { kind: "nothing" }
  const [answerer, besides] = yield* Effect.all(
    [Result.isFailure(socket) ? Effect.succeed(nobody) : whoAnswers(socket.success), whoAnswers(aside)],
    { concurrency: 2 }
  )
  return { standard: places.agent, socket, answerer, aside, besides }
})

const NO_ANSWER = { reason: "misunderstood", message: "it takes connections and does not answer" } as const

/** Looks at all of it. Each look is bounded; together they take some seconds at most. */
export const lookAround = Effect.fnUntraced(function*(order: Order): Effect.fn.Return<Scene> {
  const control = resolve(order.control ?? order.paths.controlSocket)
  const status = Effect.map(
    Effect.timeoutOption(Effect.result(askControl(control, { verb: "status" })), PATIENCE),
    (answer) => answer._tag === "Some" ? answer.value : Result.fail(NO_ANSWER as ControlError)
  )
  const [policy, here, answer] = yield* Effect.all(
    [readPolicy(order), placesOf(undefined), status],
    { concurrency: "unbounded" }
  )
  const mark = Result.isSuccess(here) ? markIn(here.success.homedir) : undefined
  const named = order.homedir ?? (mark !== undefined && Result.isSuccess(mark) ? mark.success.homedir : undefined)
    ?? (policy !== undefined && Result.isSuccess(policy.read) ? policy.read.success.gate.homedir : undefined)
  // it would hang again
  const hangs = Result.isFailure(here) && here.failure === HANGS
  const owner = named === undefined || hangs ? here : yield* placesOf(resolve(named))
  const agent = Result.isFailure(owner)
    ? Result.fail(owner.failure)
    : Result.succeed(yield* agentAt(owner.success, order.env))
  return {
    order,
    policy,
    control,
    status: answer,
    here,
    mark: mark !== undefined && Result.isSuccess(mark) ? mark.success : undefined,
    owner,
    agent
  }
})

/** The policy, where there is one that can be used. */
export const usablePolicy = ({ policy }: Scene): Policy | undefined =>
  policy === undefined || Result.isFailure(policy.read) ? undefined : policy.read.success

/** The socket of the owner's own agent, around any gate; `undefined` where that is not known. */
export const upstreamOf = ({ agent, status }: Scene): string | undefined => {
  if (Result.isSuccess(status)) return status.success.upstream.socket
  if (Result.isFailure(agent)) return undefined
  const { answerer, aside, besides, socket } = agent.success
  if (answerer.kind === "gate" || besides.kind === "agent") return aside
  return Result.isSuccess(socket) ? socket.success : undefined
}
