import { assert, describe, it } from "@effect/vitest"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Policy } from "@gripgate/policy/policy"
import * as Result from "effect/Result"
import { deniedTo } from "../../src/control/owners.ts"

const policyOf = (...lines: ReadonlyArray<string>): Policy =>
  Result.getOrThrow(parsePolicy(["default = \"ask\"", ...lines].join("\n"), "p.toml"))
const app = (name: string, ...lines: ReadonlyArray<string>) => [`[apps.${name}]`, "keys = [\"*\"]", ...lines]

const GATE = 1000
/** `gripgate approve` from a shell of the gate's own user. */
const peer: ClientFacts = {
  socket: "/run/control",
  uid: GATE,
  gid: GATE,
  pid: 500,
  exe: "/usr/bin/node",
  program: "/usr/bin/node",
  cwd: "/home/alice",
  chain: [{ pid: 500, exe: "/usr/bin/node" }, { pid: 400, exe: "/usr/bin/bash" }]
}
const started = (by: string): ClientFacts => ({
  ...peer,
  chain: [...peer.chain.slice(0, 1), { pid: 450, exe: by }, ...peer.chain.slice(1)]
})
const why = (policy: Policy, facts: ClientFacts, own = {}): string | undefined =>
  deniedTo(policy, facts, GATE, own)?.error

describe("the control socket", () => {
  it("is for the gate's own user where no owners are named, and for them alone where they are", () => {
    assert.isUndefined(why(policyOf(), peer))
    assert.strictEqual(why(policyOf(), { ...peer, uid: 1001 }), "only an owner may, and you are the user 1001")
    assert.strictEqual(why(policyOf(), { ...peer, uid: 0 }), "only an owner may, and you are the user 0")
    const policy = policyOf()
    const owners = { names: ["alice"], numbers: [1001], place: { file: "p.toml", line: 1, column: 1 } }
    const named: Policy = { ...policy, gate: { ...policy.gate, owners } }
    assert.isUndefined(why(named, { ...peer, uid: 1001 }))
    assert.isDefined(why(named, peer))
    // names that were not looked up are nobody
    const { numbers: _, ...unknown } = owners
    assert.isUndefined(why({ ...policy, gate: { ...policy.gate, owners: unknown } }, peer))
  })

  it("is for nobody of whom the kernel does not tell the user", () => {
    const { uid: _, ...rest } = peer
    assert.strictEqual(why(policyOf(), rest), "it cannot be told who you are, so you may not")
  })

  it("is not for a process of an app, nor for what it started", () => {
    const policy = policyOf(...app("code", "match = { exe = \"/usr/bin/code\" }"))
    const no = "this is a process of the app code by [apps.code] match, and no app may answer for you"
    assert.isUndefined(why(policy, peer))
    assert.strictEqual(why(policy, { ...peer, exe: "/usr/bin/code", chain: [] }), no)
    assert.strictEqual(why(policy, started("/usr/bin/code")), no)
    const byProgram = policyOf(...app("code", "match = { program = \"/usr/bin/code\" }"))
    assert.strictEqual(why(byProgram, started("/usr/bin/code")), no)
    const byParent = policyOf(...app("code", "match = { parent = \"/usr/bin/code\" }"))
    assert.strictEqual(why(byParent, started("/usr/bin/code")), no)
  })

  it("is not for an app that owns a socket and comes in by this one", () => {
    const policy = policyOf(...app("code", "socket = \"code\"", "match = { exe = \"/usr/bin/code\" }"))
    assert.isDefined(why(policy, started("/usr/bin/code")))
    assert.isUndefined(why(policy, peer))
    // the owner's own user tells nothing apart
    assert.isUndefined(why(policyOf(...app("mail", "socket = \"mail\"", "match = { user = 1000 }")), peer))
  })

  it("is not for whoever hides what would tell that he is an app", () => {
    const policy = policyOf(...app("code", "match = { exe = \"/usr/bin/code\" }"))
    const { exe: _, ...rest } = peer
    assert.isDefined(why(policy, { ...rest, chain: [{ pid: 500 }], unread: ["exe", "program", "parent"] }))
  })

  it("is not for a sandbox, unless it is the gate's own", () => {
    assert.strictEqual(
      why(policyOf(), { ...peer, flatpak: "org.a.B" }),
      "this is a process in a sandbox (org.a.B), and none of these may answer for you"
    )
    assert.isDefined(why(policyOf(), { ...peer, snap: "code" }))
    assert.isDefined(why(policyOf(), { ...peer, container: "docker:1" }))
    assert.isDefined(why(policyOf(), { ...peer, container: "docker:1" }, { container: "docker:2" }))
    assert.isUndefined(why(policyOf(), { ...peer, container: "docker:1" }, { container: "docker:1" }))
  })
})
