// The decision a second time, written from the prose of the rules and without regard to speed, against the real one on
// random policies that went through the file.
import { assert, describe, it } from "@effect/vitest"
import { decide } from "@gripgate/policy/decide"
import { explain } from "@gripgate/policy/explain"
import { visible } from "@gripgate/policy/visible"
import { type Operation, operations } from "@gripgate/protocol/operation"
import * as fc from "fast-check"
import { grip, policyOf } from "./read.ts"

type Word = "allow" | "ask" | "token" | "forbid"
type Entries = ReadonlyArray<readonly [Operation, Word]>
interface Model {
  readonly byDefault: "allow" | "ask" | "forbid" | undefined
  readonly shared: Entries
  readonly apps: ReadonlyArray<
    {
      readonly name: string
      readonly keys: ReadonlyArray<string>
      readonly entries: Entries
      readonly with: ReadonlyArray<{ readonly digit: string; readonly entries: Entries }>
    }
  >
  readonly anyone: { readonly keys: ReadonlyArray<string> | undefined; readonly entries: Entries } | undefined
}

const list = (keys: ReadonlyArray<string>) =>
  `keys = [${keys.map((key) => key === "*" ? "\"*\"" : `"grip:${key.repeat(40)}"`).join(", ")}]`

const render = (model: Model): ReadonlyArray<string> => {
  const lines = (entries: Entries) => entries.map(([operation, word]) => `${operation} = "${word}"`)
  return [
    ...(model.byDefault === undefined ? [] : [`default = "${model.byDefault}"`]),
    "[operations]",
    ...lines(model.shared),
    ...model.apps.flatMap(({ entries, keys, name, with: withKeys }) => [
      `[apps.${name}]`,
      `socket = "${name}"`,
      list(keys),
      ...lines(entries),
      ...withKeys.flatMap(({ digit, entries }) => [`[apps.${name}.with."grip:${digit.repeat(40)}"]`, ...lines(entries)])
    ]),
    ...(model.anyone === undefined
      ? []
      : [
        "[anyone]",
        ...(model.anyone.keys === undefined ? [] : [list(model.anyone.keys)]),
        ...lines(model.anyone.entries)
      ])
  ]
}

const strictness: ReadonlyArray<Word> = ["allow", "ask", "token", "forbid"]

/** What holds for an operation with a key: what hands the key out is as strict as its strictest use, unless named. */
const naiveWithKey = (
  model: Model,
  app: string | undefined,
  operation: Operation,
  digit: string
): readonly [Word, string] => {
  const itself = naive(model, app, operation, digit)
  if (!["export", "passwd", "cache", "store", "delete"].includes(operation) || !itself[1].startsWith("default")) {
    return itself
  }
  let strictest = itself
  for (const use of ["sign", "certify", "authenticate", "decrypt"] as const) {
    const other = naive(model, app, use, digit)
    if (strictness.indexOf(other[0]) > strictness.indexOf(strictest[0])) strictest = other
  }
  return strictest
}

/** The line that holds, as `[header] line`, or the name of a built-in rule; and its verdict. */
const naive = (
  model: Model,
  app: string | undefined,
  operation: Operation,
  digit?: string
): readonly [Word, string] => {
  const every = [
    ...model.apps.flatMap(({ name, with: withKeys }) =>
      withKeys.filter((each) => each.digit === digit).flatMap(({ entries }) =>
        entries.map(([of, word]) => ({
          rank: 0,
          who: name,
          of,
          word,
          header: `[apps.${name}.with."grip:${digit!.repeat(40)}"]`
        }))
      )
    ),
    ...model.shared.map(([of, word]) => ({ rank: 2, who: "everybody", of, word, header: "[operations]" })),
    ...model.apps.flatMap(({ entries, name }) =>
      entries.map(([of, word]) => ({ rank: 1, who: name, of, word, header: `[apps.${name}]` }))
    ),
    ...(model.anyone?.entries ?? []).map(([of, word]) => ({ rank: 1, who: "-", of, word, header: "[anyone]" }))
  ]
  const applying = every.filter(({ who }) => who === "everybody" || who === (app ?? "-"))
  const naming = applying.filter(({ of }) => of === operation)
  const following = operation === "certify" || operation === "authenticate"
    ? applying.filter(({ of }) => of === "sign")
    : []
  const [first] = (naming.length > 0 ? naming : following).toSorted((a, b) => a.rank - b.rank)
  if (first !== undefined) return [first.word, `${first.header} ${first.of} = "${first.word}"`]
  const byDefault = model.byDefault ?? "allow"
  if (operation === "list" && byDefault !== "allow") return ["allow", "rule"]
  if ((operation === "prompt" || operation === "admin") && byDefault === "ask") return ["forbid", "rule"]
  return [byDefault, `default = "${byDefault}"`]
}

