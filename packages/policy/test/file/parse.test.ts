import { assert, describe, it } from "@effect/vitest"
import { MAX_POLICY_BYTES, parsePolicy } from "@gripgate/policy/file/parse"
import { type Policy, standardApprove } from "@gripgate/policy/policy"
import * as Result from "effect/Result"
import { grip, policyOf, problemsOf } from "../read.ts"

describe("parsePolicy: what a policy becomes", () => {
  it("reads the default, the tables and their places", () => {
    const policy = policyOf(
      "default = \"ask\" # for what nothing names",
      "",
      "[operations]",
      "export = \"forbid\"",
      "[apps.git]",
      "socket = \"git\"",
      "keys = [",
      `  "grip:${grip("a").toLowerCase()}",`,
      `  "grip:${grip("0")}"`,
      "]",
      "  sign = \"token\"",
      "[anyone]",
      "keys = [\"*\"]"
    )
    const at = (line: number, column: number) => ({ file: "p.toml", line, column })
    const expected: Policy = {
      file: "p.toml",
      default: { verdict: "ask", place: at(1, 1), text: "default = \"ask\"" },
      operations: new Map([["export", {
        verdict: "forbid",
        place: at(4, 1),
        text: "[operations] export = \"forbid\""
      }]]),
      apps: new Map([["git", {
        name: "git",
        place: at(5, 7),
        socket: { name: "git", place: at(6, 10), mode: 0o600 },
        selectors: [
          { text: `grip:${grip("a").toLowerCase()}`, place: at(8, 3), wanted: { kind: "grip", keygrip: grip("A") } },
          { text: `grip:${grip("0")}`, place: at(9, 3), wanted: { kind: "grip", keygrip: grip("0") } }
        ],
        keys: new Set([grip("A"), grip("0")]),
        keysPlace: at(7, 1),
        operations: new Map([["sign", { verdict: "token", place: at(11, 3), text: "[apps.git] sign = \"token\"" }]]),
        with: [],
        byKey: new Map()
      }]]),
      anyone: {
        name: "anyone",
        place: at(12, 2),
        selectors: [{ text: "*", place: at(13, 9), wanted: { kind: "all" } }],
        keys: "all",
        keysPlace: at(13, 1),
        operations: new Map(),
        with: [],
        byKey: new Map()
      },
      limits: new Map(),
      gate: { access: { mode: 0o600 } },
      approve: standardApprove,
      upstreams: []
    }
    assert.deepStrictEqual(policy, expected)
  })

  it("takes headers, dotted keys and inline tables for the same", () => {
    const plain = (lines: ReadonlyArray<string>) => {
      const policy = policyOf(...lines)
      const app = policy.apps.get("git")!
      const entries = [...app.operations].map(([operation, { text }]) => [operation, text])
      return {
        app: [app.name, app.socket?.name, app.keys],
        entries,
        anyone: policy.anyone?.operations.get("sign")?.verdict
      }
    }
    const expected = {
      app: ["git", "git", "all"],
      entries: [["sign", "[apps.git] sign = \"ask\""]],
      anyone: "forbid"
    }
    for (
      const lines of [
        ["[apps.git]", "socket = 'git'", "keys = ['*']", "sign = 'ask'", "[anyone]", "sign = 'forbid'"],
        [
          "apps.git.socket = \"git\"",
          "apps.\"git\".keys = [\"*\"]",
          "apps.git.sign = \"ask\"",
          "anyone.sign = \"forbid\""
        ],
        ["[apps]", "git = { socket = \"git\", keys = [\"*\"], sign = \"ask\" }", "[anyone]", "sign = \"forbid\""],
        ["anyone = { sign = \"forbid\" }", "apps = { git.socket = \"git\", git.keys = [\"*\"], git.sign = \"ask\" }"],
        ["[anyone]", "sign = \"forbid\"", "[apps]", "git.socket = \"git\"", "git.keys = [\"*\"]", "git.sign = \"ask\""]
      ]
    ) {
      assert.deepStrictEqual<unknown>(plain(lines), expected, lines.join(" "))
    }
  })

  it("is the built-in policy's default without one, at no place", () => {
    for (const text of ["", "# nothing\n", "\r\n", "[operations]\n"]) {
      assert.deepStrictEqual(policyOf(text).default, { verdict: "allow", text: "default = \"allow\"" })
    }
  })

  it("reads a file with CR LF at the ends of its lines", () => {
    assert.strictEqual(policyOf("default = \"ask\"\r\n[operations]\r\nsign = \"token\"\r\n").operations.size, 1)
  })
})

