// What tokens cover, against a second reading of the rules: random policies, grants and uses, judged from the words of the policy and
// the terms of the grants alone.
import { assert, describe, it } from "@effect/vitest"
import { followsSign } from "@gripgate/policy/decide"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Capability } from "@gripgate/policy/keys/keyring"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import fc from "fast-check"
import type { Use } from "../../src/authority/authority.ts"
import { coverageOf } from "../../src/authority/by-token.ts"
import { judge } from "../../src/authority/judge.ts"
import { AcceptedToken } from "../../src/grant/accepted.ts"
import { definitionOf } from "../../src/grant/definition.ts"
import { makeProof, type Seal } from "../../src/grant/seal.ts"
import type { TokenGrant } from "../../src/grant/token-grant.ts"
import { draftToken, makeTokenStore, type TokenStore } from "../../src/grant/token-store.ts"
import type { KeyDirectory } from "../../src/keys/key-directory.ts"
import { ShortIds } from "../../src/short-id.ts"

const operations = ["sign", "certify", "authenticate", "decrypt", "loopback"] as const
type Named = typeof operations[number]
const verdicts = ["allow", "ask", "token", "forbid"] as const
type Table = Partial<Record<Named, typeof verdicts[number] | undefined>>

const keys = ["A", "B", "C"] as const
type Key = typeof keys[number]
const gripOf = (key: Key): Keygrip => parseKeygrip(key.repeat(40))!

/** What the keys are for; of the last one nobody knows. */
const capabilities: Readonly<Record<Key, ReadonlySet<Capability> | undefined>> = {
  A: new Set(["sign", "certify"]),
  B: new Set(["encrypt", "authenticate"]),
  C: undefined
}

interface Wish {
  readonly app: "mail" | "other"
  readonly keys: ReadonlyArray<Key>
  readonly operations: ReadonlyArray<Named>
  readonly sealed: ReadonlyArray<Key>
  readonly state: "live" | "revoked" | "over" | "used up" | "stale A" | "another definition"
}

interface World {
  readonly byDefault: "allow" | "ask" | "forbid"
  readonly shared: Table
  readonly own: Table
  readonly ofKey: Partial<Record<Key, Table | undefined>>
  readonly grants: ReadonlyArray<Wish>
  readonly clear: ReadonlyArray<Key>
  readonly verb: "sign" | "decrypt"
  readonly inLoopback: boolean
  readonly key: Key
}

const table: fc.Arbitrary<Table> = fc.record(
  Object.fromEntries(operations.map((operation) => [operation, fc.constantFrom(...verdicts)])) as Record<
    Named,
    fc.Arbitrary<typeof verdicts[number]>
  >,
  { requiredKeys: [] }
)
const wish: fc.Arbitrary<Wish> = fc.record({
  app: fc.constantFrom("mail" as const, "mail" as const, "mail" as const, "other" as const),
  keys: fc.subarray([...keys], { minLength: 1 }),
  operations: fc.subarray([...operations], { minLength: 1 }),
  sealed: fc.subarray([...keys]),
  state: fc.constantFrom("live", "live", "live", "revoked", "over", "used up", "stale A", "another definition")
})
const world: fc.Arbitrary<World> = fc.record({
  byDefault: fc.constantFrom("allow", "ask", "forbid"),
  shared: table,
  own: table,
  ofKey: fc.record({ A: table, B: table, C: table }, { requiredKeys: [] }),
  grants: fc.array(wish, { maxLength: 4 }),
  clear: fc.subarray([...keys]),
  verb: fc.constantFrom("sign", "decrypt"),
  inLoopback: fc.boolean(),
  key: fc.constantFrom(...keys)
})

const linesOf = (entries: Table): ReadonlyArray<string> =>
  Object.entries(entries).map(([operation, verdict]) => `${operation} = "${verdict}"`)

const policyOf = ({ byDefault, ofKey, own, shared }: World) =>
  Result.getOrThrow(parsePolicy(
    [
      `default = "${byDefault}"`,
      "[operations]",
      ...linesOf(shared),
      "[apps.other]",
      "socket = \"other\"",
      "keys = [\"*\"]",
      "[apps.mail]",
      "socket = \"mail\"",
      "keys = [\"*\"]",
      ...linesOf(own),
      ...Object.entries(ofKey).flatMap(([key, entries]) => [
        `[apps.mail.with."grip:${gripOf(key as Key)}"]`,
        ...linesOf(entries ?? {})
      ])
    ].join("\n"),
    "p.toml"
  ))

/** The tables that may name an operation with a key, the most specific first. */
const tablesOf = ({ ofKey, own, shared }: World, key: Key): ReadonlyArray<Table> => [ofKey[key] ?? {}, own, shared]

const isNamed = (of: World, operation: Named): boolean =>
  tablesOf(of, of.key).some((entries) => entries[operation] !== undefined)

const verdictOf = (of: World, operation: Named): typeof verdicts[number] => {
  for (const asked of followsSign(operation) ? [operation, "sign" as const] : [operation]) {
    const found = tablesOf(of, of.key).map((entries) => entries[asked]).find((verdict) => verdict !== undefined)
    if (found !== undefined) return found
  }
  return of.byDefault
}

/** Everything that a use amounts to, but for loopback. */
const usesOf = ({ key, verb }: World): ReadonlyArray<Named> => {
  if (verb === "decrypt") return key === "B" ? ["decrypt", "authenticate"] : ["decrypt"]
  return key === "A" ? ["sign", "certify"] : key === "B" ? ["authenticate"] : ["sign", "certify", "authenticate"]
}