const naiveVisible = (model: Model, app: string | undefined, digit: string): boolean => {
  const keys = app === undefined ? model.anyone?.keys : model.apps.find(({ name }) => name === app)!.keys
  if (keys === undefined) return (model.byDefault ?? "allow") === "allow"
  return keys.includes("*") || keys.includes(digit)
}

const word = fc.constantFrom<Word>("allow", "ask", "token", "forbid")
const entries: fc.Arbitrary<Entries> = fc.uniqueArray(fc.tuple(fc.constantFrom(...operations), word), {
  selector: ([operation]) => operation,
  maxLength: 8
})
const keys = fc.oneof(fc.constant(["*"]), fc.subarray(["A", "B", "C"]))
const withKeys = fc.uniqueArray(fc.record({ digit: fc.constantFrom("A", "B"), entries }), {
  selector: ({ digit }) => digit
})
const model: fc.Arbitrary<Model> = fc.record({
  byDefault: fc.constantFrom("allow" as const, "ask" as const, "forbid" as const, undefined),
  shared: entries,
  apps: fc.uniqueArray(fc.record({ name: fc.constantFrom("git", "mail", "x-1_2"), keys, entries, with: withKeys }), {
    selector: ({ name }) => name
  }),
  anyone: fc.option(fc.record({ keys: fc.option(keys, { nil: undefined }), entries }), { nil: undefined })
})

describe("decide against a second implementation", () => {
  it("gives the same verdict by the same entry for every client, operation and key", () => {
    fc.assert(
      fc.property(model, (model) => {
        const lines = render(model)
        const policy = policyOf(...lines)
        for (const app of [undefined, ...model.apps.map(({ name }) => name)]) {
          for (const operation of operations) {
            // what is overwritten is not named, and could be any key
            const [verdict, reason] = operation === "delete"
              ? naiveWithKey(model, app, operation, "none")
              : naive(model, app, operation)
            const held = decide(policy, { app, operation })
            assert.strictEqual(held.verdict, verdict)
            if (reason === "rule") assert.isUndefined(held.entry.place)
            else assert.strictEqual(held.entry.text, reason)
            if (held.entry.place !== undefined) {
              const line = lines[held.entry.place.line - 1]!
              assert.isTrue(reason.endsWith(line), `${reason} is said to stand in: ${line}`)
            }
            for (const digit of ["A", "B", "C", "D"]) {
              const shown = naiveVisible(model, app, digit)
              assert.strictEqual(visible(policy, app, grip(digit)), shown)
              const withKey = decide(policy, { app, operation, keygrip: grip(digit) })
              const [expected, why] = naiveWithKey(model, app, operation, digit)
              assert.strictEqual(withKey.verdict, shown ? expected : "forbid")
              if (shown && withKey.entry.place !== undefined) assert.strictEqual(withKey.entry.text, why)
              const own = decide(policy, { app, operation, keygrip: grip(digit), own: true })
              assert.strictEqual(own.verdict, expected)
            }
          }
        }
      }),
      { seed: 20160614, numRuns: 200 }
    )
  })

  it("is what explain says too, with exactly one entry that holds and every entry that could have", () => {
    fc.assert(
      fc.property(model, fc.constantFrom("A", "D", undefined), (model, digit) => {
        const policy = policyOf(...render(model))
        for (const app of [undefined, "gone", ...model.apps.map(({ name }) => name)]) {
          for (const operation of operations) {
            const question = { app, operation, keygrip: digit === undefined ? undefined : grip(digit) }
            const held = decide(policy, question)
            const { by, considered, verdict } = explain(policy, question)
            assert.strictEqual(verdict, held.verdict)
            assert.deepStrictEqual(by, held.entry)
            assert.deepStrictEqual(considered.filter(({ holds }) => holds).map(({ entry }) => entry), [by])
            // The order is that of precedence: whatever holds comes first.
            assert.isTrue(considered[0]!.holds)
            assert.isTrue(considered.some(({ where }) => where === "default"))
          }
        }
      }),
      { seed: 20160614, numRuns: 100 }
    )
  })
})
