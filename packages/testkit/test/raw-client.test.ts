// The raw client, with the real gpg-agent at the other end and with a fake one that writes in pieces.
import { assert, describe, it } from "@effect/vitest"
import { startFakeAgent } from "../src/fake-agent.ts"
import { makeHomedir } from "../src/homedir.ts"
import { importKey } from "../src/keys.ts"
import { connectRaw, type RawClient } from "../src/raw-client.ts"

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => assert.fail("expected an Error"), (error: Error) => error.message)

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  assert.match((await client.readReply()).last, /^OK Pleased to meet you/)
  return client
}

describe("connectRaw with gpg-agent", () => {
  it("reads the greeting and replies with their data and status lines", async () => {
    await using home = await makeHomedir()
    const { keygrips } = await importKey(home, "plain")
    await using client = await greeted(await home.agentSocket())
    const version = await client.command("GETINFO version")
    assert.match(version.data.toString(), /^2\.\d+\.\d+/)
    assert.strictEqual(version.last, "OK")
    const info = await client.command(`KEYINFO ${keygrips.primary}`)
    assert.deepEqual(info.status, [`KEYINFO ${keygrips.primary} D - - - C - - -`])
    assert.strictEqual((await client.command("NOSUCH")).last, "ERR 67109139 Unknown IPC command <GPG Agent>")
  })

  it("signs: binary data comes back unescaped, and everything received is kept", async () => {
    await using home = await makeHomedir()
    const { keygrips } = await importKey(home, "plain")
    await using client = await greeted(await home.agentSocket())
    await client.command(`SIGKEY ${keygrips.primary}`)
    for (let i = 0; i < 20; i++) {
      await client.command(`SETHASH 8 ${i.toString(16).padStart(64, "0")}`)
      const { data, last } = await client.command("PKSIGN")
      assert.strictEqual(last, "OK")
      // (7:sig-val(5:eddsa(1:r32:...)(1:s32:...)))
      assert.strictEqual(data.length, "(7:sig-val(5:eddsa(1:r32:)(1:s32:)))".length + 64)
      assert.strictEqual(data.subarray(-3).toString(), ")))")
    }
    assert.strictEqual(client.received().toString("latin1").split("\nD (7:sig-val").length - 1, 20)
  })

  it("answers an inquiry", async () => {
    await using home = await makeHomedir()
    const { keygrips } = await importKey(home, "protected")
    await using client = await greeted(await home.agentSocket())
    await client.command("OPTION pinentry-mode=loopback")
    await client.command(`SIGKEY ${keygrips.primary}`)
    await client.command(`SETHASH 8 ${"0".repeat(64)}`)
    const question = await client.command("PKSIGN")
    assert.deepEqual([question.status, question.last], [["INQUIRE_MAXLEN 255"], "INQUIRE PASSPHRASE"])
    assert.match((await client.answer(Buffer.from("a%\n"))).last, /^ERR 67108875 Bad passphrase/)
    await client.command("PKSIGN")
    assert.strictEqual((await client.answer(Buffer.from("abc"))).last, "OK")
  })

  it("sends just the bytes it is told to, when it is told to", async () => {
    await using home = await makeHomedir()
    await home.launchAgent()
    await using client = await greeted(await home.agentSocket())
    client.send("NO")
    assert.match(await messageOf(client.readLine(100)), /within 100 ms, none came, 0 bytes/)
    client.send(Buffer.from("P\n# a comment\n\nNOP\n"))
    assert.strictEqual((await client.readLine()).toString(), "OK")
    assert.strictEqual((await client.readLine()).toString(), "OK")
    client.send("NOP\xe9\n")
    assert.match((await client.readReply()).last, /Unknown IPC command/)
  })

  it("gets its replies after it has closed its writing side, and sees the agent close in order", async () => {
    await using home = await makeHomedir()
    await home.launchAgent()
    await using client = await greeted(await home.agentSocket())
    client.send("NOP\nGETINFO version\n")
    client.end()
    assert.strictEqual((await client.readReply()).last, "OK")
    assert.notStrictEqual((await client.readReply()).data.length, 0)
    assert.strictEqual(await client.closed, "end")
    assert.match(await messageOf(client.readLine()), /closed \(end\), 0 bytes/)
  })

  it("sees a reset where the agent leaves bytes unread", async () => {
    await using home = await makeHomedir()
    await home.launchAgent()
    await using client = await greeted(await home.agentSocket())
    client.send(Buffer.alloc(5_000, "A"))
    assert.match(await client.closed, /^(ECONNRESET|EPIPE)$/)
  })
})

describe("connectRaw", () => {
  for (const split of ["bytes", "lines", "lineThenLf", "whole"] as const) {
    it(`puts lines together again that come as ${split}`, async () => {
      await using agent = await startFakeAgent({
        split,
        handlers: { TEST: ["S A b", "# c", "D x%0Ay", "D z", "OK yes"] }
      })
      await using client = await greeted(agent.socket)
      const { data, last, lines, status } = await client.command("TEST")
      assert.deepEqual(lines.map(String), ["S A b", "# c", "D x%0Ay", "D z", "OK yes"])
      assert.deepEqual([data.toString(), last, status], ["x\nyz", "OK yes", ["A b"]])
    })
  }

  it("tells its own end from the other side's", async () => {
    await using agent = await startFakeAgent()
    await using client = await greeted(agent.socket)
    client.destroy()
    assert.strictEqual(await client.closed, "local")
  })

  it("rejects where nobody listens", async () => {
    assert.match(await messageOf(connectRaw("/nonexistent/socket")), /ENOENT/)
  })
})
