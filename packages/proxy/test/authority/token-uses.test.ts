// What an authority counts of tokens, and what it lets them stand for: parts of one use, an owner's never, and what names no key.
import { assert, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Asking } from "../../src/approve/desk.ts"
import type { Ended } from "../../src/approve/question.ts"
import type { Permit, Refusal } from "../../src/authority/authority.ts"
import { AcceptedToken } from "../../src/grant/accepted.ts"
import { definitionOf } from "../../src/grant/definition.ts"
import { makeProof } from "../../src/grant/seal.ts"
import type { TokenGrant } from "../../src/grant/token-grant.ts"
import { draftToken } from "../../src/grant/token-store.ts"
import { A, by } from "../grant/place.ts"
import { scratch } from "../support/scratch.ts"
import { makePlace, useOf } from "./place.ts"

const YES: Ended = { kind: "yes", good: "once", by }

const policyOf = (verdicts: Readonly<Record<string, string>>): string =>
  [
    "default = \"forbid\"",
    "[apps.git]",
    "socket = \"git\"",
    "keys = [\"*\"]",
    ...Object.entries(verdicts).map(([operation, verdict]) => `${operation} = "${verdict}"`)
  ].join("\n")

/** An authority, and a session that has presented a token for one key. */
const sceneOf = Effect.fnUntraced(function*(
  verdicts: Readonly<Record<string, string>>,
  operations: ReadonlyArray<Operation>,
  { answer = () => YES, maxUses }: { readonly answer?: (asking: Asking) => Ended; readonly maxUses?: number } = {}
) {
  const policy = policyOf(verdicts)
  const place = yield* makePlace({ policy, state: yield* scratch, answer, capabilities: () => undefined })
  const { tokens } = place.grants
  const definition = definitionOf(Result.getOrThrow(parsePolicy(policy, "p.toml")), "git")!
  const id = tokens.nextId()
  const { secret, token } = draftToken(id)
  const grant: TokenGrant = {
    id,
    app: "git",
    definition,
    keygrips: [A],
    operations: new Set(operations),
    ...maxUses !== undefined && { maxUses },
    token: { proof: makeProof(secret), seals: new Map() },
    by,
    madeAt: 0,
    stale: new Map(),
    uses: 0
  }
  yield* tokens.give(grant)
  const accepted = tokens.present(token, "git", definition)
  if (!(accepted instanceof AcceptedToken)) throw new Error(accepted.rejected)
  return { ...place, grant, accepted, presented: { tokens: { accepted: () => [accepted], rejected: () => undefined } } }
})

const permitOf = (decided: Permit | Refusal): Permit => {
  if (decided._tag === "Refusal") throw new Error(decided.reason)
  return decided
}

describe("a part of a use", () => {
  it.live("is counted by no token that has counted the use, also where that was its last one", () =>
    Effect.gen(function*() {
      const { accepted, grant, permit, presented } = yield* sceneOf({ sign: "token" }, ["sign"], { maxUses: 1 })
      const whole = permitOf(yield* permit(useOf("git", "sign", A, presented)))
      assert.deepStrictEqual([grant.uses, [...whole.token!.by]], [1, [accepted]])
      const part = permitOf(yield* permit(useOf("git", "sign", A, { ...presented, within: whole.token!.by })))
      assert.strictEqual(grant.uses, 1)
      assert.isUndefined(part.recorded)
      assert.isTrue(part.alive())
      assert.strictEqual((yield* permit(useOf("git", "sign", A, presented)))._tag, "Refusal", "another use is one more")
    }))

  it.live("is counted by a token that has not, and is written down", () =>
    Effect.gen(function*() {
      const { grant, permit, presented } = yield* sceneOf({ sign: "token", decrypt: "allow" }, ["sign"], { maxUses: 1 })
      const whole = permitOf(yield* permit(useOf("git", "decrypt", A, presented)))
      assert.deepStrictEqual([grant.uses, whole.token], [0, undefined])
      const part = permitOf(yield* permit(useOf("git", "sign", A, presented)))
      assert.strictEqual(grant.uses, 1)
      assert.isTrue(yield* part.recorded!.written)
      assert.strictEqual((yield* permit(useOf("git", "sign", A, presented)))._tag, "Refusal")
    }))

  it.live("is revoked with its grant", () =>
    Effect.gen(function*() {
      const { grant, grants, permit, presented } = yield* sceneOf({ sign: "token" }, ["sign"])
      const whole = permitOf(yield* permit(useOf("git", "sign", A, presented)))
      const part = permitOf(yield* permit(useOf("git", "sign", A, { ...presented, within: whole.token!.by })))
      yield* grants.tokens.revoke([grant], by)
      assert.deepStrictEqual([whole.alive(), part.alive()], [false, false])
      const after = yield* permit(useOf("git", "sign", A, { ...presented, within: whole.token!.by }))
      assert.strictEqual(after._tag, "Refusal")
    }))
})

