import { assert, describe, it } from "@effect/vitest"
import { socketProblem } from "@gripgate/policy/file/socket"
import { policyOf, problemsOf } from "../read.ts"

describe("socket", () => {
  it("takes a file name or an absolute path, of up to 107 bytes", () => {
    for (
      const name of [
        "git",
        "S.gpg-agent",
        ".hidden",
        "a b",
        "a..b",
        "\u00e9",
        "/run/user/1000/git",
        "/s",
        "x".repeat(107),
        `/${"x".repeat(106)}`
      ]
    ) {
      assert.isUndefined(socketProblem(name), name)
      assert.strictEqual(policyOf("[apps.git]", `socket = "${name}"`, "keys = []").apps.get("git")?.socket?.name, name)
    }
  })

  it("refuses every other name", () => {
    for (
      const [name, message] of [
        ["", "expected a socket, got an empty string"],
        ["a/b", "\"a/b\" is neither a file name nor an absolute path"],
        ["./a", "\"./a\" is neither a file name nor an absolute path"],
        ["../a", "\"../a\" is neither a file name nor an absolute path"],
        ["~/a", "\"~/a\" is neither a file name nor an absolute path"],
        [".", "\".\" is not the plain spelling of a socket"],
        ["..", "\"..\" is not the plain spelling of a socket"],
        ["/", "\"/\" is not the plain spelling of a socket"],
        ["/run/", "\"/run/\" is not the plain spelling of a socket"],
        ["//run/a", "\"//run/a\" is not the plain spelling of a socket"],
        ["/run//a", "\"/run//a\" is not the plain spelling of a socket"],
        ["/run/./a", "\"/run/./a\" is not the plain spelling of a socket"],
        ["/run/../a", "\"/run/../a\" is not the plain spelling of a socket"],
        ["x".repeat(108), "a socket's path has at most 107 bytes, this one has 108"],
        ["\u00e9".repeat(54), "a socket's path has at most 107 bytes, this one has 108"],
        ["a\u0000", "control characters and invalid UTF-8 have no place in a socket's name: \"a\\u{0}\""],
        ["a\n", "control characters and invalid UTF-8 have no place in a socket's name: \"a\\u{a}\""],
        ["\u0085", "control characters and invalid UTF-8 have no place in a socket's name: \"\\u{85}\""],
        ["a\ud800", "control characters and invalid UTF-8 have no place in a socket's name: \"a\\u{d800}\""],
        ["a\ufffd", "control characters and invalid UTF-8 have no place in a socket's name: \"a\ufffd\""]
      ] as const
    ) {
      assert.strictEqual(socketProblem(name)?.message, message)
    }
  })

  it("is told at the place of the value", () => {
    assert.deepStrictEqual(problemsOf("[apps.git]", "socket = \"a/b\"", "keys = []"), [
      "p.toml:2:10: \"a/b\" is neither a file name nor an absolute path\n"
      + "hint: a file name for a socket below the gate's run directory, or an absolute path"
    ])
    assert.deepStrictEqual(problemsOf("[apps.git]", "socket = 7", "keys = []"), [
      "p.toml:2:10: expected a string, got a number\nhint: socket = \"NAME\""
    ])
  })
})
