import { assert, describe, it } from "@effect/vitest"
import { policyOf, problemsOf } from "../read.ts"

const app = ["[apps.git]", "keys = []"]

describe("socket-mode and socket-group", () => {
  it("are 0600 and no group where the file does not say", () => {
    const socket = { name: "git", place: { file: "p.toml", line: 3, column: 10 } }
    for (
      const [lines, rest] of [
        [[], { mode: 0o600 }],
        [["socket-mode = \"0600\""], { mode: 0o600 }],
        [["socket-mode = \"600\""], { mode: 0o600 }],
        [["socket-mode = \"0660\""], { mode: 0o660 }],
        [["socket-mode = \"0777\""], { mode: 0o777 }],
        [["socket-mode = \"0666\""], { mode: 0o666 }],
        [["socket-mode = \"0620\"", "socket-group = \"mail\""], { mode: 0o620, group: "mail" }],
        [["socket-mode = \"0660\"", "socket-group = 8"], { mode: 0o660, group: "8" }]
      ] as const
    ) {
      assert.deepStrictEqual(policyOf(...app, "socket = \"git\"", ...lines).apps.get("git")?.socket, {
        ...socket,
        ...rest
      })
    }
  })

  it("are refused where they mean nothing, or not what they seem to", () => {
    const modes = "hint: \"0600\" is the owner alone, \"0660\" also the group, \"0666\" everybody"
    for (
      const [line, problem] of [
        ["socket-mode = \"rw\"", `p.toml:4:15: expected octal digits, got "rw"\n${modes}`],
        ["socket-mode = \"\"", `p.toml:4:15: expected octal digits, got ""\n${modes}`],
        ["socket-mode = \"0o660\"", `p.toml:4:15: expected octal digits, got "0o660"\n${modes}`],
        ["socket-mode = \"0680\"", `p.toml:4:15: expected octal digits, got "0680"\n${modes}`],
        ["socket-mode = \"60\"", `p.toml:4:15: expected octal digits, got "60"\n${modes}`],
        ["socket-mode = \"1600\"", `p.toml:4:15: a socket has no permission bits beyond 0777: "1600"\n${modes}`],
        [
          "socket-mode = \"0400\"",
          `p.toml:4:15: the owner of a socket must be able to use it: "0400" lacks 0600\n${modes}`
        ],
        [
          "socket-mode = \"0066\"",
          `p.toml:4:15: the owner of a socket must be able to use it: "0066" lacks 0600\n${modes}`
        ],
        [
          "socket-mode = 0o660",
          "p.toml:4:15: expected a string of octal digits, got the number \"0o660\"\nhint: socket-mode = \"0660\""
        ],
        [
          "socket-mode = 600",
          "p.toml:4:15: expected a string of octal digits, got the number \"600\"\nhint: socket-mode = \"0600\""
        ],
        [
          "socket-mode = 999",
          "p.toml:4:15: expected a string of octal digits, got the number \"999\"\nhint: socket-mode = \"0660\""
        ],
        ["socket-mode = true", "p.toml:4:15: expected a string, got a boolean\nhint: socket-mode = \"0660\""],
        [
          "socket-group = \"mail\"",
          "p.toml:4:1: without socket-mode the group cannot connect\nhint: socket-mode = \"0660\""
        ],
        [
          "socket-group = \"m*\"\nsocket-mode = \"0660\"",
          "p.toml:4:16: a group cannot be a pattern: \"m*\"\n"
          + "hint: groups go by name or by number, and a list may have several"
        ],
        [
          "socket-group = -1\nsocket-mode = \"0660\"",
          "p.toml:4:16: the number of a group is 0 to 4294967294, got \"-1\""
        ],
        [
          "socket-group = []\nsocket-mode = \"0660\"",
          "p.toml:4:16: expected a string or a whole number, got an array\nhint: socket-group = \"mail\""
        ],
        [
          "socket-group = 8\nsocket-mode = \"0640\"",
          "p.toml:4:1: with socket-mode = \"0640\" the group cannot connect\nhint: socket-mode = \"0660\""
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(...app, "socket = \"git\"", line), [problem])
    }
  })

  it("need a socket", () => {
    const hint = "hint: give the app one of its own: socket = \"NAME\""
    assert.deepStrictEqual(
      problemsOf(...app, "match.user = \"git\"", "socket-mode = \"0660\"", "socket-group = \"mail\""),
      [
        `p.toml:4:1: socket-mode means nothing without a socket\n${hint}`,
        `p.toml:5:1: socket-group means nothing without a socket\n${hint}`
      ]
    )
  })

  it("are for apps only", () => {
    const hint = "hint: only an app has one: anyone is whoever comes through a socket that no app owns"
    assert.deepStrictEqual(problemsOf("[anyone]", "socket-mode = \"0660\""), [
      `p.toml:2:1: [anyone] cannot own a socket\n${hint}`
    ])
  })
})
