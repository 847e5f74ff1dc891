// What a client of elsewhere may try, and whoever brings it: descriptors that are forged, cut, too long or late, and words that
// look like one later in the stream. The gate is in this process, qrexec is played byte for byte.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { writeConnect } from "@gripgate/proxy/listen/far/connect-descriptor"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { run } from "@gripgate/testkit/run"
import { chmod } from "node:fs/promises"
import { dirname, join } from "node:path"
import process from "node:process"
import { runAsOther } from "../support/as-user.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertClosed, assertTalk, ERR, outcome } from "../support/wire.ts"

const A = "A".repeat(40)

const policy = `default = "forbid"
[apps.build]
match = { via = "ssh", remote = "192.0.2.7" }
keys = ["*"]
admin = "allow"
[apps.work]
match = { qube = "work" }
keys = ["*"]
admin = "allow"
`

/** Allowed to the two apps and to nobody else. */
const PROBE = "UPDATESTARTUPTTY"
/** The fake agent does not know it, so this is what it says itself. */
const REACHED = "ERR 67109139"

let folder: string
let agent: FakeAgent
let gate: TestGate

beforeAll(async () => {
  folder = await makeFolder("gx")
  agent = await startFakeAgent({ socket: join(folder, "agent") })
  gate = await startTestGate({ agent: join(folder, "agent"), policy, limits: { finishLine: 400 }, logLevel: 7 })
})
afterAll(async () => {
  await gate?.close()
  await agent?.close()
  await removeFolder(folder)
})

const build = writeConnect({ named: "build", via: "ssh", remote: "192.0.2.7" })
const work = "gripgate.Connect+work work\0"

/** What has come to the agent of all that is sent here. */
const sent = (): number =>
  agent.commands().filter((line) => /^(?:UPDATESTARTUPTTY|SIGKEY|PKSIGN)/.test(String(line))).length

