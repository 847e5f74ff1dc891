import { assert, describe, it } from "@effect/vitest"
import { resolveAccounts } from "@gripgate/policy/client/accounts"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { candidates, identify, type Identity, type Surroundings } from "@gripgate/policy/client/identify"
import { policyOf } from "../read.ts"

const accounts = {
  uid: (name: string) => new Map([["mail", 8], ["alice", 1000]]).get(name),
  gid: (name: string) => new Map([["mail", 8], ["dev", 2000]]).get(name)
}

const policyWith = (...lines: ReadonlyArray<string>) => {
  const { policy, problems } = resolveAccounts(policyOf("default = \"ask\"", ...lines), accounts)
  assert.deepStrictEqual(problems, [])
  return policy
}

const app = (name: string, match: string, ...more: ReadonlyArray<string>): ReadonlyArray<string> => [
  `[apps.${name}]`,
  "keys = []",
  `match = { ${match} }`,
  ...more
]

const client = (more: Partial<ClientFacts> = {}): ClientFacts => ({
  socket: "/run/S.gpg-agent",
  uid: 1000,
  gid: 1000,
  groups: [1000, 2000],
  pid: 4711,
  exe: "/usr/bin/gpg",
  program: "/usr/bin/git",
  cwd: "/home/alice/src",
  chain: [{ pid: 4711, exe: "/usr/bin/gpg" }, { pid: 4710, exe: "/usr/bin/git" }, { pid: 4000, exe: "/usr/bin/bash" }],
  ...more
})

const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  gateUid: 1000,
  owner: undefined,
  owners: new Set(),
  ...more
})

const nameOf = (identity: Identity): string =>
  identity.kind === "app"
    ? `${identity.app} by ${identity.rank}`
    : identity.kind === "anyone"
    ? "anyone"
    : `nobody (${identity.why}): ${identity.apps.join(" ")}`

const who = (lines: ReadonlyArray<string>, facts = client(), more: Partial<Surroundings> = {}): string =>
  nameOf(identify(policyWith(...lines), facts, around(more)))

describe("identify: one condition", () => {
  const cases: ReadonlyArray<readonly [string, Partial<ClientFacts>, string]> = [
    ["user = \"alice\"", {}, "x by kernel"],
    ["user = 1000", {}, "x by kernel"],
    ["user = \"1000\"", {}, "x by kernel"],
    ["user = [\"mail\", \"alice\"]", {}, "x by kernel"],
    ["user = \"mail\"", {}, "anyone"],
    ["user = \"alice\"", { uid: undefined as never }, "anyone"],
    ["group = \"dev\"", {}, "x by kernel"],
    ["group = \"mail\"", {}, "anyone"],
    ["group = 1000", { groups: [] }, "x by kernel"],
    ["label = \"unconfined_u:*\"", { label: "unconfined_u:unconfined_r" }, "x by kernel"],
    ["unit = \"mail.service\"", { unit: "mail.service" }, "x by advisory"],
    ["unit = \"mail.service\"", { unit: "mail.service", uid: 8 }, "x by kernel"],
    ["unit = \"mail.service\"", { userUnit: "mail.service" }, "anyone"],
    ["user-unit = \"app.service\"", { userUnit: "app.service", uid: 8 }, "x by advisory"],
    ["container = \"docker:*\"", { container: "docker:abc", uid: 8 }, "x by kernel"],
    ["cgroup = \"/system.slice/**\"", { cgroup: "/system.slice/a/b", uid: 8 }, "x by kernel"],
    ["flatpak = \"org.mozilla.thunderbird\"", { flatpak: "org.mozilla.thunderbird", uid: 8 }, "x by advisory"],
    ["snap = \"firefox\"", { snap: "firefox" }, "x by advisory"],
    ["exe = \"/usr/bin/gpg\"", {}, "x by advisory"],
    ["exe = \"/usr/bin/*\"", {}, "x by advisory"],
    ["exe = \"/usr/*\"", {}, "anyone"],
    ["program = \"/usr/bin/git\"", {}, "x by advisory"],
    ["parent = \"/usr/bin/bash\"", {}, "x by advisory"],
    // a client is not its own parent
    ["parent = \"/usr/bin/gpg\"", {}, "anyone"],
    ["cmdline = \"gpg *\"", { cmdline: "gpg --sign" }, "x by advisory"],
    ["cmdline = \"*mail*\"", { cmdline: "python3 /srv/mail/run.py" }, "x by advisory"],
    ["cmdline = \"**\"", {}, "anyone"],
    ["cwd = \"/home/alice/**\"", {}, "x by advisory"],
    ["user = \"alice\", exe = \"/usr/bin/gpg\"", {}, "x by kernel"],
    ["user = \"alice\", exe = \"/usr/bin/gpgsm\"", {}, "anyone"]
  ]
  for (const [match, facts, expected] of cases) {
    it(`${match} is ${expected} for ${JSON.stringify(facts)}`, () => {
      assert.strictEqual(who(app("x", match), client(facts)), expected)
    })
  }
})

