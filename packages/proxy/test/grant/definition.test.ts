import { assert, describe, it } from "@effect/vitest"
import { resolveAccounts } from "@gripgate/policy/client/accounts"
import { parsePolicy } from "@gripgate/policy/file/parse"
import * as Result from "effect/Result"
import { definitionOf } from "../../src/grant/definition.ts"

const of = (...lines: ReadonlyArray<string>): string => {
  const text = ["[apps.git]", "keys = []", ...lines].join("\n")
  const policy = Result.getOrThrow(parsePolicy(text, "p.toml"))
  return definitionOf(resolveAccounts(policy, { uid: () => 1001, gid: () => 7 }).policy, "git")!
}

describe("what an app is", () => {
  it("does not change with what it may do, nor with how that is written", () => {
    const match = "match = { user = \"alice\", exe = [\"/usr/bin/git\", \"/usr/bin/gpg\"] }"
    const one = of("socket = \"git\"", match)
    assert.match(one, /^[0-9a-f]{32}$/)
    assert.strictEqual(of(match, "socket = \"git\"", "sign = \"ask\""), one)
    assert.strictEqual(
      of("match = { exe = [\"/usr/bin/gpg\", \"/usr/bin/git\"], user = 1001 }", "socket = \"git\""),
      one
    )
  })

  it("changes with its match, its socket, and who may connect to that", () => {
    const all = [
      of("socket = \"git\""),
      of("socket = \"/run/git\""),
      of("socket = \"git\"", "socket-mode = \"0660\""),
      of("socket = \"git\"", "socket-mode = \"0660\"", "socket-group = \"mail\""),
      of("match = { exe = \"/usr/bin/git\" }"),
      of("match = { exe = \"/usr/bin/gpg\" }"),
      of("match = { program = \"/usr/bin/git\" }"),
      of("match = { exe = \"/usr/bin/git\", user = 1000 }"),
      of("match = { exe = \"/usr/bin/git\" }", "socket = \"git\"")
    ]
    assert.strictEqual(new Set(all).size, all.length)
  })

  it("is nothing for an app that the policy does not have", () => {
    assert.isUndefined(definitionOf(Result.getOrThrow(parsePolicy("", "p.toml")), "git"))
  })
})
