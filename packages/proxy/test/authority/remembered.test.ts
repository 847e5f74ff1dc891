// What an owner's answer is good for, and for nothing else: by app, operation and key.
import { assert, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { Answer, Ended } from "../../src/approve/question.ts"
import type { Use } from "../../src/authority/authority.ts"
import { definitionOf } from "../../src/grant/definition.ts"
import { scratch } from "../support/scratch.ts"
import { makePlace, useOf } from "./place.ts"

const grip = (digit: string) => parseKeygrip(digit.repeat(40))!
const A = grip("A")
const B = grip("B")
const app = (name: string, ...lines: ReadonlyArray<string>) => [
  `[apps.${name}]`,
  `socket = "${name}"`,
  "keys = [\"*\"]",
  ...lines
]
const policy = (...lines: ReadonlyArray<string>) =>
  ["default = \"ask\"", "[anyone]", "keys = [\"*\"]", ...app("a"), ...app("b"), ...lines].join("\n")

const yes = (good: Answer["good"]): Ended => ({ kind: "yes", good, by: { through: "test" } })
const no: Ended = { kind: "no", good: "once", by: { through: "test" } }

describe("an answer", () => {
  it.effect(
    "opens no other combination of app, operation and key than that of the question",
    () =>
      Effect.gen(function*() {
        const operations = ["sign", "decrypt", "export", "generate", "loopback"] as const
        const uses = fc.record({
          who: fc.constantFrom("a", "b", "shell", "other shell", "other program", "other user", "unknown"),
          operation: fc.constantFrom<Operation>(...operations),
          key: fc.constantFrom(A, B, undefined),
          answer: fc.constantFrom<Ended>(
            yes("once"),
            yes(1_000),
            yes("always"),
            no,
            { ...no, good: "always" } as Ended
          ),
          wait: fc.constantFrom(0, 0, 0, 600, 1_000)
        })
        const facts: Record<string, Partial<Use["facts"]>> = {
          "other shell": { leader: { pid: 101, started: 5 } },
          "other program": { program: "/usr/bin/mutt" },
          "other user": { uid: 1001 }
        }
        const useBy = (who: string, operation: Operation, key: typeof A | undefined): Use => {
          if (who === "a" || who === "b") return useOf(who, operation, key)
          const use = useOf(undefined, operation, key)
          if (who !== "unknown") return { ...use, facts: { ...use.facts, ...facts[who] } }
          const { leader: _, ...rest } = use.facts
          return { ...use, facts: rest }
        }
        const runs = fc.sample(fc.array(uses, { minLength: 5, maxLength: 40 }), 60)
        for (const run of runs) {
          yield* Effect.scoped(Effect.gen(function*() {
            let answer: Ended = no
            const place = yield* makePlace({
              policy: policy(),
              state: yield* scratch,
              answer: () => answer,
              capabilities: () => new Set(["sign", "encrypt"])
            })
            // the second, naive way: what was said of a triple, and until when
            const said = new Map<string, { readonly yes: boolean; readonly until: number }>()
            let now = 0
            for (const { answer: next, key, operation, wait, who } of run) {
              now += wait
              yield* TestClock.adjust(wait)
              // a key that signs and decrypts needs both for a decryption
              const needs = operation === "decrypt" && key !== undefined ? ["decrypt", "sign"] : [operation]
              const without = operation === "sign" && key === undefined ? ["sign", "certify", "authenticate"] : needs
              const known = without.map((each) => {
                const known = said.get(`${who} ${each} ${key}`)
                return known !== undefined && now < known.until ? known : undefined
              })
              const refused = known.some((each) => each?.yes === false)
              const allowed = !refused && known.every((each) => each?.yes === true)
              const nameless = key === undefined && ["sign", "decrypt", "export"].includes(operation)
              // only what is offered is answered
              answer = next
              if (next.kind === "yes" || next.kind === "no") {
                const kept = who === "unknown" || nameless || (next.good === "always" && who !== "a" && who !== "b")
                if (kept) answer = { ...next, good: "once" }
              }
              const before = place.asked.length
              const decided = yield* place.permit(useBy(who, operation, key))
              const what = `${who} ${operation} ${key}`
              assert.strictEqual(place.asked.length - before, refused || allowed ? 0 : 1, what)
              const expected = refused ? "Refusal" : allowed || answer.kind === "yes" ? "Permit" : "Refusal"
              assert.strictEqual(decided._tag, expected, what)
              if (place.asked.length === before) continue
              const { offers } = place.asked.at(-1)!.draft
              assert.strictEqual(offers.always, (who === "a" || who === "b") && !nameless, what)
              if ((answer.kind === "yes" || answer.kind === "no") && answer.good !== "once") {
                const until = answer.good === "always" ? Infinity : now + answer.good
                for (const each of without) {
                  // a longer yes is not shortened by a later one, and a no is not lifted
                  const there = said.get(`${who} ${each} ${key}`)
                  if (there !== undefined && now < there.until && there.yes && until < there.until) continue
                  said.set(`${who} ${each} ${key}`, { yes: answer.kind === "yes", until })
                }
              }
            }
          }))
        }
      }),
    120_000
  )

  it.effect("for always or never is there again after a restart, and a revoked one is not", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const start = (answer: Ended) => makePlace({ policy: policy(), state, answer: () => answer })
      yield* Effect.scoped(Effect.gen(function*() {
        const place = yield* start(yes("always"))
        yield* place.permit(useOf("a", "sign", A))
        yield* place.permit(useOf("a", "sign", B))
        yield* place.permit(useOf("b", "sign", A))
        const [, second] = place.grants.all()
        yield* place.grants.revoke([second!], { through: "test" })
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const place = yield* start({ ...no, good: "always" } as Ended)
        assert.strictEqual((yield* place.permit(useOf("a", "sign", A)))._tag, "Permit")
        assert.lengthOf(place.asked, 0)
        assert.strictEqual((yield* place.permit(useOf("a", "sign", B)))._tag, "Refusal")
        assert.lengthOf(place.asked, 1)
      }))
      const place = yield* start(yes("once"))
      assert.strictEqual((yield* place.permit(useOf("a", "sign", B)))._tag, "Refusal")
      assert.strictEqual((yield* place.permit(useOf("b", "sign", A)))._tag, "Permit")
      assert.lengthOf(place.asked, 0)
    }).pipe(Effect.scoped))

  it.effect("is for the app that was seen: one that goes by another match or socket now is asked for again", () =>
    Effect.gen(function*() {
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => yes("always") })
      yield* place.permit(useOf("a", "sign", A))
      place.change(policy("[approve]", "timeout = \"1m\""))
      yield* place.permit(useOf("a", "sign", A))
      assert.lengthOf(place.asked, 1)
      place.change(policy().replace("socket = \"a\"", "socket = \"/run/elsewhere\""))
      yield* place.permit(useOf("a", "sign", A))
      assert.lengthOf(place.asked, 2)
    }).pipe(Effect.scoped))

  it.effect("is for the app that was seen also where the policy changes while the question is open", () =>
    Effect.gen(function*() {
      let change = (): void => {}
      const place = yield* makePlace({
        policy: policy(),
        state: yield* scratch,
        answer: () => {
          change()
          return yes("always")
        }
      })
      change = () => place.change(policy().replace("socket = \"a\"", "socket = \"/run/elsewhere\""))
      yield* place.permit(useOf("a", "sign", A))
      yield* place.permit(useOf("a", "sign", A))
      assert.lengthOf(place.asked, 2)
    }).pipe(Effect.scoped))

  it.effect("for longer than once is not offered for what may be done to any key", () =>
    Effect.gen(function*() {
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => yes("once") })
      yield* place.permit(useOf("a", "import", undefined, { operations: ["import", "delete"] }))
      yield* place.permit(useOf("a", "import", undefined))
      assert.deepStrictEqual(place.asked.map(({ draft }) => draft.offers.always), [false, true])
    }).pipe(Effect.scoped))

  it.effect("of never holds also for what the owner has to confirm each time", () =>
    Effect.gen(function*() {
      const never: Ended = { kind: "no", good: "always", by: { through: "test" } }
      const answers = [never, yes("once")]
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => answers.shift()! })
      yield* place.permit(useOf("a", "export", A))
      const openpgp = yield* place.permit(useOf("a", "export", A, { confirm: true }))
      assert.strictEqual(openpgp._tag, "Refusal")
      assert.lengthOf(place.asked, 1)
    }).pipe(Effect.scoped))

  it.effect("is not remembered where the policy says never, nor is one from before", () =>
    Effect.gen(function*() {
      const never = policy("[apps.a.with.\"grip:" + A + "\"]", "sign = { verdict = \"ask\", remember = \"never\" }")
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => yes("always") })
      yield* place.permit(useOf("a", "sign", A))
      place.change(never)
      yield* place.permit(useOf("a", "sign", A))
      assert.deepStrictEqual(place.asked.map(({ draft }) => draft.offers), [
        { while: 900_000, always: true },
        { always: false }
      ])
    }).pipe(Effect.scoped))
})

