// A policy that is read again while sessions are open: each feels it at its next command, a file that cannot be used changes
// nothing, and a thousand changes under load lose no reply.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { startBusyAgent } from "../support/agent.ts"
import { startTestGate } from "../support/gate.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const { encryption: otherGrip, primary: grip } = fixtureKeys.plain.keygrips

const app = (...lines: ReadonlyArray<string>): string =>
  ["default = \"allow\"", "[apps.app]", "socket = \"app\"", ...lines].join("\n")

/** Chooses key and digest; what comes of PKSIGN is asked for later. */
const prepare = (client: RawClient): Promise<void> =>
  assertTalk(client, [`SIGKEY ${grip}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])

const signs = async (client: RawClient): Promise<string> => outcome(await client.command("PKSIGN"))

describe("a session that waits between SIGKEY and PKSIGN feels", () => {
  let agent: FakeAgent
  beforeAll(async () => {
    agent = await startBusyAgent()
  })
  afterAll(() => agent.close())

  const changes: ReadonlyArray<
    readonly [what: string, ...steps: ReadonlyArray<readonly [policy: string, pksign: string]>]
  > = [
    [
      "a verdict",
      [app("keys = [\"*\"]", "sign = \"allow\""), "OK"],
      [app("keys = [\"*\"]", "sign = \"forbid\""), ERR.FORBIDDEN],
      [app("keys = [\"*\"]", "sign = \"allow\""), "OK"],
      [app("keys = [\"*\"]", "sign = \"token\""), ERR.FORBIDDEN],
      [app("keys = [\"*\"]"), "OK"],
      ["default = \"forbid\"\n[apps.app]\nsocket = \"app\"\nkeys = [\"*\"]\n", ERR.FORBIDDEN],
      [app("keys = [\"*\"]", "[operations]", "sign = \"forbid\""), ERR.FORBIDDEN]
    ],
    [
      "which keys there are for it",
      [app("keys = [\"*\"]"), "OK"],
      [app("keys = []"), ERR.NO_SECKEY],
      [app(`keys = ["grip:${grip}"]`), "OK"],
      [app(`keys = ["grip:${otherGrip}"]`), ERR.NO_SECKEY],
      [app(`keys = ["grip:${otherGrip}", "grip:${grip}"]`), "OK"]
    ],
    [
      "what holds with this one key",
      [app("keys = [\"*\"]", "sign = \"forbid\"", `[apps.app.with."grip:${grip}"]`, "sign = \"allow\""), "OK"],
      [
        app("keys = [\"*\"]", "sign = \"forbid\"", `[apps.app.with."grip:${otherGrip}"]`, "sign = \"allow\""),
        ERR.FORBIDDEN
      ],
      [app("keys = [\"*\"]", "sign = \"allow\"", `[apps.app.with."grip:${grip}"]`, "sign = \"forbid\""), ERR.FORBIDDEN],
      [app("keys = [\"*\"]", "sign = \"allow\""), "OK"]
    ],
    [
      "a limit",
      [app("keys = [\"*\"]", "sign = \"allow\""), "OK"],
      [app("keys = [\"*\"]", "sign = { verdict = \"allow\", limit = \"1/hour\" }"), "OK"],
      [app("keys = [\"*\"]", "sign = { verdict = \"allow\", limit = \"1/hour\" }", "# the same"), ERR.LIMIT_REACHED],
      [app("keys = [\"*\"]", "sign = { verdict = \"allow\", limit = \"2/hour\" }"), "OK"],
      [app("keys = [\"*\"]", "sign = \"allow\""), "OK"]
    ],
    [
      "that it is no app of the policy any more",
      [app("keys = [\"*\"]"), "OK"],
      ["default = \"allow\"\n", ERR.NO_SECKEY],
      [app("keys = [\"*\"]"), "OK"]
    ]
  ]

  for (
    const [what, [first, pksign], ...rest] of changes as ReadonlyArray<
      readonly [string, readonly [string, string], ...ReadonlyArray<readonly [string, string]>]
    >
  ) {
    it(what, async () => {
      await using gate = await startTestGate({ agent: agent.socket, policy: first, apps: ["app"] })
      await using client = await gate.client("app")
      await prepare(client)
      assert.strictEqual(await signs(client), pksign, first)
      for (const [policy, expected] of rest) {
        await prepare(client)
        await gate.changePolicy(policy)
        assert.strictEqual(await signs(client), expected, policy)
      }
    })
  }

  const matching = (match: string, ofApp: string, ofAnyone: string): string =>
    [
      "default = \"ask\"",
      "[apps.app]",
      `match = { ${match} }`,
      "keys = [\"*\"]",
      `sign = "${ofApp}"`,
      "[anyone]",
      "keys = [\"*\"]",
      `sign = "${ofAnyone}"`
    ].join("\n")

  for (
    const [fact, holds, fails] of [
      ["exe", `exe = "${process.execPath}"`, "exe = \"/usr/bin/nobody-runs-this\""],
      ["user", `user = ${process.getuid?.() ?? 0}`, "user = 4294967294"],
      ["cmdline", "cmdline = \"*\"", "cmdline = \"nobody runs this\""]
    ] as const
  ) {
    for (const [ofApp, ofAnyone] of [["allow", "forbid"], ["forbid", "allow"]] as const) {
      it(`who it is, by ${fact}: the app may sign: ${ofApp}, anyone: ${ofAnyone}`, async () => {
        const [asApp, asAnyone] = ofApp === "allow" ? ["OK", ERR.FORBIDDEN] : [ERR.FORBIDDEN, "OK"]
        const policy = (match: string) => matching(match, ofApp, ofAnyone)
        await using gate = await startTestGate({ agent: agent.socket, policy: policy(fails) })
        await using client = await gate.client()
        for (
          const [match, expected] of [[fails, asAnyone], [holds, asApp], [fails, asAnyone], [holds, asApp]] as const
        ) {
          await prepare(client)
          await gate.changePolicy(policy(match))
          assert.strictEqual(await signs(client), expected, match)
        }
      })
    }
  }

  it("that another app is as good a match: it may do nothing until it is told which", async () => {
    const two = (second: string) => [matching(`exe = "${process.execPath}"`, "allow", "allow"), second].join("\n")
    await using gate = await startTestGate({ agent: agent.socket, policy: two("") })
    await using client = await gate.client()
    await prepare(client)
    assert.strictEqual(await signs(client), "OK")
    await prepare(client)
    await gate.changePolicy(
      two(`[apps.rival]\nmatch = { exe = "${process.execPath}" }\nkeys = ["*"]\nsign = "allow"`)
    )
    assert.match(await signs(client), /^ERR /)
    await gate.changePolicy(two("# none"))
    assert.strictEqual(await signs(client), "OK", "key and digest are what was chosen before")
  })
})

describe("a policy that cannot be used", () => {
  it("changes nothing, and the log says what is wrong with it", async () => {
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "plain")
    // a second certificate of the owner's with the same key and address
    const parameters = ["%no-protection", "Key-Type: eddsa", `Key-Grip: ${grip}`, "Name-Real: Other", "%commit", ""]
    parameters.splice(4, 0, "Name-Email: alice@example.org", "Creation-Date: 20240201T000000")
    await home.gpg(["--generate-key"], { input: parameters.join("\n") })
    await home.launchAgent()
    await using gate = await startTestGate({
      agent: await home.agentSocket(),
      homedir: home.path,
      policy: app(`keys = ["grip:${grip}"]`, "sign = \"allow\""),
      apps: ["app"]
    })
    await using client = await gate.client("app")
    await prepare(client)
    assert.strictEqual(await signs(client), "OK")
    const broken: ReadonlyArray<readonly [policy: string, says: RegExp]> = [
      [app("keys = [\"*\"", "sign = \"forbid\""), /policy\.toml:\d+:\d+: /],
      [app("keys = [\"*\"]", "sing = \"forbid\""), /policy\.toml:5:1: .*sing/],
      [app("keys = [\"*\"]", "sign = \"never\""), /policy\.toml:5:8: .*never/],
      [app("keys = [\"*\"]", "match = { user = \"nobody-has-this\" }"), /policy\.toml:5:\d+: .*nobody-has-this/],
      [app("keys = [\"alice@example.org\"]", "sign = \"forbid\""), /policy\.toml:4:\d+: .*stands in 2 certificates/],
      ["", /policy\.toml.*empty/]
    ]
    for (const [policy, says] of broken) {
      const from = gate.log().length
      await prepare(client)
      await gate.changePolicy(policy)
      const said = gate.log().slice(from).join("\n")
      assert.match(said, /the policy is not read again, the one before stays in force/, policy)
      assert.match(said, says)
      assert.strictEqual(await signs(client), "OK", policy)
      await assertTalk(client, [`KEYINFO ${otherGrip}`, ERR.NOT_FOUND])
    }
    await gate.changePolicy(app(`keys = ["grip:${grip}"]`, "sign = \"forbid\""))
    assert.strictEqual(await signs(client), ERR.FORBIDDEN)
  })
})

/** What each policy answers to an app with a socket, and to whoever is none: PKSIGN, KEYINFO of some key, GETINFO pid. */
interface Answers {
  readonly sign: ReadonlyArray<string>
  readonly keyinfo: string
  readonly pid: string
}

const NOT_SEEN: Answers = { sign: [ERR.NO_SECKEY], keyinfo: ERR.NOT_FOUND, pid: "OK" }
const ALL: Answers = { sign: ["OK"], keyinfo: "OK", pid: "OK" }

/** A policy without answers cannot be used, and leaves the one before in force. */
const policies: ReadonlyArray<{ readonly text: string; readonly app?: Answers; readonly anyone?: Answers }> = [
  { text: app("keys = [\"*\"]"), app: ALL, anyone: ALL },
  {
    text: app("keys = [\"*\"]", "sign = \"forbid\"", "[anyone]", "keys = []"),
    app: { ...ALL, sign: [ERR.FORBIDDEN] },
    anyone: NOT_SEEN
  },
  { text: "default = \n" },
  {
    text: `default = "forbid"\n[apps.app]\nsocket = "app"\nkeys = ["grip:${grip}"]\nsign = "allow"\n`,
    app: { ...NOT_SEEN, sign: ["OK"] },
    anyone: NOT_SEEN
  },
  { text: app("keys = [\"*\"]", "sing = \"forbid\"") },
  {
    text: app("keys = [\"*\"]", "sign = { verdict = \"allow\", limit = \"1/hour\" }"),
    app: { ...ALL, sign: ["OK", ERR.LIMIT_REACHED] },
    anyone: ALL
  },
  { text: app("keys = [\"*\"]", "match = { user = \"nobody-has-this\" }") },
  {
    text: "default = \"allow\"\n",
    app: { sign: [ERR.NO_SECKEY], keyinfo: ERR.NOT_FOUND, pid: ERR.FORBIDDEN },
    anyone: ALL
  }
]

const RELOADS = 1_000
const CLIENTS = 16

/** Open descriptors of this process, and watches of folders in them. */
const held = (): { readonly descriptors: number; readonly watches: number } => {
  const descriptors = readdirSync("/proc/self/fd")
  const watches = descriptors.flatMap((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^inotify wd:/gm) ?? []
    } catch {
      // the descriptor by which the folder was read is gone again
      return []
    }
  })
  return { descriptors: descriptors.length, watches: watches.length }
}

/** Waits until no more is held than before: what is kept warm for a moment ends by itself. */
const assertNoMoreHeld = async (before: ReturnType<typeof held>, when: string): Promise<void> => {
  for (let tries = 0; tries < 200 && held().descriptors > before.descriptors; tries++) await sleep(25)
  const now = held()
  assert.isAtMost(now.descriptors, before.descriptors, when)
  assert.strictEqual(now.watches, before.watches, when)
}

describe("a thousand changes of the policy", () => {
  it("under load lose no reply, and each reply is one of a policy in force; nothing is left open", async () => {
    await using agent = await startBusyAgent()
    const before = held()
    const gate = await startTestGate({
      agent: agent.socket,
      policy: policies[0]!.text,
      apps: ["app"],
      limits: { warm: 100 },
      logLevel: 3
    })
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, number) => gate.client(number % 2 === 0 ? "app" : undefined))
    )
    for (const client of clients) await prepare(client)
    for (const client of clients) assert.strictEqual(await signs(client), "OK")
    const running = held()

    // the policies in force so far; of the last it is not certain yet while a change is under way
    const inForce = [policies[0]!]
    let settled = 0
    let over = false

    const load = async (client: RawClient, number: number): Promise<number> => {
      const role = number % 2 === 0 ? "app" : "anyone"
      let commands = 0
      while (!over) {
        const unique = `${number.toString(16)}${commands.toString(16)}`.toUpperCase().padStart(40, "0")
        const lines = ["NOP", `KEYINFO ${unique}`, "NOSUCH", "PKSIGN", "GETINFO pid"]
        const from = settled
        client.send(`${lines.join("\n")}\n`)
        const replies = []
        while (replies.length < lines.length) replies.push(await client.readReply(30_000))
        commands += lines.length
        const [nop, keyinfo, nosuch, sign, pid] = replies.map(outcome)
        const possible = inForce.slice(from).map((policy) => policy[role]!)
        const fits = (given: (answers: Answers) => boolean): boolean => possible.some(given)
        assert.deepStrictEqual([nop, nosuch], ["OK", ERR.UNKNOWN_CMD])
        assert.isTrue(fits((answers) => answers.keyinfo === keyinfo), `${role} KEYINFO: ${keyinfo}`)
        if (keyinfo === "OK") assert.match(replies[1]!.status.join(), new RegExp(`^KEYINFO ${unique} `))
        assert.isTrue(fits((answers) => answers.sign.includes(sign!)), `${role} PKSIGN: ${sign}`)
        assert.isTrue(fits((answers) => answers.pid === pid), `${role} GETINFO pid: ${pid}`)
      }
      return commands
    }
    const loads = clients.map(load)
    const failed = Promise.all(loads).then(() => undefined, (error: unknown) => error)
    for (let reload = 1; reload <= RELOADS; reload++) {
      const policy = policies[reload % policies.length]!
      if (policy.app !== undefined) inForce.push(policy)
      await gate.changePolicy(policy.text)
      settled = inForce.length - 1
    }
    over = true
    const error = await failed
    if (error !== undefined) throw error
    const counts = await Promise.all(loads)
    for (const count of counts) assert.isAbove(count, 100, "every client was served all the while")

    // nothing came that nobody asked for
    for (const client of clients) {
      await assertTalk(client, ["NOP", "OK"])
      client.end()
      assert.match(await client.closed, /^end$/)
    }
    const said = gate.log().filter((line) => line.includes("the one before stays in force")).length
    assert.isAtLeast(said, Math.floor(RELOADS * 3 / policies.length), "each broken one is told")
    await assertNoMoreHeld(running, "while the gate runs")
    await gate.close()
    for (const client of clients) await client.close()
    await assertNoMoreHeld(before, "when it has stopped")
  }, 120_000)
})
