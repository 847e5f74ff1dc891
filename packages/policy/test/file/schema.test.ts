import { assert, describe, it } from "@effect/vitest"
import { factNames } from "@gripgate/policy/client/match"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { policySchema } from "@gripgate/policy/file/schema"
import { countLimits, timeLimits } from "@gripgate/policy/policy"
import { operations } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser"
import { grip } from "../read.ts"
import { accepts } from "./json-schema.ts"

// As an editor has it: JSON, and nothing shared with the readers.
const schema = JSON.parse(JSON.stringify(policySchema()))

const bySchema = (text: string): boolean =>
  accepts(schema, JSON.parse(JSON.stringify(getStaticTOMLValue(parseTOML(text)))))
const byReader = (text: string): boolean => Result.isSuccess(parsePolicy(text, "p.toml"))

const app = (...lines: ReadonlyArray<string>) => ["[apps.a]", "socket = \"a\"", "keys = []", ...lines].join("\n")

const good = [
  "",
  "default = \"ask\"",
  [
    "default = \"ask\"",
    "[operations]",
    "export = \"forbid\"",
    "[apps.mailpile]",
    "match = { user = \"mailpile\", unit = \"mailpile.service\" }",
    "keys = [\"alice@example.org\"]",
    "sign = \"token\"",
    "[apps.git]",
    "match = { exe = \"/usr/bin/git\" }",
    "socket = \"git\"",
    "socket-mode = \"0660\"",
    "socket-group = \"mail\"",
    "keys = [\"0x0123456789abcdef!\", \"<release@example.org>\"]",
    "sign = { verdict = \"ask\", remember = \"15m\", limit = \"60/hour\" }",
    "[apps.git.with.\"release@example.org\"]",
    "sign = { verdict = \"ask\", remember = \"never\" }",
    "[anyone]",
    "keys = []"
  ].join("\n"),
  ...operations.map((operation) => `[operations]\n${operation} = "allow"\n[anyone]\n${operation} = "ask"`),
  ...factNames.map((fact) =>
    app(`match.${fact} = ["/a", "*"]`).replace("\"*\"", fact === "user" || fact === "group" ? "7" : "\"*\"")
  ),
  ...countLimits.map((name) => `[limits]\n${name} = 64`),
  ...timeLimits.map((name) => `[limits]\n${name} = "15 minutes"`),
  "[gate]\nupstream = \"/run/s\"\nhomedir = \"/h\"\nsockets = [\"a\", \"/b\"]",
  "[upstreams.a]\nsocket = \"/s\"\ndefault = true\n[upstreams.b]\ncommand = [\"ssh\", \"host\"]\ndefault = false",
  "[gate]\nowners = [\"alice\", 7]\ncontrol-group = \"keys\"",
  "[gate]\nextra-socket = \"close\"\nbrowser-socket = \"gate\"\nssh-socket = \"leave\"",
  "[approve]\napprovers = [\"terminal\"]\norder = \"in-turn\"\ntimeout = \"1m\"\npause = \"1h\"\nremember = \"2d\"\npinentry = \"/p\"",
  "[anyone]\nkeys = [\"*\"]",
  `[anyone]\nkeys = ["grip:${grip("a")}", "${grip("B")}", "0x${
    grip("c")
  }!", "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"]`,
  app("sign = { verdict = \"token\", limit = \"10/15 minutes\" }"),
  app("socket-mode = \"777\"", "socket-group = 8")
]

