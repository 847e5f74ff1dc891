// Whether a client can tell a key that is hidden from it from one that nobody has: by code, text, bytes or order of answers,
// by any command in any form. IMPORT_KEY needs a whole key to ask about one, and has its tests elsewhere.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { type Manner, type Said, talk, unnamed } from "../support/dialogue.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { about, keyCommands, listings, type Probe, probes } from "../support/probes.ts"
import { startTellingAgent } from "../support/telling-agent.ts"
import { assertTalk, ERR } from "../support/wire.ts"

const VISIBLE = grips.plain.primary
const SECOND = grips.rsa.encryption
/** Nobody has these. */
const ABSENT = "0BADC0DE0BADC0DE0BADC0DE0BADC0DE0BADC0DE"
const NOBODYS = "DEADBEEFDEADBEEFDEADBEEFDEADBEEFDEADBEEF"

/** What the agent has and the app does not see. */
const hidden = {
  "the subkey of the visible one": grips.plain.encryption,
  "one with a passphrase": grips.protected.primary,
  "one that could sign without a question": grips.rsa.primary
} as const

const policy = [
  "default = \"allow\"",
  "[apps.one]",
  "socket = \"one\"",
  `keys = ["grip:${VISIBLE}"]`,
  "[apps.two]",
  "socket = \"two\"",
  `keys = ["grip:${VISIBLE}", "grip:${SECOND}"]`,
  "[anyone]",
  `keys = ["grip:${VISIBLE}"]`,
  ""
].join("\n")

const LOOPBACK = "OPTION pinentry-mode=loopback"

const withOne = (first: string, ...entries: ReadonlyArray<string>): string =>
  [`default = "${first}"`, "[apps.one]", "socket = \"one\"", `keys = ["grip:${VISIBLE}"]`, ...entries].join("\n")

const stricter: Readonly<Record<string, string>> = {
  "that asks": withOne("ask"),
  "that forbids": withOne("forbid"),
  "that wants a token to sign": withOne("allow", "sign = \"token\""),
  "that forbids loopback": withOne("allow", "loopback = \"forbid\""),
  "that allows few signatures": withOne("allow", "sign = { verdict = \"allow\", limit = \"2/hour\" }"),
  "that says more of the visible key": withOne(
    "allow",
    `[apps.one.with."grip:${VISIBLE}"]`,
    "loopback = \"forbid\"",
    "sign = \"forbid\""
  )
}

const gateBefore = (agent: string, home?: Homedir): Promise<TestGate> =>
  startTestGate({
    agent,
    policy,
    apps: ["one", "two"],
    ...home === undefined ? {} : { homedir: home.path, env: home.env }
  })

const manners: ReadonlyArray<Manner> = ["line by line", "pipelined"]
const modes = [
  ["in loopback mode", [LOOPBACK]],
  ["not in loopback mode", []],
  ["as if from another machine", ["OPTION pretend-request-origin=remote"]]
] as const

const everything = probes(VISIBLE, NOBODYS)
/** The same questions about a key, and the answers, without the name of the key. */
const asked = async (
  socket: string,
  keygrip: string,
  manner: Manner,
  first: ReadonlyArray<string> = []
): Promise<ReadonlyArray<Said>> =>
  unnamed(await talk(socket, everything.map((probe) => about(probe, keygrip)), manner, first), keygrip)

/** The first difference is told alone: the whole is some hundred dialogues. */
const assertSame = (one: ReadonlyArray<Said>, other: ReadonlyArray<Said>): void => {
  assert.strictEqual(one.length, other.length)
  one.forEach((said, index) => assert.deepStrictEqual(said, other[index]))
}