describe("identify: several apps", () => {
  const mail = app("mail", "user = \"alice\"")
  const git = app("git", "program = \"/usr/bin/git\"")

  it("lets what the kernel vouches for come before what a client can imitate", () => {
    assert.strictEqual(who([...git, ...mail]), "mail by kernel")
    assert.strictEqual(who([...mail, ...git]), "mail by kernel")
    assert.strictEqual(who([...git, ...mail], client({ uid: 7 })), "git by advisory")
  })

  it("believes nobody where two of equal rank are left, whichever stands first", () => {
    const other = app("other", "exe = \"/usr/bin/gpg\"")
    assert.strictEqual(who([...git, ...other]), "nobody (several): git other")
    assert.strictEqual(who([...other, ...git]), "nobody (several): git other")
    assert.strictEqual(who([...other, ...git, ...mail]), "mail by kernel")
    assert.strictEqual(who([...other, ...git], client({ program: "/usr/bin/mutt" })), "other by advisory")
  })

  it("takes whoever comes through the socket of an app for that app and no other", () => {
    const own = ["[apps.own]", "keys = []", "socket = \"own\""]
    assert.strictEqual(who([...own, ...mail], client(), { owner: "own" }), "own by socket")
    // an app that owns a socket is nobody who comes through another
    assert.strictEqual(who(app("own", "user = \"alice\"", "socket = \"own\"")), "anyone")
    assert.strictEqual(who(mail, client(), { owners: new Set(["mail"]) }), "anyone")
  })

  it("asks for both where an app has a socket and a match", () => {
    const both = app("both", "user = \"mail\"", "socket = \"both\"")
    assert.strictEqual(who(both, client({ uid: 8 }), { owner: "both" }), "both by socket")
    assert.strictEqual(who(both, client(), { owner: "both" }), "nobody (socket): both")
  })

  it("believes nobody who hides what would tell, unless the kernel says who it is", () => {
    const byExe = app("byexe", "exe = \"/usr/bin/special\"")
    const hidden = client({ exe: undefined as never, unread: ["exe"] })
    assert.strictEqual(who(byExe, client()), "anyone")
    assert.strictEqual(who(byExe, hidden), "nobody (unread): byexe")
    assert.strictEqual(who([...byExe, ...mail], hidden), "mail by kernel")
    assert.strictEqual(who([...byExe, ...git], hidden), "nobody (unread): byexe")
    // another user it is not, whatever it hides
    assert.strictEqual(who(app("x", "exe = \"/usr/bin/special\", user = \"mail\""), hidden), "anyone")
    const unknown = { socket: "/s", chain: [], unread: ["user", "exe"] as const }
    assert.strictEqual(who(mail, unknown), "nobody (unread): mail")
  })

  it("keeps the socket of an app that the policy does not have any more for that app", () => {
    assert.strictEqual(who(mail, client(), { owner: "gone" }), "gone by socket")
  })

  it("finds one of 10,000 apps", () => {
    const apps = Array.from({ length: 10_000 }, (_, i) => app(`a${i}`, `exe = "/opt/${i}"`)).flat()
    assert.strictEqual(who(apps, client({ exe: "/opt/7777" })), "a7777 by advisory")
    assert.strictEqual(who(apps), "anyone")
  })
})

describe("candidates", () => {
  it("says of every app why the client is it or is not", () => {
    const policy = policyWith(
      ...app("mail", "user = \"mail\""),
      ...app("git", "program = \"/usr/bin/git\""),
      ...app("alice", "user = \"alice\""),
      ...app("own", "user = \"alice\"", "socket = \"own\"")
    )
    assert.deepStrictEqual(candidates(policy, client(), around()).map(({ app, holds, why }) => [app, holds, why]), [
      ["mail", false, "user = \"mail\" does not hold"],
      ["git", false, "everything holds (advisory), but another app has a stronger claim"],
      ["alice", true, "everything holds (kernel)"],
      ["own", false, "it did not come through the socket of this app"]
    ])
  })
})

describe("resolveAccounts", () => {
  it("tells every name that nobody has, where it stands", () => {
    const policy = policyOf(
      "[apps.x]",
      "keys = []",
      "match = { user = [\"nobody-at-all\", \"mail\"], group = \"none\" }"
    )
    const { problems } = resolveAccounts(policy, accounts)
    assert.deepStrictEqual(problems.map(({ message }) => message), [
      "there is no user \"nobody-at-all\" on this machine",
      "there is no group \"none\" on this machine"
    ])
    assert.isTrue(problems.every(({ place }) => place.line === 3))
  })
})