describe("parsePolicy: problems", () => {
  it("tells all of them at once, in the order of the file, each at its line and column", () => {
    const problems = problemsOf(
      "defualt = \"ask\"",
      "sign = \"ask\"",
      "[operations]",
      "exprot = \"forbid\"",
      "export = \"deny\"",
      "  list   = 3",
      "default = \"ask\"",
      "[apps.git]",
      "keys = [\"grip:00\", \"*\", 7]",
      "sgin = \"ask\"",
      "decrypt = \"alow\"",
      "[apps.Mail]",
      "socket = \"mail\"",
      "keys = \"*\"",
      "[apps.anyone]",
      "socket = \"mail\"",
      "keys = []",
      "[anyone]",
      "socket = \"x\"",
      "[gate]",
      "ownres = [\"alice\"]"
    )
    assert.deepStrictEqual(problems.map((problem) => problem.split("\n")[0]), [
      "p.toml:1:1: \"defualt\" is not known to this version of gripgate",
      "p.toml:2:1: sign does not belong at the top of the file",
      "p.toml:4:1: \"exprot\" in [operations] is not known to this version of gripgate",
      "p.toml:5:10: expected \"allow\", \"ask\", \"token\" or \"forbid\", got \"deny\"",
      "p.toml:6:12: expected a string, got a number",
      "p.toml:7:1: default does not belong in [operations]",
      "p.toml:8:7: nobody can be this app: [apps.git] has no match and no socket",
      "p.toml:9:9: expected \"grip:\" and 40 hexadecimal digits, got \"grip:00\"",
      "p.toml:9:20: \"*\" stands for every key: list it alone",
      "p.toml:9:25: expected a string, got a number",
      "p.toml:10:1: \"sgin\" in [apps.git] is not known to this version of gripgate",
      "p.toml:11:11: expected \"allow\", \"ask\", \"token\" or \"forbid\", got \"alow\"",
      "p.toml:12:7: \"Mail\" is no name for an app",
      "p.toml:14:8: expected an array of strings, got a string",
      "p.toml:15:7: an app cannot be called anyone",
      "p.toml:16:10: the socket \"mail\" is owned by \"Mail\" (line 12) already",
      "p.toml:19:1: [anyone] cannot own a socket",
      "p.toml:21:1: \"ownres\" in [gate] is not known to this version of gripgate"
    ])
  })

  it("suggests the word that was meant", () => {
    const hint = (...lines: ReadonlyArray<string>) => problemsOf(...lines)[0]!.split("\n")[1]
    assert.strictEqual(hint("defualt = \"ask\""), "hint: did you mean \"default\"?")
    assert.strictEqual(hint("[operation]"), "hint: did you mean \"operations\"?")
    assert.strictEqual(hint("[app.git]"), "hint: did you mean \"apps\"?")
    assert.strictEqual(hint("[anyon]"), "hint: did you mean \"anyone\"?")
    assert.strictEqual(hint("default = \"Allow\""), "hint: did you mean \"allow\"?")
    assert.strictEqual(hint("[operations]", "sign = \"forbit\""), "hint: did you mean \"forbid\"?")
    assert.strictEqual(hint("[operations]", "decrpyt = \"ask\""), "hint: did you mean \"decrypt\"?")
    assert.strictEqual(hint("[anyone]", "key = []"), "hint: did you mean \"keys\"?")
    assert.strictEqual(hint("[anyone]", "keys = []", "Certify = \"ask\""), "hint: did you mean \"certify\"?")
    assert.strictEqual(
      hint("[apps.git]", "sockt = \"git\"", "keys = []", "socket = \"x\""),
      "hint: did you mean \"socket\"?"
    )
  })

  it("suggests nothing where nothing is near, and says what is known", () => {
    const [top] = problemsOf("[widgets]")
    assert.strictEqual(
      top!.split("\n")[1],
      "hint: known here are default, [operations], [apps.NAME], [anyone], [limits], [gate], [approve] and [upstreams.NAME]"
    )
    const [below] = problemsOf("[anyone]", "limit = \"3/hour\"")
    assert.match(below!, /\nhint: known here are keys and the operations: list, sign, .*, admin$/)
    assert.strictEqual(problemsOf("[operations]", "sign = \"never\"")[0]!.split("\n").length, 1)
  })

  it("refuses by name whatever a later version may know", () => {
    const app = ["[apps.git]", "socket = \"git\"", "keys = [\"*\"]"]
    const known = "is not known to this version of gripgate"
    for (
      const [lines, message] of [
        [["token-file = \"x\""], `p.toml:4:1: "token-file" in [apps.git] ${known}`],
        [["[upstreams.a]", "socket = \"/s\"", "via = \"ssh\""], `p.toml:6:1: "via" in [upstreams.a] ${known}`],
        [["[journals.a]", "[journals.b]"], `p.toml:4:2: "journals" ${known}`],
        [["[approve]", "push = \"https://\""], `p.toml:5:1: "push" in [approve] ${known}`],
        [["[gate]", "memory = \"1\""], `p.toml:5:1: "memory" in [gate] ${known}`],
        [["[apps.git.sign]", "verdict = \"ask\"", "from = \"9h\""], `p.toml:6:1: "from" in [apps.git] sign ${known}`]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(...app, ...lines).map((problem) => problem.split("\n")[0]), [message])
    }
  })

  it("says in which table a setting belongs that stands at the top", () => {
    for (
      const [line, hint] of [
        ["sign = \"ask\"", "operations stand below [operations], [apps.NAME] or [anyone]"],
        ["keys = []", "keys stands below [apps.NAME]"],
        ["match = {}", "match stands below [apps.NAME]"],
        ["socket-mode = \"0660\"", "socket-mode stands below [apps.NAME]"],
        ["upstream = \"/s\"", "upstream stands below [gate]"],
        ["sockets = []", "sockets stands below [gate]"],
        ["sessions = 5", "sessions stands below [limits]"],
        ["take-reply = \"5s\"", "take-reply stands below [limits]"]
      ] as const
    ) {
      const word = line.split(" ")[0]
      assert.deepStrictEqual(problemsOf(line), [
        `p.toml:1:1: ${word} does not belong at the top of the file\nhint: ${hint}`
      ])
    }
  })

  it("says what was expected and what came, for every kind of value", () => {
    const kinds = {
      "7": "a number",
      "0x1F": "a number",
      "-1.5e3": "a number",
      "inf": "a number",
      "true": "a boolean",
      "1979-05-27": "a date or time",
      "07:32:00": "a date or time",
      "1979-05-27T07:32:00Z": "a date or time",
      "[\"ask\"]": "an array"
    }
    for (const [value, kind] of Object.entries(kinds)) {
      assert.match(problemsOf(`default = ${value}`)[0]!, new RegExp(`^p.toml:1:11: expected a string, got ${kind}\n`))
      assert.match(
        problemsOf("[operations]", `sign = ${value}`)[0]!,
        new RegExp(`^p.toml:2:8: expected a string, got ${kind}\n`)
      )
      for (const table of ["operations", "apps", "anyone", "limits", "gate", "apps.git"]) {
        const [problem] = problemsOf(`${table} = ${value}`)
        assert.match(problem!, new RegExp(`^p.toml:1:${table.length + 4}: expected a table, got ${kind}\n`))
      }
    }
    assert.match(problemsOf("default = {}")[0]!, /^p.toml:1:11: expected a string, got a table\n/)
    for (const table of ["operations", "apps", "anyone", "limits", "gate", "apps.git"]) {
      const column = table === "apps.git" ? 8 : 3
      const [problem, ...more] = problemsOf(`[[${table}]]`, "sign = \"ask\"", `[[${table}]]`)
      assert.match(problem!, new RegExp(`^p.toml:1:${column}: expected a table, got an array of tables\n`))
      assert.deepStrictEqual(more, [])
    }
    assert.strictEqual(problemsOf("[[apps]]", "[apps.git]", "sign = \"ask\"").length, 1)
  })

  it("refuses token as a default and says where it belongs", () => {
    assert.deepStrictEqual(problemsOf("default = \"token\""), [
      "p.toml:1:11: default cannot be \"token\"\nhint: a token belongs to one app: give it to single operations below [apps.NAME]"
    ])
  })

  it("asks for keys, and for a socket or a match, in every app", () => {
    assert.deepStrictEqual(problemsOf("[apps.git]", "sign = \"ask\""), [
      "p.toml:1:7: [apps.git] does not say which keys exist for it\nhint: keys = [\"*\"] stands for every key, keys = [] for none",
      "p.toml:1:7: nobody can be this app: [apps.git] has no match and no socket\n"
      + "hint: say what it is known by, match = { exe = \"/usr/bin/git\" }, or give it a socket = \"NAME\""
    ])
    assert.isUndefined(policyOf("[apps.git]", "keys = []", "match.user = \"git\"").apps.get("git")?.socket)
  })

  it("refuses one socket for two apps, and allows two", () => {
    const app = (name: string, socket: string) => [`[apps.${name}]`, `socket = "${socket}"`, "keys = []"]
    for (const socket of ["git", "/run/git"]) {
      assert.deepStrictEqual(
        problemsOf(...app("a", socket), ...app("b", socket), ...app("c", "c"), ...app("d", socket)),
        [
          `p.toml:5:10: the socket "${socket}" is owned by "a" (line 1) already\nhint: whoever comes through a socket can be only one app`,
          `p.toml:11:10: the socket "${socket}" is owned by "a" (line 1) already\nhint: whoever comes through a socket can be only one app`
        ]
      )
    }
    assert.strictEqual(policyOf(...app("a", "git"), ...app("b", "/run/git")).apps.size, 2)
  })

  it("knows what an app may be called", () => {
    const named = (name: string) => [`[apps.'${name}']`, "socket = \"s\"", "keys = []"]
    for (const name of ["a", "0", "git", "a-b_c", "x".repeat(63)]) {
      assert.isTrue(policyOf(...named(name)).apps.has(name))
    }
    for (const name of ["", "-a", "_a", "Git", "a.b", "a b", "a/b", "\u00e9", "x".repeat(64), "../a", "a\t"]) {
      assert.match(problemsOf(...named(name))[0]!, /^p.toml:1:7: ".*" is no name for an app\n/)
    }
  })

  it("repeats nothing of the file that could harm a terminal or fill it", () => {
    const [evil] = problemsOf("\"\\u001b[31m\\u202e\\u200b\\n\" = 1")
    assert.strictEqual(
      evil!.split("\n")[0],
      "p.toml:1:1: \"\\u{1b}[31m\\u{202e}\\u{200b}\\u{a}\" is not known to this version of gripgate"
    )
    const [long] = problemsOf(`default = "${"x".repeat(100_000)}"`)
    assert.strictEqual(long, `p.toml:1:11: expected "allow", "ask" or "forbid", got "${"x".repeat(60)}..."`)
  })
})

