import { assert, describe, it } from "@effect/vitest"
import { describeClient, describeIdentity } from "@gripgate/policy/client/describe"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { candidates, identify, type Surroundings } from "@gripgate/policy/client/identify"
import { lint } from "@gripgate/policy/lint/lint"
import { policyOf } from "../read.ts"

const around: Surroundings = { gateUid: 1000, owner: undefined, owners: new Set(["mail"]) }

const policy = policyOf(
  "default = \"ask\"",
  "[apps.build]",
  "keys = []",
  "match = { via = \"ssh\", remote = [\"192.0.2.7\", \"SHA256:ab/cd@*\"] }",
  "[apps.work]",
  "keys = []",
  "match = { qube = \"work\" }",
  "[apps.vault]",
  "keys = []",
  "match = { qube = [\"work\", \"bank\"], via = \"qrexec\" }",
  "socket = \"vault\"",
  "[apps.bank]",
  "keys = []",
  "match = { qube = \"bank\" }",
  "[apps.mail]",
  "keys = []",
  "socket = \"mail\"",
  "[apps.git]",
  "keys = []",
  "match = { exe = \"/usr/bin/gpg\" }",
  "[apps.alice]",
  "keys = []",
  "match = { user = 1000 }",
  "[apps.two]",
  "keys = []",
  "match = { qube = \"both\" }",
  "[apps.second]",
  "keys = []",
  "match = { qube = \"both\" }"
)

const who = (far: Partial<ClientFacts>): string => {
  const identity = identify(policy, { socket: "/run/connect", chain: [], uid: 1000, gid: 1000, ...far }, around)
  if (identity.kind === "app") return `${identity.app} by ${identity.rank}`
  return identity.kind === "anyone" ? "anyone" : `nobody (${identity.why}): ${identity.apps.join(" ")}`
}

describe("a client of a transport", () => {
  const cases: ReadonlyArray<readonly [string, Partial<ClientFacts>, string]> = [
    ["is the app that is named", { via: "ssh", named: "build", remote: "192.0.2.7" }, "build by transport"],
    ["by the key that it showed", { via: "ssh", named: "build", remote: "SHA256:ab/cd@::1" }, "build by transport"],
    ["is nobody from elsewhere", { via: "ssh", named: "build", remote: "192.0.2.70" }, "nobody (transport): build"],
    ["is nobody without what the match names", { via: "ssh", named: "build" }, "nobody (transport): build"],
    ["is nobody over another transport", { via: "connect", named: "build" }, "nobody (transport): build"],
    ["is nobody as an app that there is not", { via: "ssh", named: "none" }, "nobody (transport): none"],
    ["is an app that has no match but a socket", { via: "connect", named: "mail" }, "mail by transport"],
    ["is no program of this machine", { via: "ssh", named: "git" }, "nobody (transport): git"],
    ["is of the user that brings it", { via: "ssh", named: "alice" }, "alice by transport"],
    ["is the app of its qube by name", { via: "qrexec", named: "work", qube: "work" }, "work by transport"],
    ["is one with a socket by name", { via: "qrexec", named: "vault", qube: "bank" }, "vault by transport"],
    [
      "is nobody by the name of another qube's",
      { via: "qrexec", named: "bank", qube: "work" },
      "nobody (transport): bank"
    ],
    [
      "is nobody by the name of an app without a qube",
      { via: "qrexec", named: "mail", qube: "work" },
      "nobody (transport): mail"
    ],
    ["is the one app of its qube without a name", { via: "qrexec", qube: "bank" }, "bank by transport"],
    ["is nobody where two have its qube", { via: "qrexec", qube: "both" }, "nobody (several): second two"],
    ["is nobody where ssh names no app", { via: "ssh", remote: "192.0.2.7" }, "nobody (transport): "],
    ["is anyone from a qube of no app, whoever brings it", { via: "qrexec", qube: "untrusted" }, "anyone"]
  ]
  it.each(cases)("%s", (_, far, expected) => assert.strictEqual(who(far), expected))

  it("does not become another by the socket that it came through", () => {
    const facts: ClientFacts = { socket: "/run/mail", chain: [], via: "ssh", named: "build", remote: "192.0.2.8" }
    assert.strictEqual(identify(policy, facts, { ...around, owner: "mail" }).kind, "nobody")
  })

  it("is told apart from every process that connects by itself, whatever that hides", () => {
    const local: ClientFacts = { socket: "/run/S.gpg-agent", chain: [], uid: 1001, qube: "work", remote: "192.0.2.7" }
    assert.deepStrictEqual(identify(policyOf("[apps.x]", "keys = []", "match = { via = \"ssh\" }"), local, around), {
      kind: "anyone"
    })
    const build = identify(policy, { socket: "/run/b", chain: [], uid: 1001 }, { ...around, owner: "build" })
    assert.strictEqual(build.kind, "nobody")
  })

  it("is described with where it is, and with how sure that is", () => {
    const facts: ClientFacts = { socket: "/s", chain: [], uid: 1000, via: "ssh", remote: "192.0.2.7", named: "build" }
    assert.strictEqual(describeClient(facts, () => "alice"), "user alice (1000), 192.0.2.7 by ssh")
    assert.strictEqual(
      describeClient({ socket: "/s", chain: [], via: "qrexec", qube: "work" }, () => ""),
      "qube work by qrexec"
    )
    assert.strictEqual(describeIdentity(identify(policy, facts, around)), "by what its transport says")
  })

  it("has a reason for each app that it is not", () => {
    const why = new Map(
      candidates(policy, { socket: "/s", chain: [], via: "qrexec", qube: "work" }, around).map((
        one
      ) => [one.app, one.why])
    )
    assert.strictEqual(why.get("work"), "everything holds (transport)")
    assert.strictEqual(why.get("vault"), "it did not come through the socket of this app")
    assert.strictEqual(why.get("bank"), "qube = \"bank\" does not hold")
    assert.strictEqual(why.get("mail"), "its match names no qube")
    const named = candidates(policy, { socket: "/s", chain: [], via: "ssh", named: "mail" }, around)
    assert.deepStrictEqual(
      named.map(({ holds, why }) => [holds, why]).filter(([, why]) => why !== "the transport names mail"),
      [[true, "its transport names it, and everything holds"]]
    )
  })

  it("is as strong as its transport, says the lint", () => {
    const found = lint(policy, { gateUid: 1000 }).filter(({ message }) => message.includes("transport"))
    assert.lengthOf(found, 6)
    assert.match(found[0]!.message, /^\[apps\.build\] is as strong as its transport: via, remote is what sshd/)
    assert.deepStrictEqual(found.map(({ level }) => level), found.map(() => "note"))
  })
})