describe("a hidden key and one that nobody has are the same to a client of a real agent", () => {
  let home: Homedir
  let gate: TestGate
  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent"] as const) needs(program)
    home = await makeHomedir({ agentConf: ["allow-preset-passphrase", "disable-scdaemon"] })
    for (const name of ["plain", "protected", "rsa"] as const) await importKey(home, name)
    await home.launchAgent()
    gate = await gateBefore(await home.agentSocket(), home)
  })
  afterAll(async () => {
    await gate.close()
    await home.close()
  })

  for (const app of ["one", undefined]) {
    for (const [mode, first] of modes) {
      for (const manner of manners) {
        it(`${app === undefined ? "whoever is no app" : "an app"}, ${mode}, ${manner}`, async () => {
          const socket = app === undefined ? gate.socket : gate.socketOf(app)
          const absent = await asked(socket, ABSENT, manner, first)
          assert.isTrue(absent.every(({ reply }) => /^(?:OK|ERR [1-9]\d*)( .*)?\n/m.test(reply)))
          for (const keygrip of Object.values(hidden)) assertSame(await asked(socket, keygrip, manner, first), absent)
        })
      }
    }
  }

  it("although the agent itself tells", async () => {
    const agent = await home.agentSocket()
    const lines = ["HAVEKEY", "KEYINFO", "READKEY"]
    for (const keygrip of Object.values(hidden)) {
      const mine = lines.map((line): Probe => [`${line} ${keygrip}`])
      const nobodys = lines.map((line): Probe => [`${line} ${ABSENT}`])
      const known = unnamed(await talk(agent, mine, "line by line"), keygrip)
      const unknown = unnamed(await talk(agent, nobodys, "line by line"), ABSENT)
      known.forEach((said, index) => assert.notDeepEqual(said, unknown[index]))
    }
  })

  it("and every hidden key is still there, with its passphrase, for which nobody was asked", async () => {
    await using owner = await connectRaw(await home.agentSocket())
    await owner.readReply()
    for (const keygrip of [VISIBLE, ...Object.values(hidden)]) await assertTalk(owner, [`HAVEKEY ${keygrip}`, "OK"])
    const { status } = await owner.command(`KEYINFO ${grips.protected.primary}`)
    assert.deepStrictEqual(status, [`KEYINFO ${grips.protected.primary} D - - - P - - -`])
    const questions = (await home.pinentry.log()).filter(({ event }) => event === "question")
    assert.deepStrictEqual(questions.filter((event) => "question" in event && event.question === "GETPIN"), [])
  })
})

describe("a hidden key and one that nobody has are the same to a client of an agent of 2.5", () => {
  const keys = [...Object.values(hidden), VISIBLE, SECOND]

  for (const [mode, first] of modes) {
    for (const manner of manners) {
      it(`${mode}, ${manner}, and the agent is not asked about either`, async () => {
        await using agent = await startTellingAgent(keys)
        await using gate = await gateBefore(agent.socket)
        const socket = gate.socketOf("one")
        const absent = await asked(socket, ABSENT, manner, first)
        for (const keygrip of Object.values(hidden)) assertSame(await asked(socket, keygrip, manner, first), absent)
        const secrets: ReadonlyArray<string> = [...Object.values(hidden), ABSENT, NOBODYS]
        const sent = agent.commands().filter((line) => keyCommands.has(line.split(" ", 1)[0]!))
        assert.deepStrictEqual(
          sent.filter((line) => line.split(" ").some((word) => secrets.includes(word.toUpperCase()))),
          []
        )
        assertCanonical(agent)
      })
    }
  }

  for (const [name, text] of Object.entries(stricter)) {
    it(`under a policy ${name}`, async () => {
      await using agent = await startTellingAgent(keys)
      const said = async (keygrip: string, manner: Manner, first: ReadonlyArray<string>) => {
        // a gate for each: what was used up before one is not used up before the other
        await using gate = await startTestGate({ agent: agent.socket, policy: `${text}\n`, apps: ["one"] })
        return await asked(gate.socketOf("one"), keygrip, manner, first)
      }
      for (const [manner, first] of [["pipelined", []], ["line by line", [LOOPBACK]]] as const) {
        const absent = await said(ABSENT, manner, first)
        for (const keygrip of Object.values(hidden)) assertSame(await said(keygrip, manner, first), absent)
      }
    })
  }

  it("although the agent itself tells by nearly everything", async () => {
    await using agent = await startTellingAgent(keys)
    const known = await asked(agent.socket, grips.rsa.primary, "line by line")
    const unknown = await asked(agent.socket, ABSENT, "line by line")
    const telling = known.filter((said, index) => said.reply !== unknown[index]!.reply)
    const commands = new Set(telling.map(({ lines }) => /^([A-Z_]+) (?:.* )?KEY\b/m.exec(lines)?.[1]))
    for (
      const command of ["HAVEKEY", "KEYINFO", "READKEY", "PASSWD", "DELETE_KEY", "EXPORT_KEY", "KEYTOCARD", "KEYATTR"]
    ) {
      assert.isTrue(commands.has(command), command)
    }
  })
})

