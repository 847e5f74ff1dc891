import { assert, describe, it } from "@effect/vitest"
import { policyOf, problemsOf } from "../read.ts"

describe("[upstreams.NAME]", () => {
  it("reads agents by socket and by command, in the order of the file", () => {
    const { upstreams } = policyOf(
      "[upstreams.hsm]",
      "socket = \"/run/hsm/agent\"",
      "[upstreams.build]",
      "command = [\"ssh\", \"-T\", \"build\", \"gripgate connect release\"]",
      "default = true"
    )
    assert.deepStrictEqual(upstreams.map(({ place: _, ...rest }) => rest), [
      { name: "hsm", socket: "/run/hsm/agent", command: undefined, isDefault: false },
      {
        name: "build",
        socket: undefined,
        command: ["ssh", "-T", "build", "gripgate connect release"],
        isDefault: true
      }
    ])
    assert.deepStrictEqual(policyOf("default = \"ask\"").upstreams, [])
  })

  it("has each mistake told, with where it is and what would be right", () => {
    const command = "command = [\"ssh\", \"host\", \"gripgate\", \"connect\", \"APP\"]"
    const socket = "socket = \"/run/agent/S.gpg-agent\""
    for (
      const [lines, ...problems] of [
        [["[upstreams.a]"], `1:12: [upstreams.a] says neither socket nor command\nhint: ${socket}`],
        [
          ["[upstreams.a]", "socket = \"/s\"", "command = [\"x\"]"],
          "3:1: [upstreams.a] has a socket already\nhint: leave one of the two out"
        ],
        [["[upstreams.a]", "socket = 7"], `2:10: expected a string, got a number\nhint: ${socket}`],
        [
          ["[upstreams.a]", `socket = "/${"x".repeat(107)}"`],
          "2:10: a socket's path has at most 107 bytes, this one has 108"
        ],
        [
          ["[upstreams.a]", "command = \"ssh host\""],
          `2:11: expected an array of strings, got a string\nhint: no shell reads it: ${command}`
        ],
        [["[upstreams.a]", "command = []"], `2:11: a command has 1 to 64 words, this one has 0\nhint: ${command}`],
        [["[upstreams.a]", "command = [\"\"]"], "2:12: the first word of a command names a program"],
        [
          ["[upstreams.a]", "command = [\"a\", 1, \"b\\u0000\"]"],
          `2:17: expected a string, got a number\nhint: ${command}`,
          "2:20: a word of a command has at most 4096 bytes of UTF-8 and no NUL"
        ],
        [
          ["[upstreams.a]", "socket = \"/s\"", "default = \"yes\""],
          "3:11: expected true or false, got a string\nhint: default = true"
        ],
        [
          ["[upstreams.\"A b\"]", "socket = \"/s\""],
          "1:12: \"A b\" is no name for an upstream\n"
          + "hint: a name begins with a-z or 0-9, goes on with a-z, 0-9, _ and -, and has at most 63 characters"
        ],
        [
          ["[upstreams.a]", "socket = \"/s\"", "default = true", "[upstreams.b]", "socket = \"/t\"", "default = true"],
          "4:12: \"a\" (line 1) is the default already\nhint: one agent answers for what names no key"
        ],
        [["upstreams = 1"], "1:13: expected a table, got a number\nhint: [upstreams.NAME]"],
        [
          ["command = [\"x\"]"],
          "1:1: command does not belong at the top of the file\nhint: command stands below [upstreams.NAME]"
        ]
      ] as const
    ) assert.deepStrictEqual(problemsOf(...lines), problems.map((problem) => `p.toml:${problem}`))
  })
})