const isGood = (of: World, { app, keys, state }: Wish): boolean =>
  app === "mail" && keys.includes(of.key) && (state === "live" || state === "stale A" && of.key !== "A")

const isFor = (of: World, operation: Named) => (wanted: Wish): boolean =>
  isGood(of, wanted)
  && (wanted.operations.includes(operation)
    || followsSign(operation) && wanted.operations.includes("sign") && !isNamed(of, operation))

const keyDirectory = ({ clear }: World): KeyDirectory["Service"] => ({
  seesAll: () => true,
  visible: () => true,
  own: () => false,
  info: (keygrip) => ({
    keygrip,
    capabilities: capabilities[keygrip[0] as Key],
    protection: clear.includes(keygrip[0] as Key) ? "clear" : "protected"
  }),
  made: () => Effect.void,
  gone: () => Effect.void,
  changed: () => {}
})

/** A token of each grant, accepted when that was live, and what became of the grant since. */
const accept = (of: World, policy: ReturnType<typeof policyOf>) => {
  let now = 1_000
  const tokens: TokenStore = makeTokenStore({
    clocks: { wall: () => now, steady: () => now },
    ids: new ShortIds(),
    write: () => Effect.succeed({ n: 1, at: now }),
    begin: () => ({ isWritten: () => true, written: Effect.succeed(true), number: () => 1 }),
    tell: () => Effect.void
  })
  const accepted = of.grants.map((wanted) => {
    const id = tokens.nextId()
    const { secret, token } = draftToken(id)
    const seal: Seal = { nonce: "", box: "" }
    const definition = wanted.state === "another definition" ? "another" : definitionOf(policy, wanted.app)!
    const grant: TokenGrant = {
      id,
      app: wanted.app,
      definition,
      keygrips: wanted.keys.map(gripOf),
      operations: new Set(wanted.operations),
      ...wanted.state === "over" && { expiresAt: now + 1 },
      ...wanted.state === "used up" && { maxUses: 1 },
      token: { proof: makeProof(secret), seals: new Map(wanted.sealed.map((key) => [gripOf(key), seal])) },
      by: { through: "test" },
      madeAt: now,
      stale: new Map(),
      uses: 0
    }
    Effect.runSync(tokens.give(grant))
    const presented = tokens.present(token, wanted.app, definition)
    if (!(presented instanceof AcceptedToken)) throw new Error(presented.rejected)
    if (wanted.state === "revoked") Effect.runSync(tokens.revoke([grant], { through: "test" }))
    if (wanted.state === "used up") tokens.use([presented])
    if (wanted.state === "stale A") Effect.runSync(tokens.stale(presented, gripOf("A")))
    return presented
  })
  now += 1
  return { tokens, accepted }
}

describe("what tokens cover", () => {
  it("is what the grants say and nothing else: exactly that app, that key and those operations, in force", () => {
    fc.assert(
      fc.property(world, (of) => {
        const policy = policyOf(of)
        const keys = keyDirectory(of)
        const use = {
          app: "mail",
          command: "PK",
          operations: [of.verb as Operation, ...of.inLoopback ? ["loopback" as const] : []],
          keygrips: [gripOf(of.key)]
        }
        const { accepted, tokens } = accept(of, policy)
        const whole = { ...use, tokens: { accepted: () => accepted, rejected: () => undefined } } as unknown as Use
        const judged = judge(policy, keys, whole)
        if (of.verb === "decrypt" && of.key === "A") {
          assert.isTrue("_tag" in judged, "a key that is not one to decrypt with")
          return
        }
        if ("_tag" in judged) throw new Error(judged.reason)
        const coverage = coverageOf({ policy: { current: policy }, keys, tokens }, whole, judged)

        const wanted = usesOf(of)
        const covered = (operation: Named) => of.grants.some(isFor(of, operation))
        const isWhole = wanted.every(covered)
        // the passphrase is that of a grant which the whole use is granted by
        const sealed = of.grants.some((grant) =>
          grant.sealed.includes(of.key) && wanted.every((operation) => isFor(of, operation)(grant))
        )
        const inBand = of.inLoopback ? verdictOf(of, "loopback") : "allow"
        const byUse = inBand === "token" || of.clear.includes(of.key) || sealed
        const loopbackDone = covered("loopback") || isWhole && byUse
        const open = (verdict: typeof verdicts[number]): ReadonlyArray<string> => [
          ...wanted.filter((operation) => verdictOf(of, operation) === verdict && !covered(operation)),
          ...inBand === verdict && !loopbackDone ? ["loopback"] : []
        ]
        const namesOf = (needs: ReadonlyArray<{ readonly operation: Operation }>) =>
          needs.map(({ operation }) => operation)
        assert.sameMembers(namesOf(coverage.missing), [...open("token")])
        assert.sameMembers(namesOf(coverage.asks), [...open("ask")])
        for (const token of coverage.by) assert.isTrue(tokens.holds(token) && token.grant.app === "mail")
        assert.strictEqual(coverage.token?.sealed(gripOf(of.key)) !== undefined, sealed)
        if (coverage.token?.inBand === true && ["ask", "token"].includes(inBand) && coverage.missing.length === 0) {
          assert.isTrue(covered("loopback") || open("ask").includes("loopback"), "who answers in band was granted it")
        }
      }),
      { numRuns: 2_000 }
    )
  })
})
