import { assert, describe, it } from "@effect/vitest"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Policy } from "@gripgate/policy/policy"
import * as Result from "effect/Result"
import { deniedTo } from "../../src/control/owners.ts"
import type { ControlPeer } from "../../src/control/peer.ts"

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
const why = (policy: Policy, facts: ControlPeer, own = {}): string | undefined =>
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
    const may = "it cannot be told that this is no process of the app code, and no app may answer for you"
    assert.strictEqual(why(policy, { ...rest, chain: [{ pid: 500 }], unread: ["exe", "program", "parent"] }), may)
    const { cwd: __, ...homeless } = peer
    const byFolder = policyOf(...app("code", "match = { cwd = \"/srv/code\" }"))
    assert.strictEqual(why(byFolder, { ...homeless, unread: ["cwd"] }), may)
    // nor for one that has ended: it may have been any
    const ended: ClientFacts = { socket: "/run/control", uid: GATE, chain: [], unread: ["exe", "parent", "unit"] }
    for (const match of ["exe = \"/a\"", "parent = \"/a\"", "unit = \"a.service\""]) {
      assert.strictEqual(why(policyOf(...app("code", `match = { ${match} }`)), ended), may, match)
    }
    // what is known settles it all the same
    const both = policyOf(...app("code", "match = { exe = \"/usr/bin/code\", cwd = \"/srv\" }"))
    assert.isUndefined(why(both, { ...rest, chain: [{ pid: 500 }], unread: ["exe", "program", "parent"] }))
  })

  it("is for an owner below su, sudo or a shell that an upgrade has replaced, whose program is not shown", () => {
    const policy = policyOf(
      ...app("git", "match = { program = \"/usr/bin/git\" }"),
      ...app("code", "match = { exe = \"/usr/bin/code\" }"),
      ...app("mail", "match = { parent = \"/usr/bin/mail\" }")
    )
    const below = (exe = "/usr/bin/bash"): ControlPeer => ({
      ...peer,
      chain: [...peer.chain, { pid: 300 }, { pid: 200, exe }],
      parents: [
        { pid: 400, exe: "/usr/bin/bash" },
        { pid: 300 },
        { pid: 200, exe }
      ],
      unread: ["program", "parent"]
    })
    assert.isUndefined(why(policy, below()))
    // what stands above is looked at all the same
    assert.match(
      why(policy, below("/usr/bin/code")) ?? "",
      /is a process of the app code/
    )
    assert.match(
      why(policy, below("/usr/bin/mail")) ?? "",
      /is a process of the app mail/
    )
  })

  it("is not for what an app has started in a session of its own", () => {
    const policy = policyOf(...app("code", "match = { exe = \"/usr/bin/code\" }"))
    const alone = { ...peer, chain: peer.chain.slice(0, 1) }
    assert.isUndefined(why(policy, alone))
    const parents = [{ pid: 300, exe: "/usr/bin/code" }]
    assert.match(why(policy, { ...alone, parents }) ?? "", /is a process of the app code/)
  })

  it("is for an owner who is another user than the gate, whose processes it is not shown", () => {
    const owners = { names: ["bob"], numbers: [1001], place: { file: "p.toml", line: 1, column: 1 } }
    const denied = (match: string, facts: Partial<ClientFacts> = {}, gate = GATE) => {
      const policy = policyOf(...app("x", `match = { ${match} }`))
      const bob: ClientFacts = {
        socket: "/run/control",
        pid: 500,
        started: 9,
        uid: 1001,
        unit: "user@1001.service",
        chain: [{ pid: 500 }, { pid: 400 }],
        unread: ["exe", "cwd", "program", "parent"],
        ...facts
      }
      return deniedTo({ ...policy, gate: { ...policy.gate, owners } }, bob, gate, {})?.error
    }
    for (const fact of ["exe", "cwd", "program", "parent"]) assert.isUndefined(denied(`${fact} = "/usr/bin/git"`), fact)
    // what is shown is held against him, and decides where it does not hold
    assert.match(denied("exe = \"/usr/bin/git\", user = 1001") ?? "", /it cannot be told/)
    assert.match(denied("exe = \"/usr/bin/git\", unit = \"user@1001.service\"") ?? "", /it cannot be told/)
    assert.isUndefined(denied("exe = \"/usr/bin/git\", user = 1002"))
    assert.match(denied("user = 1001") ?? "", /is a process of the app x/)
    // what is shown to everybody is hidden by one that has ended
    const ended = { chain: [], unread: ["exe", "cwd", "program", "parent", "unit"] } as const
    assert.match(denied("unit = \"x.service\"", ended) ?? "", /it cannot be told/)
    assert.match(denied("unit = \"x.service\", exe = \"/usr/bin/x\"", ended) ?? "", /it cannot be told/)
    // root sees all, so there it hides
    for (const fact of ["exe", "cwd", "program"]) {
      assert.match(denied(`${fact} = "/usr/bin/git"`, {}, 0) ?? "", /it cannot be told/, fact)
    }
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
