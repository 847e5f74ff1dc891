import { assert, describe, it } from "@effect/vitest"
import { factNames } from "@gripgate/policy/client/match"
import { policyOf, problemsOf } from "../read.ts"

const matchOf = (...lines: ReadonlyArray<string>) =>
  policyOf("[apps.git]", "keys = []", ...lines).apps.get("git")?.match

describe("match", () => {
  it("reads facts with one value or several, and where they stand", () => {
    const at = (column: number) => ({ file: "p.toml", line: 3, column })
    assert.deepStrictEqual<unknown>(
      matchOf("match = { exe = \"/usr/bin/git\", user = [\"git\", 1000], group = 0x10 }"),
      {
        place: at(1),
        conditions: [
          { fact: "exe", values: ["/usr/bin/git"], place: at(11) },
          { fact: "user", values: ["git", "1000"], place: at(33) },
          { fact: "group", values: ["16"], place: at(55) }
        ]
      }
    )
  })

  it("knows every fact, in an inline table, in a table of its own and with dots", () => {
    for (const fact of factNames) {
      for (
        const lines of [
          [`match = { ${fact} = "/a" }`],
          ["[apps.git.match]", `${fact} = "/a"`],
          [`match.${fact} = ["/a"]`]
        ]
      ) {
        const conditions = matchOf(...lines)?.conditions
        assert.deepStrictEqual(conditions?.map((one) => [one.fact, one.values]), [[fact, ["/a"]]])
      }
    }
  })

  it("takes paths that begin with a slash or a star, and other facts as they are", () => {
    for (
      const [fact, value] of [
        ["exe", "/usr/bin/*"],
        ["program", "**/git"],
        ["parent", "*"],
        ["cwd", "/"],
        ["cmdline", "git commit *"],
        ["label", " unconfined"],
        ["cgroup", "user.slice/?"]
      ] as const
    ) {
      assert.deepStrictEqual(matchOf(`match = { ${fact} = "${value}" }`)?.conditions[0]?.values, [value])
    }
  })

  it("refuses what no client can show, at its place", () => {
    for (
      const [line, ...problems] of [
        [
          "match = {}",
          "p.toml:3:9: the match of [apps.git] has no condition, and would take everybody\nhint: match = { exe = \"/usr/bin/gpg\" }"
        ],
        ["match = \"git\"", "p.toml:3:9: expected a table, got a string\nhint: match = { exe = \"/usr/bin/gpg\" }"],
        ["match = { exee = \"/a\" }", "p.toml:3:11: \"exee\" is no fact of a client\nhint: did you mean \"exe\"?"],
        ["match = { usre = \"a\" }", "p.toml:3:11: \"usre\" is no fact of a client\nhint: did you mean \"user\"?"],
        [
          "match = { colour = \"a\" }",
          `p.toml:3:11: "colour" is no fact of a client\nhint: facts are ${factNames.slice(0, -1).join(", ")} and ${
            factNames.at(-1)
          }`
        ],
        [
          "match = { exe = \"\" }",
          "p.toml:3:17: expected a value for exe, got an empty string\nhint: exe = \"/usr/bin/gpg\""
        ],
        [
          "match = { unit = [\"a.service\", \"\"] }",
          "p.toml:3:32: expected a value for unit, got an empty string\nhint: unit = \"mailpile.service\""
        ],
        [
          "match = { unit = [] }",
          "p.toml:3:18: expected at least one value for unit, got an empty array\nhint: unit = \"mailpile.service\""
        ],
        ["match = { unit = 7 }", "p.toml:3:18: expected a string, got a number\nhint: unit = \"mailpile.service\""],
        ["match = { cwd = true }", "p.toml:3:17: expected a string, got a boolean\nhint: cwd = \"/home/alice/src/**\""],
        [
          "match = { exe = [[\"/a\"], 1.5] }",
          "p.toml:3:18: expected a string, got an array\nhint: exe = \"/usr/bin/gpg\"",
          "p.toml:3:26: expected a string, got a number\nhint: exe = \"/usr/bin/gpg\""
        ],
        [
          "match.exe.path = \"/a\"",
          "p.toml:3:7: expected a string, got a table\nhint: exe = \"/usr/bin/gpg\""
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[apps.git]", "keys = []", line), problems)
    }
  })

  it("refuses a path that is not absolute, with what would be", () => {
    for (
      const [fact, value, tail] of [
        ["exe", "git", "git"],
        ["program", "./git", "git"],
        ["parent", "../bin/git", "bin/git"],
        ["cwd", "~/src", "src"],
        ["cwd", "?/src", "?/src"]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[apps.git]", "keys = []", `match.${fact} = "${value}"`), [
        `p.toml:3:${fact.length + 10}: "${value}" is not an absolute path, so no ${fact} is ever that\n`
        + `hint: a path begins with "/" or with "*": ${fact} = "**/${tail}" is "${tail}" in any folder`
      ])
    }
  })

  it("is for apps only", () => {
    assert.deepStrictEqual(problemsOf("[anyone]", "match = { user = \"a\" }"), [
      "p.toml:2:1: [anyone] cannot have a match\nhint: anyone is whoever is none of the apps"
    ])
  })
})