/** What a client hears first, and of a command that only the apps may send; the bytes come in these pieces. */
const heard = async (door: "connect" | "qubes", pieces: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  await using client = await connectRaw(gate.doorOf(door))
  for (const piece of pieces) {
    client.send(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const greeting = outcome(await client.readReply())
  return greeting === "OK" ? [greeting, outcome(await client.command(PROBE))] : [greeting]
}

const assertTurnedAway = async (client: RawClient, error: string): Promise<void> => {
  assert.strictEqual(outcome(await client.readReply()), error)
  await assertClosed(client)
}

describe("the descriptor of a transport", () => {
  for (const [door, text] of [["connect", build], ["qubes", work]] as const) {
    it(`is read however it is cut, and what follows it is the client's: ${door}`, async () => {
      const all = `${text}NOP\n`
      for (let at = 1; at < all.length; at++) {
        await using client = await connectRaw(gate.doorOf(door))
        client.send(all.slice(0, at))
        await new Promise((resolve) => setImmediate(resolve))
        client.send(all.slice(at))
        assert.deepStrictEqual(
          [outcome(await client.readReply()), outcome(await client.readReply())],
          ["OK", "OK"],
          String(at)
        )
      }
      assert.deepStrictEqual(await heard(door, [...text]), ["OK", REACHED])
      assert.deepStrictEqual(await heard(door, [text]), ["OK", REACHED])
    })

    it(`that is not whole, or too long, or late, is an ERR and a close: ${door}`, async () => {
      const before = sent()
      await using unfinished = await connectRaw(gate.doorOf(door))
      unfinished.send(text.slice(0, -1))
      unfinished.end()
      await assertTurnedAway(unfinished, "ERR 67109126")
      await using long = await connectRaw(gate.doorOf(door))
      long.send(`${"x".repeat(4096)}${text}${PROBE}\n`)
      await assertTurnedAway(long, "ERR 67109127")
      await using late = await connectRaw(gate.doorOf(door))
      late.send(text.slice(0, 5))
      await assertTurnedAway(late, ERR.TIMEOUT)
      await using silent = await connectRaw(gate.doorOf(door))
      await assertTurnedAway(silent, ERR.TIMEOUT)
      assert.strictEqual(sent(), before)
    })

    it(`is one, and another behind it is a command that nobody knows: ${door}`, async () => {
      const other = door === "connect" ? writeConnect({ named: "work", via: "qrexec", qube: "work" }) : `${work}\n`
      await using client = await connectRaw(gate.doorOf(door))
      client.send(text)
      await client.readReply()
      client.send(other)
      assert.match(outcome(await client.readReply()), /^ERR /)
    })
  }

  it("that is wrong is an ERR and a close, and nothing reaches the agent", async () => {
    const before = sent()
    const wrong = [
      ["connect", "\n"],
      ["connect", `${JSON.stringify({ v: 1, app: "build", via: "ssh", remote: "192.0.2.7", uid: 0 })}\n`],
      ["connect", work],
      ["connect", `${work}\n`],
      ["connect", "GETINFO version\n"],
      ["qubes", "gripgate.Connect+work\0"],
      ["qubes", "gripgate.Connect+work work name\0"],
      ["qubes", "qubes.Gpg+work work\0"],
      ["qubes", "gripgate.Connect+work work\n\0"],
      ["qubes", `${build}\0`],
      ["qubes", "\0"]
    ] as const
    for (const [door, text] of wrong) {
      await using client = await connectRaw(gate.doorOf(door))
      client.send(`${text}${PROBE}\nSIGKEY ${A}\nPKSIGN\n`)
      await assertTurnedAway(client, ERR.SYNTAX)
    }
    assert.strictEqual(sent(), before)
  })

  it("names an app: any other, or one whose match does not hold, is greeted and refused everything", async () => {
    const refused = ["OK", ERR.FORBIDDEN]
    const elsewhere = writeConnect({ named: "build", via: "ssh", remote: "192.0.2.8" })
    for (
      const [door, text] of [
        ["connect", elsewhere],
        ["connect", writeConnect({ named: "build", via: "ssh" })],
        ["connect", writeConnect({ named: "build", via: "connect" })],
        ["connect", writeConnect({ named: "nothing", via: "connect" })],
        ["connect", writeConnect({ named: "work", via: "qrexec", qube: "other" })],
        ["qubes", "gripgate.Connect+work other\0"],
        ["qubes", "gripgate.Connect+build work\0"],
        ["qubes", "gripgate.Connect other\0"]
      ] as const
    ) assert.deepStrictEqual(await heard(door, [text]), refused, text)
    assert.deepStrictEqual(await heard("qubes", ["gripgate.Connect work\0"]), ["OK", REACHED])
    assert.deepStrictEqual(await heard("qubes", ["gripgate.Connect+work work name vault\0"]), ["OK", REACHED])
    assert.deepStrictEqual(await heard("connect", [writeConnect({ named: "work", via: "qrexec", qube: "work" })]), [
      "OK",
      REACHED
    ])
  })

  it("is not for whoever comes through another socket, or is the app by nothing else", async () => {
    await using client = await gate.client()
    client.send(build)
    assert.match(outcome(await client.readReply()), /^ERR /)
    await assertTalk(client, [PROBE, ERR.FORBIDDEN])
  })

  it("is not taken from another user", async () => {
    const script = `const s = require("node:net").connect(process.argv[1]);`
      + `s.on("error", (e) => console.log(e.code)).on("data", (d) => console.log(String(d))).on("end", () => s.end());`
      + `s.write(decodeURI(process.argv[2]))`
    await chmod(dirname(gate.doorOf("connect")), 0o755)
    const env = { PATH: process.env["PATH"] ?? "" }
    for (const [door, text] of [["connect", build], ["qubes", work]] as const) {
      const closed = await runAsOther([process.execPath, "-e", script, gate.doorOf(door), encodeURI(text)], { env })
      assert.strictEqual(closed.stdout.toString(), "EACCES\n", closed.stderr)
      // and if the mode of the socket let him in
      await chmod(gate.doorOf(door), 0o666)
      const open = await runAsOther([process.execPath, "-e", script, gate.doorOf(door), encodeURI(text)], { env })
      assert.match(open.stdout.toString(), /^ERR 67109115 /, open.stderr)
    }
  })

  it("is not taken from a process of an app, which could name another", async () => {
    await using other = await startTestGate({
      agent: join(folder, "agent"),
      policy: `${policy}[apps.tool]\nmatch = { program = "${process.execPath}" }\nkeys = []\n`
    })
    const script = `const s = require("node:net").connect(process.argv[1]);`
      + `s.on("data", (d) => console.log(String(d))).on("end", () => s.end()); s.write(process.argv[2])`
    const said = await run([process.execPath, "-e", script, other.doorOf("connect"), build])
    assert.match(said.stdout.toString(), /^ERR 67109115 /, said.stderr)
    assert.isTrue(
      other.log().some((line) => line.includes("of the app tool") && line.includes("may speak for another"))
    )
  })

  it("that nobody sends does not keep the gate from stopping", async () => {
    await using other = await startTestGate({ agent: join(folder, "agent"), policy })
    await using silent = await connectRaw(other.doorOf("connect"))
    silent.send("{\"v\":1,")
    await using settled = await connectRaw(other.doorOf("qubes"))
    settled.send(work)
    await settled.readReply()
    await other.close()
    assert.strictEqual(await silent.closed, "end")
    assert.strictEqual(await settled.closed, "end")
  })

  it("that nobody sends keeps nobody else out", async () => {
    const silent: Array<RawClient> = []
    try {
      for (let i = 0; i < 300; i++) silent.push(await connectRaw(gate.doorOf("connect")))
      await assertTurnedAway(silent.at(-1)!, "ERR 67109047")
      await using client = await gate.client()
      await assertTalk(client, ["NOP", "OK"])
    } finally {
      for (const client of silent) client.destroy()
    }
  })
})
