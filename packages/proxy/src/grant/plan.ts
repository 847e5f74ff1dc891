// Whether a grant that is wanted can be made: the app, its keys, what the policy says of them, and how the agent keeps them. What
// hinders it is said here, before anybody types a passphrase.
import { decide, uses } from "@gripgate/policy/decide"
import { didYouMean } from "@gripgate/policy/file/suggest"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { needsOf } from "../authority/needs.ts"
import { entryText } from "../journal/record.ts"
import type { Directory } from "../keys/directory.ts"
import type { KeyInfo } from "../keys/key-directory.ts"
import { protectionOf } from "../keys/protection.ts"
import type { AgentConnection, NoAgent } from "../upstream/agent.ts"
import { askAgent } from "../upstream/ask-agent.ts"
import { LOOPBACK_MODE } from "../upstream/said.ts"
import { definitionOf } from "./definition.ts"
import { NotIssued, type Plan, type PlannedKey, type Wish } from "./issue.ts"

export interface PlanServices {
  readonly policy: { readonly current: Policy }
  readonly keys: Pick<Directory, "settled" | "named" | "info" | "visible" | "own">
  /** A connection that is closed by whoever opens it. */
  readonly connect: Effect.Effect<AgentConnection, NoAgent>
}

const no = (kind: NonNullable<NotIssued["kind"]>, message: string, hint?: string): NotIssued =>
  new NotIssued({ kind, message, ...hint !== undefined && { hint } })

/** How a key is named to the owner. */
export const keyName = ({ keyId, keygrip }: KeyInfo): string => keyId ?? `grip:${keygrip}`

export const planGrant = Effect.fnUntraced(function*(
  services: PlanServices,
  wish: Wish
): Effect.fn.Return<Plan, NotIssued> {
  const { app } = wish
  yield* services.keys.settled
  const policy = services.policy.current
  const definition = definitionOf(policy, app)
  if (definition === undefined) return yield* noApp(policy, app)
  const keygrips = yield* Effect.fromResult(keysOf(services, wish))
  const operations = wish.operations ?? defaultOperations(services, app, keygrips)
  if (operations.length === 0) {
    return yield* no(
      "forbidden",
      `the policy wants neither a token nor a yes for any use of these keys by the app ${app}`,
      `write sign = "token" below [apps.${app}], or name operations with --operations`
    )
  }
  const notes: Array<string> = []
  for (const operation of operations) yield* judgeOperation(services, app, operation, keygrips, notes)
  const keys = yield* withProtection(services, keygrips, wish.seal && operations.some(isUse), notes)
  return { app, definition, keys, operations, notes }
})

const noApp = (policy: Policy, app: string): NotIssued => {
  const known = [...policy.apps.keys()]
  const all = known.length === 0
    ? "it has none: write one below [apps.NAME]"
    : `it has ${known.slice(0, 20).join(", ")}`
  return no("forbidden", `the policy has no app ${JSON.stringify(app)}`, didYouMean(app, known) ?? all)
}

const keysOf = (
  { keys }: PlanServices,
  { app, keys: named }: Wish
): Result.Result<ReadonlyArray<Keygrip>, NotIssued> => {
  const found = new Set<Keygrip>()
  for (const text of named) {
    const grips = keys.named(text)
    if (Result.isFailure(grips)) return Result.fail(no("key", grips.failure.message, grips.failure.hint))
    if (grips.success.length === 0) {
      const hint = "gpg --list-secret-keys --with-keygrip shows the keys"
      return Result.fail(no("key", `no secret key is ${JSON.stringify(text)}`, hint))
    }
    const visible = grips.success.filter((keygrip) => keys.visible(app, keygrip))
    if (visible.length === 0) {
      const hint = `write it in keys = [...] below [apps.${app}]`
      return Result.fail(no("key", `the app ${app} does not see the key ${JSON.stringify(text)}`, hint))
    }
    for (const keygrip of visible) found.add(keygrip)
  }
  return found.size === 0
    ? Result.fail(no("key", "a grant is for at least one key", "name it with --key"))
    : Result.succeed([...found])
}

const isUse = (operation: Operation): boolean => uses.includes(operation)

