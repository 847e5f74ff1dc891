// Texts that nobody meant: whatever comes in, there is an answer, and nothing that is not known is passed over.
import { assert, describe, it } from "@effect/vitest"
import { factNames } from "@gripgate/policy/client/match"
import { appWords } from "@gripgate/policy/file/app"
import { entryWords } from "@gripgate/policy/file/entry"
import { gateWords } from "@gripgate/policy/file/gate"
import { limitWords } from "@gripgate/policy/file/limits"
import { parsePolicy, topWords } from "@gripgate/policy/file/parse"
import { formatProblem } from "@gripgate/policy/file/problem"
import { lint } from "@gripgate/policy/lint/lint"
import { operations } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { grip, policyOf, problemsOf } from "../read.ts"

const sample = [
  "default = \"ask\" # first",
  "operations = { export = \"forbid\" }",
  "[apps.git]",
  "socket = '/run/git'",
  `keys = ["grip:${grip("A")}", """grip:${grip("b")}"""]`,
  "sign = \"token\"",
  "[apps.git.decrypt]",
  "verdict = \"ask\"",
  "remember = \"15m\"",
  "[apps.git.with.\"a@b.org\"]",
  "sign = { verdict = \"ask\", limit = \"60/hour\" }",
  "[apps.mail]",
  "socket = \"mail\"",
  "socket-mode = \"0660\"",
  "keys = [\"*\"]",
  "loopback = \"allow\"",
  "[apps.mail.match]",
  "user = [\"mail\", 8]",
  "exe = \"**/mail\"",
  "[anyone]",
  "keys = []",
  "[limits]",
  "sessions = 64",
  "warm = \"2s\"",
  "[gate]",
  "upstream = \"/run/agent\"",
  "sockets = [\"S.gpg-agent\"]"
]

const answered = (text: string) => {
  const result = parsePolicy(text, "p.toml")
  if (Result.isSuccess(result)) {
    assert.isArray(lint(result.success))
    return
  }
  assert.isAbove(result.failure.length, 0)
  const lines = text.split("\n")
  for (const problem of result.failure) {
    const { column, line } = problem.place
    assert.isTrue(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`)
    assert.isTrue(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column} of line ${line}`)
    assert.match(formatProblem(problem), /^p\.toml:\d+:\d+: [^\p{Cc}]+(\nhint: [^\p{Cc}]+)?$/u)
  }
}

const piece = fc.oneof(
  fc.constantFrom(
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "\\u"
  ),
  fc.constantFrom(...topWords, ...appWords, ...entryWords, ...gateWords, ...limitWords, ...factNames),
  fc.constantFrom("token", "*", "__proto__", "1979-05-27", "0", "-1", "4294967295", "0660", "15m", "60/hour"),
  fc.constantFrom(...operations),
  fc.string({ unit: "binary", maxLength: 4 })
)

describe("parsePolicy: any text at all", () => {
  it("answers random bytes with a policy or with problems that have a place", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("utf8"))
    const text = fc.oneof(
      bytes,
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(piece).map((all) => all.join(""))
    )
    fc.assert(fc.property(text, answered), { seed: 20160614, numRuns: 2000 })
  })

  it("answers a policy with a few random changes", () => {
    const whole = sample.join("\n")
    const change = fc.record({ at: fc.nat(whole.length), drop: fc.nat(12), put: piece })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = whole
        for (const { at, drop, put } of changes) text = text.slice(0, at) + put + text.slice(at + drop)
        answered(text)
      }),
      { seed: 20160614, numRuns: 3000 }
    )
  })

  it("reads the unchanged policy", () => {
    assert.deepStrictEqual([...policyOf(...sample).apps.keys()], ["git", "mail"])
  })

  it("never passes over a setting it does not know, wherever it stands", () => {
    const taken = new Set<string>([
      ...topWords,
      ...appWords,
      ...entryWords,
      ...gateWords,
      ...limitWords,
      ...factNames,
      ...operations
    ])
    const word = fc.stringMatching(/^[a-z_-]{1,12}$/).filter((word) => !taken.has(word))
    const value = fc.constantFrom("\"allow\"", "7", "true", "[]", "{}", "{ a.b = [{ c = 1 }] }", "1979-05-27")
    // After any line that a setting of a table can follow: within [apps] it would be one more app, refused by its kind.
    const after = fc.constantFrom(...sample.keys())
    fc.assert(
      fc.property(word, value, after, fc.constantFrom("", ".x", ".x.y.z"), (word, value, after, deeper) => {
        const lines = [...sample.slice(0, after + 1), `${word}${deeper} = ${value}`, ...sample.slice(after + 1)]
        const [problem, ...more] = problemsOf(...lines)
        assert.isTrue(problem!.startsWith(`p.toml:${after + 2}:1: "${word}" `), problem)
        assert.deepStrictEqual(more, [])
      }),
      { seed: 20160614, numRuns: 300 }
    )
  })
})