describe("a token", () => {
  it.live("covers no use of a key that nobody names", () =>
    Effect.gen(function*() {
      const all = { sign: "token", decrypt: "token", authenticate: "token" }
      const { grant, permit, presented } = yield* sceneOf(all, ["sign", "decrypt", "authenticate"])
      for (const operation of ["sign", "decrypt", "authenticate"] as const) {
        assert.strictEqual((yield* permit(useOf("git", operation, undefined, presented)))._tag, "Refusal", operation)
        assert.strictEqual((yield* permit(useOf("git", operation, A, presented)))._tag, "Permit", operation)
      }
      assert.strictEqual(grant.uses, 3)
    }))

  it.live("is of no use against the owner's never, and of use without", () =>
    Effect.gen(function*() {
      const never: Ended = { kind: "no", good: "always", by }
      const { asked, grant, permit, presented } = yield* sceneOf({ sign: "ask" }, ["sign"], { answer: () => never })
      assert.strictEqual((yield* permit(useOf("git", "sign", A, presented)))._tag, "Permit")
      assert.strictEqual(asked.length, 0)
      assert.strictEqual((yield* permit(useOf("git", "sign", A)))._tag, "Refusal")
      assert.strictEqual(asked.length, 1)
      const refused = yield* permit(useOf("git", "sign", A, presented))
      if (refused._tag === "Permit") throw new Error("expected that it is refused")
      assert.match(refused.reason, /the owner said never/)
      assert.deepStrictEqual([asked.length, grant.uses], [1, 1])
    }))

  it.live("that was used up while the owner was asked is not used once more by his yes", () =>
    Effect.gen(function*() {
      const verdicts = { sign: "token", decrypt: "token", loopback: "ask" }
      let meanwhile = () => {}
      const answer = () => {
        meanwhile()
        return YES
      }
      const scene = yield* sceneOf(verdicts, ["sign", "decrypt"], { answer, maxUses: 1 })
      meanwhile = () => void scene.grants.tokens.use([scene.accepted])
      const use = useOf("git", "sign", A, scene.presented)
      const decided = yield* scene.permit({ ...use, operations: ["sign", "loopback"] })
      assert.deepStrictEqual([decided._tag, scene.grant.uses, scene.asked.length], ["Refusal", 1, 1])
    }))

  for (const state of ["in force", "revoked"] as const) {
    it.live(`that is ${state} is not counted for what amounts to loopback alone, nor needed for it`, () =>
      Effect.gen(function*() {
        const { grant, grants, permit, presented } = yield* sceneOf({ loopback: "allow" }, ["sign"])
        if (state === "revoked") yield* grants.tokens.revoke([grant], by)
        const permitted = permitOf(yield* permit(useOf("git", "loopback", A, presented)))
        assert.strictEqual(grant.uses, 0)
        assert.isUndefined(permitted.token)
        assert.isTrue(permitted.alive())
      }))
  }
})