/** Whether a key may do an operation, as far as anybody knows. */
const canDo = ({ keys }: PlanServices, keygrip: Keygrip, operation: Operation): boolean => {
  const { capabilities } = keys.info(keygrip)
  if (!isUse(operation) || capabilities === undefined) return true
  if (operation === "decrypt") return needsOf("decrypt", capabilities) !== undefined
  return capabilities.has(operation as "sign" | "certify" | "authenticate")
}

const verdictOf = ({ keys, policy }: PlanServices, app: string, operation: Operation, keygrip: Keygrip) =>
  decide(policy.current, { app, operation, keygrip, own: keys.own(app, keygrip) })

/** What a token or a yes is wanted for, with any of the keys. */
const defaultOperations = (
  services: PlanServices,
  app: string,
  keygrips: ReadonlyArray<Keygrip>
): ReadonlyArray<Operation> =>
  uses.filter((operation) =>
    keygrips.some((keygrip) =>
      canDo(services, keygrip, operation)
      && ["ask", "token"].includes(verdictOf(services, app, operation, keygrip).verdict)
    )
  )

function* judgeOperation(
  services: PlanServices,
  app: string,
  operation: Operation,
  keygrips: ReadonlyArray<Keygrip>,
  notes: Array<string>
): Effect.fn.Return<void, NotIssued> {
  const able = keygrips.filter((keygrip) => canDo(services, keygrip, operation))
  if (able.length === 0) {
    return yield* no(
      "key",
      `none of these keys is one to ${operation} with`,
      "gpg --list-secret-keys shows what each is for"
    )
  }
  for (const keygrip of able) {
    const { entry, verdict } = verdictOf(services, app, operation, keygrip)
    const name = keyName(services.keys.info(keygrip))
    if (verdict === "forbid") {
      return yield* no(
        "forbidden",
        `the policy forbids ${operation} with the key ${name} to the app ${app}: ${entryText(entry)}`,
        "what the policy forbids no grant allows: change it first"
      )
    }
    if (verdict === "allow" && isUse(operation)) {
      notes.push(`${operation} with the key ${name} is allowed without the token too: ${entryText(entry)}`)
    }
  }
}

const withProtection = (
  { connect, keys }: PlanServices,
  keygrips: ReadonlyArray<Keygrip>,
  seal: boolean,
  notes: Array<string>
): Effect.Effect<ReadonlyArray<PlannedKey>, NotIssued> =>
  askAgent(
    connect,
    (connection) =>
      Effect.gen(function*() {
        const planned: Array<PlannedKey> = []
        for (const keygrip of keygrips) {
          const info = keys.info(keygrip)
          const protection = yield* protectionOf(connection, keygrip)
          if (protection === "none" || protection === "no loopback" || protection === "lost") {
            return yield* no("agent", `gpg-agent does not have the key ${keyName(info)}`)
          }
          if (protection === "card" && seal) {
            notes.push(`the key ${keyName(info)} is on a card: its PIN is asked of you, and is not sealed`)
          }
          if (protection === "clear") {
            notes.push(`the key ${keyName(info)} has no passphrase: whoever gets its file needs no token`)
          }
          planned.push({ info, protection, sealed: seal && protection === "protected" })
        }
        const first = planned.find(({ sealed }) => sealed)
        if (first === undefined) return planned
        if (connection.restricted) {
          return yield* no(
            "agent",
            "the gate is behind a restricted socket of gpg-agent, which checks no passphrase",
            "start the gate at the agent's own socket, or grant with --no-seal"
          )
        }
        if ((yield* protectionOf(connection, first.info.keygrip, [LOOPBACK_MODE])) === "no loopback") {
          return yield* no(
            "agent",
            "gpg-agent allows no loopback (no-allow-loopback-pinentry), so that a sealed passphrase could not be used",
            "take that line out of gpg-agent.conf and run gpgconf --kill gpg-agent, or grant with --no-seal"
          )
        }
        return planned
      })
  ).pipe(Effect.mapError((error) =>
    error._tag === "NotIssued"
      ? error
      : no("agent", `gpg-agent cannot be reached: ${error.reason}`, "start it: gpgconf --launch gpg-agent")
  ))