describe("an agent that has hidden keys and one that has none are the same to a client", () => {
  const lists = listings(VISIBLE)

  it("has lists to compare", () => {
    const lines = lists.flat()
    for (
      const list of ["HAVEKEY --list", "HAVEKEY --list=1", "HAVEKEY --list=2", "KEYINFO --list", "KEYINFO --ssh-list"]
    ) {
      assert.include(lines, list)
    }
  })

  for (const app of ["one", "two"] as const) {
    const mine = app === "one" ? [VISIBLE] : [VISIBLE, SECOND]
    const others = Object.values(hidden)
    for (
      const [where, among] of Object.entries({
        before: [...others, ...mine],
        behind: [...mine, ...others],
        between: [...mine.slice(0, 1), ...others, ...mine.slice(1)]
      })
    ) {
      for (const manner of manners) {
        it(`an app that sees ${mine.length}, the hidden ones ${where} its own, ${manner}`, async () => {
          await using full = await startTellingAgent(among)
          await using bare = await startTellingAgent(mine)
          await using gateOfFull = await gateBefore(full.socket)
          await using gateOfBare = await gateBefore(bare.socket)
          const seen = await talk(gateOfFull.socketOf(app), lists, manner)
          assertSame(seen, await talk(gateOfBare.socketOf(app), lists, manner))
          const all = seen.map(({ reply }) => reply).join("")
          for (const keygrip of mine) assert.include(all, keygrip)
        })
      }
    }
  }

  it("a real agent, whose keys went one after the other", async () => {
    for (const program of ["gpg", "gpg-agent"] as const) needs(program)
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    for (const name of ["plain", "protected", "rsa"] as const) await importKey(home, name)
    await home.launchAgent()
    await using gate = await gateBefore(await home.agentSocket(), home)
    await using owner = await connectRaw(await home.agentSocket())
    await owner.readReply()
    const heard = async (app: "one" | "two") => [
      ...await talk(gate.socketOf(app), lists, "line by line"),
      ...await talk(gate.socketOf(app), lists, "pipelined")
    ]
    const before = { one: await heard("one"), two: await heard("two") }
    assert.isTrue(before.one.some(({ reply }) => reply.includes(`S KEYINFO ${VISIBLE} D `)))
    for (const keygrip of [...Object.values(hidden), grips.protected.encryption]) {
      await assertTalk(owner, [`DELETE_KEY --force ${keygrip}`, "OK"])
    }
    assertSame(await heard("two"), before.two)
    await assertTalk(owner, [`DELETE_KEY --force ${SECOND}`, "OK"])
    assertSame(await heard("one"), before.one)
  })
})

describe("what is said about a hidden key", () => {
  it("is what an agent without it would have said", async () => {
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "plain")
    await home.launchAgent()
    await using gate = await gateBefore(await home.agentSocket(), home)
    await using client = await gate.client("one")
    const key = grips.plain.encryption
    await assertTalk(
      client,
      [`HAVEKEY ${key}`, ERR.NO_SECKEY],
      [`HAVEKEY ${key} ${NOBODYS}`, ERR.NO_SECKEY],
      [`HAVEKEY ${key} ${VISIBLE}`, "OK"],
      [`KEYINFO ${key}`, ERR.NOT_FOUND],
      [`READKEY ${key}`, ERR.NO_SECKEY],
      [`PASSWD ${key}`, ERR.NO_SECKEY],
      [`EXPORT_KEY ${key}`, ERR.NO_SECKEY],
      [`DELETE_KEY --force ${key}`, ERR.NO_SECKEY],
      [`KEYTOCARD ${key} D276 OPENPGP.1`, ERR.NO_SECKEY],
      [`CLEAR_PASSPHRASE --mode=normal ${key}`, ERR.NO_SECKEY],
      [`GET_PASSPHRASE --no-ask ${key} X X X`, ERR.NO_SECKEY],
      [`SETKEY ${key}`, "OK"],
      ["PKDECRYPT", ERR.NO_SECKEY]
    )
  })
})
