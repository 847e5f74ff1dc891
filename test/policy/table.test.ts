// Every operation, with every verdict, at every level: what holds, and the reason that is given. The table is written out of
// the rules of the policy file and not out of the code.
import { assert, describe, it } from "@effect/vitest"
import { decide } from "@gripgate/policy/decide"
import { explain } from "@gripgate/policy/explain"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { formatProblem } from "@gripgate/policy/file/problem"
import type { Policy } from "@gripgate/policy/policy"
import type { Verdict } from "@gripgate/policy/verdict"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { type Operation, operations } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"

const grip = (digit: string): Keygrip => parseKeygrip(digit.repeat(40))!
const [KEY, OTHER, HIDDEN] = [grip("A"), grip("B"), grip("C")]

const policyOf = (lines: ReadonlyArray<string>): Policy => {
  const read = parsePolicy(lines.join("\n"), "p.toml")
  if (Result.isSuccess(read)) return read.success
  throw new Error(read.failure.map(formatProblem).join("\n"))
}

const app = ["[apps.git]", "socket = \"git\"", `keys = ["grip:${KEY}", "grip:${OTHER}"]`]
const withKey = `[apps.git.with."grip:${KEY}"]`

const levels = ["default", "[operations]", "app", "app with key"] as const
type Level = typeof levels[number]

/** A policy whose levels say what `says` has for them; `allow` is the default where it does not speak. */
const policyWith = (operation: Operation, says: Partial<Record<Level, Verdict>>): Policy => {
  const line = (level: Level): ReadonlyArray<string> =>
    says[level] === undefined ? [] : [`${operation} = "${says[level]}"`]
  return policyOf([
    `default = "${says.default ?? "allow"}"`,
    "[operations]",
    ...line("[operations]"),
    ...app,
    ...line("app"),
    withKey,
    ...line("app with key")
  ])
}

/** What a default means for an operation that nothing names. */
const byDefault = (verdict: "allow" | "ask" | "forbid", operation: Operation): Verdict => {
  if (verdict === "ask") {
    if (operation === "list") return "allow"
    if (operation === "prompt" || operation === "admin") return "forbid"
  }
  return verdict === "forbid" && operation === "list" ? "allow" : verdict
}

const header: Record<Exclude<Level, "default">, string> = {
  "[operations]": "[operations]",
  app: "[apps.git]",
  "app with key": withKey
}

const assertHeld = (policy: Policy, operation: Operation, keygrip: Keygrip, verdict: Verdict, text: string): void => {
  const question = { app: "git", operation, keygrip }
  const held = decide(policy, question)
  assert.deepStrictEqual([held.verdict, held.entry.text], [verdict, text])
  const { by, considered } = explain(policy, question)
  assert.strictEqual(by.text, text)
  const holding = considered.filter(({ holds }) => holds)
  assert.strictEqual(holding.length, 1)
  assert.isAbove(holding[0]!.why.length, 0)
}

describe("the policy, case by case", () => {
  for (const operation of operations) {
    describe(`operation ${operation}`, () => {
      for (const verdict of ["allow", "ask", "forbid"] as const) {
        it(`default = "${verdict}"`, () => {
          const held = byDefault(verdict, operation)
          const text = held === verdict
            ? `default = "${verdict}"`
            : {
              list: `default = "${verdict}" allows list, on visible keys`,
              prompt: "default = \"ask\" keeps prompt from the agent",
              admin: "default = \"ask\" refuses admin"
            }[operation as "list" | "prompt" | "admin"]
          // under allow nothing differs; else a built-in exception has a text of its own
          const expected = verdict === "allow" ? "default = \"allow\"" : text
          assertHeld(policyWith(operation, { default: verdict }), operation, KEY, held, expected)
        })
      }
      for (const level of levels.slice(1) as ReadonlyArray<Exclude<Level, "default">>) {
        for (const verdict of ["allow", "ask", "token", "forbid"] as const) {
          it(`${level}: "${verdict}"`, () => {
            const text = `${header[level]} ${operation} = "${verdict}"`
            for (const fallback of ["allow", "ask", "forbid"] as const) {
              const policy = policyWith(operation, { default: fallback, [level]: verdict })
              assertHeld(policy, operation, KEY, verdict, text)
              // an entry for one key says nothing about another
              const other = decide(policy, { app: "git", operation, keygrip: OTHER }).verdict
              assert.strictEqual(other, level === "app with key" ? byDefault(fallback, operation) : verdict)
            }
          })
        }
      }
      for (const above of ["allow", "ask", "token", "forbid"] as const) {
        for (const below of ["allow", "ask", "token", "forbid"] as const) {
          it(`the more specific holds, "${above}" over "${below}"`, () => {
            const pairs = [["app with key", "app"], ["app with key", "[operations]"], ["app", "[operations]"]] as const
            for (const [specific, general] of pairs) {
              const policy = policyWith(operation, { [specific]: above, [general]: below, default: "forbid" })
              assertHeld(policy, operation, KEY, above, `${header[specific]} ${operation} = "${above}"`)
            }
          })
        }
      }
      it("a key that the app does not see is forbidden, whatever anything says", () => {
        const policy = policyWith(operation, { "[operations]": "allow", app: "allow", "app with key": "allow" })
        assertHeld(policy, operation, HIDDEN, "forbid", "[apps.git] keys does not name this key")
      })
    })
  }
})

describe("what hands out a key, changes or destroys it, is as strict as the use of it", () => {
  for (const operation of ["export", "passwd", "cache", "store", "delete"] as const) {
    for (const use of ["sign", "certify", "authenticate", "decrypt"] as const) {
      it(`${operation} follows ${use} = "token" where nothing names it, and not where something does`, () => {
        const policy = (line: string) => policyOf(["default = \"allow\"", ...app, `${use} = "token"`, line])
        assertHeld(policy(""), operation, KEY, "token", `[apps.git] ${use} = "token"`)
        assertHeld(policy(`${operation} = "allow"`), operation, KEY, "allow", `[apps.git] ${operation} = "allow"`)
        // without a key there is none to hand out, but one may be overwritten
        const without = decide(policy(""), { app: "git", operation }).verdict
        assert.strictEqual(without, operation === "delete" ? "token" : "allow")
      })
    }
  }
})
