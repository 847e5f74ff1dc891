// What `gripgate check` is asked: who, which operation, with which keys. A client is an app by name, or a living process.
import { describeClient } from "@gripgate/policy/client/describe"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { type Candidate, candidates, identify, type Identity } from "@gripgate/policy/client/identify"
import { slowFacts } from "@gripgate/policy/client/slow-facts"
import { parseSelector } from "@gripgate/policy/file/selector"
import { didYouMean } from "@gripgate/policy/file/suggest"
import { makeKeyIndex } from "@gripgate/policy/keys/key-index"
import { standFor } from "@gripgate/policy/keys/stand-for"
import type { Policy } from "@gripgate/policy/policy"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import { factsOfPid, readSlow } from "@gripgate/proxy/listen/facts/read-facts"
import type { Paths } from "@gripgate/proxy/paths"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
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

/** Reads an operation. */
export const operationOf = (word: string): Effect.Effect<Operation, CliError.ShowHelp> => {
  if (isOperation(word)) return Effect.succeed(word)
  const hint = didYouMean(word, operations) ?? `the operations are ${operations.join(", ")}`
  return Effect.fail(usageError("check", `unknown operation ${quoted(word)}`, hint))
}

/** An app that the policy has, or `anyone`. */
export const appNamed = (policy: Policy, app: string): Effect.Effect<Who, CliError.ShowHelp> => {
  if (app === "anyone") return Effect.succeed({ app: undefined })
  if (policy.apps.has(app)) return Effect.succeed({ app })
  const known = ["anyone", ...policy.apps.keys()]
  const all = known.length === 1 ? "it has none: ask for anyone" : `known here are ${known.slice(0, 20).join(", ")}`
  return Effect.fail(usageError("check", `the policy has no app ${quoted(app)}`, didYouMean(app, known) ?? all))
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
})

/** The keys that a word names: a keygrip, with or without `grip:`, or any selector of the policy file. */
export const keysNamed = (
  word: string,
  { world }: ResolvedPolicy
): Effect.Effect<ReadonlyArray<Keygrip>, CliError.ShowHelp> => {
  const wanted = parseSelector(word)
  if (Result.isFailure(wanted)) return Effect.fail(usageError("check", wanted.failure.message, wanted.failure.hint))
  if (wanted.success.kind === "all") return Effect.fail(usageError("check", "name one key, or leave it out"))
  const selector = { text: word, wanted: wanted.success, place: { file: "", line: 0, column: 0 } }
  const found = standFor(selector, makeKeyIndex(world), undefined).keys.map(({ keygrip }) => keygrip)
  if (found.length > 0) return Effect.succeed(found)
  // forty digits are a fingerprint to gpg, and a keygrip to its agent
  const keygrip = parseKeygrip(word)
  if (keygrip !== undefined) return Effect.succeed([keygrip])
  const hint = "gpg --list-secret-keys --with-keygrip shows the keys"
  return Effect.fail(usageError("check", `no key of the keyring is ${quoted(word)}`, hint))
}