describe("a permit", () => {
  it.effect("that rests on a grant ends with it, at once", () =>
    Effect.gen(function*() {
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => yes(1_000) })
      yield* place.permit(useOf("a", "sign", A))
      const permit = yield* place.permit(useOf("a", "sign", A))
      assert.lengthOf(place.asked, 1)
      assert.isTrue(permit._tag === "Permit" && permit.alive())
      yield* place.grants.revoke(place.grants.all(), { through: "test" })
      assert.isFalse(permit._tag === "Permit" && permit.alive())
    }).pipe(Effect.scoped))

  it.effect("that rests on a grant made while the question was open ends with that one too, and counts as its use", () =>
    Effect.gen(function*() {
      const place: Effect.Success<ReturnType<typeof makePlace>> = yield* makePlace({
        policy: policy(),
        state: yield* scratch,
        answer: (asking) => {
          const terms = {
            holder: { kind: "app", app: "a" },
            definition: definitionOf(Result.getOrThrow(parsePolicy(policy(), "p.toml")), "a")!,
            keygrip: A,
            operations: new Set<Operation>(["sign"]),
            answer: "yes",
            by: { through: "test" }
          } as const
          Effect.runSync(place.grants.give([terms], 1_000))
          return asking.covered()!
        }
      })
      const permit = yield* place.permit(useOf("a", "sign", A))
      assert.isTrue(permit._tag === "Permit" && permit.alive())
      assert.strictEqual(place.grants.all()[0]!.uses, 1)
      yield* place.grants.revoke(place.grants.all(), { through: "test" })
      assert.isFalse(permit._tag === "Permit" && permit.alive())
    }).pipe(Effect.scoped))

  it.effect("for one command is counted once, whatever the agent asks within it", () =>
    Effect.gen(function*() {
      const text = ["default = \"allow\"", ...app("a", "delete = { verdict = \"allow\", limit = \"1/day\" }")].join(
        "\n"
      )
      const place = yield* makePlace({ policy: text, state: yield* scratch, answer: () => yes("once") })
      const use = useOf("a", "delete", A, { command: "DELETE_KEY" })
      assert.strictEqual((yield* place.permit(use))._tag, "Permit")
      const said = { by: "agent", text: "Really?" } as const
      assert.strictEqual((yield* place.permit({ ...use, confirm: true, counted: true, said }))._tag, "Permit")
      assert.strictEqual((yield* place.permit(use))._tag, "Refusal")
    }).pipe(Effect.scoped))

  it.effect("is not given for a yes to what a policy that was read meanwhile does not allow", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [text: string, tag: string]> = [
        [policy("[limits]", "sessions = 7"), "Permit"],
        [policy("[operations]", "sign = \"allow\""), "Permit"],
        [policy("[operations]", "sign = \"forbid\""), "Refusal"],
        [policy("[operations]", "sign = \"token\""), "Refusal"],
        [policy().replaceAll("keys = [\"*\"]", "keys = []"), "Refusal"],
        // the app is gone
        ["default = \"allow\"", "Refusal"]
      ]
      for (const [text, tag] of cases) {
        let change = (_: string): void => {}
        const place = yield* makePlace({
          policy: policy(),
          state: yield* scratch,
          answer: () => {
            change(text)
            return yes("once")
          }
        })
        change = place.change
        assert.strictEqual((yield* place.permit(useOf("a", "sign", A)))._tag, tag, text)
      }
    }).pipe(Effect.scoped))

  it.effect("is given to nobody once the gate stops, and what is under way may finish", () =>
    Effect.gen(function*() {
      const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => yes("once") })
      const permit = yield* place.permit(useOf("a", "sign", A))
      place.authority.close()
      assert.isTrue(permit._tag === "Permit" && permit.alive())
      assert.strictEqual((yield* place.permit(useOf("a", "sign", A)))._tag, "Refusal")
    }).pipe(Effect.scoped))
})

