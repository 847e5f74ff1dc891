// One policy printed with headers, with dotted keys, with inline tables, and with a bit of each, is one policy.
import { assert, describe, it } from "@effect/vitest"
import { factNames } from "@gripgate/policy/client/match"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { countLimits, timeLimits } from "@gripgate/policy/policy"
import { operations } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { grip } from "../read.ts"

type Value = string | number | ReadonlyArray<string | number> | Tree
interface Tree {
  readonly [key: string]: Value
}

const isTree = (value: Value): value is Tree => typeof value === "object" && !Array.isArray(value)

const keyed = (key: string) => /^[\w-]+$/.test(key) ? key : JSON.stringify(key)

const inline = (value: Value): string =>
  !isTree(value)
    ? JSON.stringify(value)
    : `{ ${Object.entries(value).map(([key, inner]) => `${keyed(key)} = ${inline(inner)}`).join(", ")} }`

const dotted = (tree: Tree, path: string): ReadonlyArray<string> =>
  Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) && Object.keys(value).length > 0
      ? dotted(value, `${path}${keyed(key)}.`)
      : [`${path}${keyed(key)} = ${inline(value)}`]
  )

/** Headers down to a depth, and below it inline tables or dotted keys. */
const headers = (tree: Tree, depth: number, below: "inline" | "dotted", path = ""): ReadonlyArray<string> => {
  const flat = Object.entries(tree).filter(([, value]) => !isTree(value) || depth === 0)
  const deep = Object.entries(tree).filter(([, value]) => isTree(value) && depth > 0)
  const rest = Object.fromEntries(flat)
  return [
    ...(path === "" ? [] : [`[${path}]`]),
    ...(below === "dotted" ? dotted(rest, "") : flat.map(([key, value]) => `${keyed(key)} = ${inline(value)}`)),
    ...deep.flatMap(([key, value]) =>
      headers(value as Tree, depth - 1, below, path === "" ? keyed(key) : `${path}.${keyed(key)}`)
    )
  ]
}

const some = <A>(names: ReadonlyArray<string>, value: fc.Arbitrary<A>) =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3, noNullPrototype: true })

const entry = fc.oneof(
  fc.constantFrom("allow", "ask", "token", "forbid"),
  fc.record(
    {
      verdict: fc.constantFrom("ask"),
      remember: fc.constantFrom("never", "15m", "2 hours"),
      limit: fc.constantFrom("60/hour", "1/s")
    },
    { requiredKeys: ["verdict"], noNullPrototype: true }
  ),
  fc.record({ verdict: fc.constantFrom("allow", "token") }, { noNullPrototype: true })
)
const entries = some(operations, entry)
const selectors = [
  "a@example.org",
  `grip:${grip("A")}`,
  `grip:${grip("b").toLowerCase()}`,
  grip("C"),
  "0123456789ABCDEF!"
]
const fact = fc.constantFrom<Value>("/usr/bin/git", "*", ["/a", "**/b"])
const id = fc.constantFrom<Value>(0, "alice", [7, "bob"])

const app = fc.record({
  match: fc.oneof(
    fc.dictionary(fc.constantFrom(...factNames.filter((name) => name !== "user" && name !== "group")), fact, {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true
    }),
    fc.record({ user: id, group: id }, { noNullPrototype: true })
  ),
  keys: fc.oneof(fc.constant(["*"]), fc.subarray(selectors)),
  with: some(selectors, entries),
  entries
}).map(({ entries, ...rest }): Tree => ({ ...rest, ...entries } as Tree))

const policy = fc.record({
  default: fc.constantFrom("allow", "ask", "forbid"),
  operations: entries,
  apps: some(["git", "mail", "0"], app),
  anyone: entries,
  limits: some(countLimits, fc.integer({ min: 1, max: 1_000_000 })).chain((counts) =>
    some(timeLimits, fc.constantFrom("30s", "1 day")).map((times) => ({ ...counts, ...times }))
  ),
  gate: fc.record(
    { upstream: fc.constant("/run/s"), homedir: fc.constant("/h"), sockets: fc.constantFrom(["a"], []) },
    { requiredKeys: [], noNullPrototype: true }
  )
}).map((tree) => tree as Tree)

/** What a text becomes, but for the places and the order of what has none. */
const meaning = (lines: ReadonlyArray<string>): string => {
  const result = parsePolicy(lines.join("\n"), "p.toml")
  if (Result.isFailure(result)) assert.fail(`${lines.join("\n")}\n${result.failure[0]?.message}`)
  return JSON.stringify(result.success, (key, value: unknown) => {
    if (key === "place" || key === "keysPlace") return undefined
    if (value instanceof Map) return [...value].map((pair) => JSON.stringify(pair, plain)).toSorted()
    if (value instanceof Set) return [...value].toSorted()
    return key === "with" || key === "conditions"
      ? (value as ReadonlyArray<unknown>).map((one) => JSON.stringify(one, plain)).toSorted()
      : value
  })
}

const plain = (key: string, value: unknown): unknown =>
  key === "place" || key === "keysPlace"
    ? undefined
    : value instanceof Map || value instanceof Set
    ? [...value].map((one) => JSON.stringify(one, plain)).toSorted()
    : value

describe("parsePolicy: the forms of one policy", () => {
  it("reads headers, dotted keys and inline tables the same", () => {
    fc.assert(
      fc.property(policy, (tree) => {
        const expected = meaning(dotted(tree, ""))
        for (const depth of [0, 1, 2, 3, 4, 5]) {
          assert.strictEqual(meaning(headers(tree, depth, "inline")), expected)
          assert.strictEqual(meaning(headers(tree, depth, "dotted")), expected)
        }
      }),
      { seed: 20160614, numRuns: 200 }
    )
  })
})
