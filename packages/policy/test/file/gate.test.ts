import { assert, describe, it } from "@effect/vitest"
import { otherSockets } from "../../src/policy.ts"
import { policyOf, problemsOf } from "../read.ts"

describe("[gate]", () => {
  it("reads where the agent is and which sockets there are", () => {
    assert.deepStrictEqual(
      policyOf(
        "[gate]",
        "upstream = \"/run/agent\"",
        "homedir = \"/home/a b/.gnupg/\"",
        "sockets = [\"S.gpg-agent\", \"/run/s\"]"
      ).gate,
      {
        upstream: "/run/agent",
        homedir: "/home/a b/.gnupg/",
        sockets: ["S.gpg-agent", "/run/s"],
        access: { mode: 0o600 }
      }
    )
    assert.deepStrictEqual(policyOf("[gate]").gate, { access: { mode: 0o600 } })
    assert.deepStrictEqual(policyOf("[gate]", "sockets = []").gate, { sockets: [], access: { mode: 0o600 } })
    const shared = policyOf("[gate]", "socket-mode = \"0660\"", "socket-group = \"mail\"").gate
    assert.deepStrictEqual(shared, { access: { mode: 0o660, group: "mail" } })
    assert.deepStrictEqual(
      problemsOf("[gate]", "socket-group = \"mail\""),
      [
        "2:1: without socket-mode the group cannot connect\nhint: socket-mode = \"0660\""
      ].map((problem) => `p.toml:${problem}`)
    )
  })

  it("refuses everything else", () => {
    const absolute = "hint: an absolute path begins with \"/\""
    for (
      const [line, ...problems] of [
        ["upstream = \"agent\"", `2:12: expected an absolute path, got "agent"\n${absolute}`],
        ["upstream = \"\"", `2:12: expected an absolute path, got an empty string\n${absolute}`],
        [`upstream = "/${"x".repeat(107)}"`, "2:12: a socket's path has at most 107 bytes, this one has 108"],
        [
          "homedir = \"~/.gnupg\"",
          "2:11: expected an absolute path, got \"~/.gnupg\"\n"
          + "hint: nothing stands for a home directory here: write it out, from \"/\" on"
        ],
        [
          "homedir = \"/a\\u0000\"",
          "2:11: control characters and invalid UTF-8 have no place in a path: \"/a\\u{0}\""
        ],
        ["homedir = 7", "2:11: expected a string, got a number\nhint: homedir = \"/home/alice/.gnupg\""],
        ["sockets = \"s\"", "2:11: expected an array of strings, got a string\nhint: sockets = [\"s\"]"],
        ["sockets = 1", "2:11: expected an array of strings, got a number\nhint: sockets = [\"S.gpg-agent\"]"],
        [
          "sockets = [1, \"a/b\", \"s\", \"s\"]",
          "2:12: expected a string, got a number\nhint: sockets = [\"S.gpg-agent\"]",
          "2:15: \"a/b\" is neither a file name nor an absolute path\n"
          + "hint: a file name for a socket below the gate's run directory, or an absolute path",
          "2:27: the socket \"s\" is listed twice"
        ],
        [
          "upstraem = \"/a\"",
          "2:1: \"upstraem\" in [gate] is not known to this version of gripgate\nhint: did you mean \"upstream\"?"
        ],
        [
          "memory = 5",
          "2:1: \"memory\" in [gate] is not known to this version of gripgate\n"
          + "hint: known here are upstream, homedir, sockets, socket-mode, socket-group, owners, control-group, "
          + "extra-socket, browser-socket and ssh-socket"
        ],
        ["owners = \"alice\"", "2:10: expected an array of users, got a string\nhint: owners = [\"alice\"]"],
        ["owners = []", "2:10: owners names nobody\nhint: owners = [\"alice\"]"],
        [
          "owners = [\"a*\"]",
          "2:11: a user cannot be a pattern: \"a*\"\nhint: users go by name or by number, and a list may have several"
        ],
        [
          "control-group = \"keys\"",
          "2:1: control-group lets in nobody without owners\nhint: name those who may answer: owners = [\"alice\"]"
        ],
        [
          "extra-socket = \"gates\"",
          "2:16: expected \"gate\", \"close\" or \"leave\", got \"gates\"\nhint: did you mean \"gate\"?"
        ],
        ["browser-socket = true", "2:18: expected a string, got a boolean\nhint: browser-socket = \"close\""],
        // the gate does not speak the protocol of ssh-agent
        ["ssh-socket = \"gate\"", "2:14: expected \"close\" or \"leave\", got \"gate\""]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[gate]", line), problems.map((problem) => `p.toml:${problem}`))
    }
  })

  it("names those who may answer", () => {
    const { controlGroup, owners } = policyOf("[gate]", "owners = [\"alice\", 1000]", "control-group = \"keys\"").gate
    assert.deepStrictEqual(owners?.names, ["alice", "1000"])
    assert.strictEqual(controlGroup, "keys")
  })

  it("says what becomes of the agent's other sockets: ssh is left alone only where everything is allowed", () => {
    assert.deepStrictEqual(otherSockets(policyOf("[gate]")), { extra: "gate", browser: "gate", ssh: "leave" })
    for (const word of ["ask", "forbid"]) {
      assert.strictEqual(otherSockets(policyOf(`default = "${word}"`)).ssh, "close")
    }
    const named = policyOf(
      "default = \"forbid\"",
      "[gate]",
      "extra-socket = \"close\"",
      "browser-socket = \"leave\"",
      "ssh-socket = \"leave\""
    )
    assert.deepStrictEqual(otherSockets(named), { extra: "close", browser: "leave", ssh: "leave" })
  })

  it("cannot have a socket that an app owns, wherever the app stands", () => {
    const app = ["[apps.git]", "socket = \"git\"", "keys = []"]
    const problem = (line: number, of: number) =>
      `p.toml:${line}:17: the socket "git" is owned by "git" (line ${of})\nhint: whoever comes through the socket of an app is that app`
    assert.deepStrictEqual(problemsOf("[gate]", "sockets = [\"a\", \"git\"]", ...app), [problem(2, 3)])
    assert.deepStrictEqual(problemsOf(...app, "[gate]", "sockets = [\"a\", \"git\"]"), [problem(5, 1)])
  })
})