describe("a question", () => {
  it.effect("is one for all that a use needs a yes for, and tells all that it amounts to", () =>
    Effect.gen(function*() {
      const text = ["default = \"allow\"", ...app("a", "sign = \"allow\"", "loopback = \"ask\"")].join("\n")
      const place = yield* makePlace({ policy: text, state: yield* scratch, answer: () => yes("always") })
      const use = useOf("a", "sign", A, {
        operations: ["sign", "loopback"],
        digest: () => ({ algorithm: "SHA256", hex: "AB" })
      })
      yield* place.permit(use)
      assert.lengthOf(place.asked, 1)
      assert.deepStrictEqual(place.asked[0]!.draft.subject.operations, ["sign", "loopback"])
      assert.deepStrictEqual(place.asked[0]!.draft.digest, { algorithm: "SHA256", hex: "AB" })
      assert.strictEqual(place.asked[0]!.draft.why, "[apps.a] loopback = \"ask\" (p.toml:6:1)")
      // what the yes is for is what a script and the owner see
      assert.strictEqual(place.asked[0]!.draft.operation, "loopback")
      assert.deepStrictEqual(place.asked[0]!.draft.subject.asked, ["loopback"])
      // the yes is for what was asked
      assert.deepStrictEqual(place.grants.all().map(({ operations }) => [...operations]), [["loopback"]])
    }).pipe(Effect.scoped))

  it.effect("is not put for what is forbidden, hidden, over its limit, or only tried by gpg", () =>
    Effect.gen(function*() {
      const text = [
        "default = \"ask\"",
        "[apps.a]",
        "socket = \"a\"",
        `keys = ["grip:${A}"]`,
        "export = \"forbid\"",
        "sign = { verdict = \"ask\", limit = \"2/hour\" }"
      ].join("\n")
      const answers: Array<Ended> = [no, yes("once"), yes("once"), yes("once")]
      const place = yield* makePlace({ policy: text, state: yield* scratch, answer: () => answers.shift()! })
      const tag = (use: Use) =>
        Effect.map(place.permit(use), (decided) => decided._tag === "Refusal" ? decided.error.text : "ok")
      assert.strictEqual(yield* tag(useOf("a", "export", A)), "Forbidden")
      assert.strictEqual(yield* tag(useOf("a", "sign", B)), "No secret key")
      assert.strictEqual(yield* tag(useOf("a", "card", undefined, { command: "SCD SERIALNO" })), "No SmartCard daemon")
      assert.lengthOf(place.asked, 0)
      // a no takes nothing from the limit
      const signed = [
        yield* tag(useOf("a", "sign", A)),
        yield* tag(useOf("a", "sign", A)),
        yield* tag(useOf("a", "sign", A))
      ]
      assert.deepStrictEqual(signed, ["Operation cancelled", "ok", "ok"])
      assert.strictEqual(yield* tag(useOf("a", "sign", A)), "Limit reached")
      assert.lengthOf(place.asked, 3)
    }).pipe(Effect.scoped))

  it.effect("to confirm is put also where all is allowed, and never kept", () =>
    Effect.gen(function*() {
      const text = ["default = \"allow\"", ...app("a")].join("\n")
      const place = yield* makePlace({ policy: text, state: yield* scratch, answer: () => yes("once") })
      const confirm = useOf("a", "passphrase", undefined, { confirm: true, said: { by: "client", text: "Really?" } })
      const permit = yield* place.permit(confirm)
      assert.strictEqual(permit._tag, "Permit")
      assert.deepStrictEqual(place.asked[0]!.draft.offers, { always: false })
      yield* place.permit(confirm)
      yield* place.permit({ ...confirm, operations: [] })
      assert.lengthOf(place.asked, 3)
    }).pipe(Effect.scoped))

  for (
    const [ended, error] of [
      [{ kind: "timeout" }, "Timeout"],
      [{ kind: "paused", until: 1 }, "Timeout"],
      [{ kind: "unavailable", reason: "x" }, "Forbidden"],
      [{ kind: "stopped" }, "No agent running"],
      [{ kind: "withdrawn" }, "Operation cancelled"],
      [no, "Operation cancelled"]
    ] as const
  ) {
    it.effect(`that ends with ${ended.kind} is ${error} to the client`, () =>
      Effect.gen(function*() {
        const place = yield* makePlace({ policy: policy(), state: yield* scratch, answer: () => ended })
        const decided = yield* place.permit(useOf("a", "sign", A))
        assert.strictEqual(decided._tag === "Refusal" && decided.error.text, error)
      }).pipe(Effect.scoped))
  }
})