const bad = [
  "defualt = \"ask\"",
  "default = \"token\"",
  "default = { verdict = \"ask\" }",
  "sign = \"ask\"",
  "[operations]\nsgin = \"ask\"",
  "[operations]\nsign = \"deny\"",
  "[operations]\nsign = 7",
  "[operations]\nsign = {}",
  "[operations]\nsign = { verdict = \"ask\", until = \"x\" }",
  "[operations]\nsign = { verdict = \"ask\", remember = \"always\" }",
  "[operations]\nsign = { verdict = \"ask\", remember = \"15 mins\" }",
  "[operations]\nsign = { verdict = \"allow\", remember = \"15m\" }",
  "[operations]\nsign = { verdict = \"forbid\", limit = \"1/s\" }",
  "[operations]\nsign = { verdict = \"ask\", limit = \"60 per hour\" }",
  "[operations]\nkeys = []",
  "[[operations]]",
  "apps = []",
  "[apps.Mail]\nsocket = \"a\"\nkeys = []",
  "[apps.anyone]\nsocket = \"a\"\nkeys = []",
  "[apps.a]\nsocket = \"a\"",
  "[apps.a]\nkeys = []",
  "[apps.a]\nkeys = []\nmatch = {}",
  "[apps.a]\nkeys = []\nmatch.user = \"a\"\nsocket-mode = \"0660\"",
  "[apps.a]\nkeys = []\nsocket = \"a/b\"".replace("a/b", "/run/"),
  app("socket-group = \"mail\""),
  app("socket-mode = 660"),
  app("socket-mode = \"1777\""),
  app("socket-mode = \"0400\""),
  app("socket-mode = \"0660\"", "socket-group = -1"),
  app("socket-mode = \"0660\"", "socket-group = 4294967295"),
  app("match.exee = \"/a\""),
  app("match.exe = \"a\""),
  app("match.exe = \"\""),
  app("match.unit = \"\""),
  app("match.unit = []"),
  app("match.unit = 7"),
  app("match.user = \"a*\""),
  app("match.user = 1.5"),
  app("with.\"*\".sign = \"ask\""),
  app("with.Alice.sign = \"ask\""),
  app("with.\"a@b.org\".keys = []"),
  app("with = []"),
  ...["", "Alice", "1234abcd", "@b.org", "Alice <a@b.org>", "grip:00", grip("A").slice(1)].map((text) =>
    `[anyone]\nkeys = ["${text}"]`
  ),
  "[anyone]\nkeys = [\"*\", \"a@b.org\"]",
  "[anyone]\nkeys = [\"a@b.org\", \"a@b.org\"]",
  "[anyone]\nkeys = \"*\"",
  "[anyone]\nsocket = \"a\"",
  "[anyone]\nmatch.user = \"a\"",
  "[limits]\nsessions = 0",
  "[limits]\nsessions = 1000001",
  "[limits]\nsessions = \"5\"",
  "[limits]\nwarm = 5",
  "[limits]\nwarm = \"5\"",
  "[limits]\nmemory = 5",
  "[gate]\nupstream = \"s\"",
  "[gate]\nhomedir = \"~/.gnupg\"",
  "[gate]\nsockets = \"s\"",
  "[gate]\nsockets = [\"s\", \"s\"]",
  "[gate]\nowners = \"alice\"",
  "[gate]\nowners = []",
  "[gate]\ncontrol-group = \"keys\"",
  "[gate]\nextra-socket = \"open\"",
  "[gate]\nssh-socket = \"gate\"",
  "[approve]\napprovers = [\"mail\"]",
  "[approve]\napprovers = [\"terminal\", \"terminal\"]",
  "[approve]\norder = \"both\"",
  "[approve]\ntimeout = 5",
  "[approve]\npinentry = \"p\"",
  "[upstreams.a]",
  "[upstreams.a]\nsocket = \"/s\"\ncommand = [\"a\"]",
  "[upstreams.a]\ncommand = []",
  "[upstreams.a]\nsocket = \"/s\"\ndefault = 1",
  "[upstreams.A]\nsocket = \"/s\""
]

describe("policySchema", () => {
  it("accepts what the reader accepts", () => {
    for (const text of good) {
      assert.isTrue(byReader(text), text)
      assert.isTrue(bySchema(text), text)
    }
  })

  it("refuses what is wrong in its structure, as the reader does", () => {
    for (const text of bad) {
      assert.isFalse(byReader(text), text)
      assert.isFalse(bySchema(text), text)
    }
  })

  it("describes every word that stands in a table", () => {
    const undescribed = (words: object) =>
      Object.entries(words).filter(([, word]) => word.description === undefined && word.$ref === undefined).map((
        [word]
      ) => word)
    const { anyone, apps, gate, limits } = schema.properties
    const { match } = apps.additionalProperties.properties
    for (const table of [schema, anyone, apps.additionalProperties, gate, limits, match]) {
      assert.deepStrictEqual(undescribed(table.properties), [])
    }
  })

  it("is plain data that survives JSON", () => {
    assert.deepStrictEqual<unknown>(schema, policySchema())
  })
})