describe("parsePolicy: limits", () => {
  it("reads a file of 1 MiB and refuses one byte more, counted in UTF-8", () => {
    const filled = (bytes: number) => `# ${"\u00e9".repeat((bytes - 2) / 2)}`
    assert.isTrue(Result.isSuccess(parsePolicy(filled(MAX_POLICY_BYTES), "p.toml")))
    for (const text of [`${filled(MAX_POLICY_BYTES)}\n`, "\n".repeat(MAX_POLICY_BYTES + 1)]) {
      assert.deepStrictEqual(problemsOf(text), ["p.toml:1:1: the policy is larger than 1 MiB (1048576 bytes)"])
    }
  })

  it("reads 10,000 apps with a key and an entry each", () => {
    const app = (i: number) =>
      `[apps.a${i}]\nmatch.user=${i}\nkeys=["grip:${i.toString(16).padStart(40, "0")}"]\nsign="ask"\n`
    const policy = policyOf(Array.from({ length: 10_000 }, (_, i) => app(i)).join(""))
    assert.strictEqual(policy.apps.size, 10_000)
    assert.deepStrictEqual(policy.apps.get("a9999")?.match?.conditions[0]?.values, ["9999"])
  })

  it("refuses arrays of 100,000 wrong values, each of them", () => {
    const many = Array.from({ length: 100_000 }, () => "\"\"").join(",")
    for (const setting of ["keys = [", "match.exe = [", "match.user = ["]) {
      const wrong = problemsOf(
        "[apps.a]",
        ...setting.startsWith("keys") ? ["socket = \"a\""] : ["keys = []"],
        `${setting}${many}]`
      )
      assert.strictEqual(wrong.length, 100_000)
    }
    assert.strictEqual(problemsOf("[gate]", `sockets = [${many}]`).length, 100_000)
  })
})
