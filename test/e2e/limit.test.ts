// How often: a limit of the policy as stock gpg feels it, and wrong passphrases in band, which have to wait and are refused.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey } from "@gripgate/testkit/keys"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { startBusyAgent } from "../support/agent.ts"
import { startTestGate } from "../support/gate.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"
import { assertSigns, sign, text } from "./set-up.ts"

const LIMITED = "sign = { verdict = \"allow\", limit = \"2/hour\" }"

const twoApps = (ofFirst: string, ofAll = ""): string =>
  [
    "default = \"allow\"",
    "[operations]",
    ofAll,
    "[apps.first]",
    "socket = \"first\"",
    "keys = [\"*\"]",
    ofFirst,
    "[apps.second]",
    "socket = \"second\"",
    "keys = [\"*\"]"
  ].join("\n")

describe("limit = \"2/hour\"", () => {
  for (const [where, policy] of [["of one app", twoApps(LIMITED)], ["of all", twoApps("", LIMITED)]] as const) {
    it(`${where}: the third signature ends with Limit reached; another app and another operation do not`, async () => {
      await using owner = await makeHomedir({ agentConf: ["disable-scdaemon"] })
      await importKey(owner, "plain")
      await owner.launchAgent()
      const agent = await owner.agentSocket()
      await using gate = await startTestGate({ agent, homedir: owner.path, policy, apps: ["first", "second"] })
      await using first = await makeClientHome({ owner, socket: gate.socketOf("first") })
      await using second = await makeClientHome({ owner, socket: gate.socketOf("second") })
      const { fingerprint } = fixtureKeys.plain
      const { stdout } = await first.gpg(["--trust-model", "always", "-r", fingerprint, "--encrypt"], { input: text })
      await assertSigns(first)
      await assertSigns(first)
      for (let again = 0; again < 2; again++) {
        const third = await sign(first)
        assert.strictEqual(third.code, 2, third.stderr)
        assert.include(third.stderr, "gpg: signing failed: Limit reached\n")
        assert.notInclude(third.stdout.toString(), "BEGIN PGP SIGNATURE")
      }
      assert.strictEqual((await first.gpg(["--decrypt"], { input: stdout })).stdout.toString(), text)
      await assertSigns(second)
      assert.match(gate.log().join("\n"), /refused PKSIGN|refused sign.*over the limit/)
    })
  }
})

const { primary } = fixtureKeys.protected.keygrips
const WRONG = Buffer.from("not it")

/** A signature in loopback mode with this passphrase; `timeoutMs` for its answer. */
const trySign = async (client: RawClient, grip: string, passphrase: Buffer, timeoutMs?: number): Promise<string> => {
  await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"], ["OPTION use-cache-for-signing=0", "OK"])
  await assertTalk(client, [`SIGKEY ${grip}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "INQUIRE PASSPHRASE"])
  return outcome(await client.answer(passphrase, timeoutMs))
}

/** The same where the turn may be refused before anybody is asked. */
const guess = async (client: RawClient): Promise<string> => {
  await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"], ["OPTION use-cache-for-signing=0", "OK"])
  await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  const reply = await client.command("PKSIGN", 300_000)
  return outcome(reply.last === "INQUIRE PASSPHRASE" ? await client.answer(WRONG, 300_000) : reply)
}

const waits = (log: ReadonlyArray<string>): ReadonlyArray<number> =>
  log.flatMap((line) => {
    const wait = /wrong before, so it waits (\d+) ms/.exec(line)?.[1]
    return wait === undefined ? [] : [Number(wait)]
  })

describe("wrong passphrases in loopback mode", () => {
  it("the fourth try waits; a right one for another key, and another session, do not change that", async () => {
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "protected")
    const own = await makeKey(home, {
      userId: "Own <own@example.org>",
      passphrase: Buffer.from("own"),
      algo: "ed25519"
    })
    await home.launchAgent()
    await using gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path })
    for (let tries = 0; tries < 3; tries++) {
      await using client = await gate.client()
      assert.strictEqual(await trySign(client, primary, WRONG), ERR.BAD_PASSPHRASE)
    }
    assert.deepStrictEqual(waits(gate.log()), [], "people mistype")
    await using client = await gate.client()
    assert.strictEqual(await trySign(client, own.keygrips.primary, Buffer.from("own")), "OK")
    assert.deepStrictEqual(waits(gate.log()), [], "the other key has no wrong answers")
    assert.strictEqual(await trySign(client, primary, Buffer.from("abc")), "OK")
    const [wait, ...more] = waits(gate.log())
    assert.deepStrictEqual(more, [])
    assert.isAbove(wait ?? 0, 0)
    assert.isAtMost(wait ?? Infinity, 1_000)
    assert.strictEqual(await trySign(client, primary, WRONG), ERR.BAD_PASSPHRASE)
    assert.strictEqual(waits(gate.log()).length, 1, "a right one for this key forgives")
  })

  /** Three wrong answers, and then as many tries at once as there are turns, and some more. */
  const guessInParallel = async (tries: number, attempt: (gate: Guessed) => Promise<void>): Promise<void> => {
    const asked = {
      inquire: "PASSPHRASE",
      maxlen: 255,
      next: () => ["ERR 67108875 Bad passphrase <GPG Agent>"]
    } as const
    await using agent = await startBusyAgent({ handlers: { PKSIGN: asked } })
    const gate = await startTestGate({ agent: agent.socket, limits: { stop: 200 } })
    const clients = await Promise.all(Array.from({ length: tries }, () => gate.client()))
    try {
      for (let wrong = 0; wrong < 3; wrong++) {
        assert.strictEqual(await trySign(clients[0]!, primary, WRONG), ERR.BAD_PASSPHRASE)
      }
      const replies: Array<string> = []
      const over = clients.map((client) => guess(client).then((reply) => void replies.push(reply), () => undefined))
      const answered = () =>
        agent.connections.flatMap(({ answers }) => answers).filter(({ data }) => data !== undefined).length - 3
      await attempt({ answered, close: gate.close, log: gate.log, replies })
      for (const client of clients) client.destroy()
      await Promise.all(over)
    } finally {
      for (const client of clients) client.destroy()
      await gate.close()
    }
  }

  interface Guessed {
    readonly replies: ReadonlyArray<string>
    /** Answers that the agent got to hear since the tries began. */
    readonly answered: () => number
    readonly log: () => ReadonlyArray<string>
    readonly close: () => Promise<void>
  }

  it("tried in parallel, those beyond a minute are refused at once with Limit reached", () =>
    guessInParallel(140, async ({ answered, log, replies }) => {
      await untilTrue(() => replies.filter((reply) => reply === ERR.LIMIT_REACHED).length >= 130)
      const told = waits(log())
      assert.isAtMost(Math.max(...told), 60_000)
      assert.isAtMost(answered(), 5, "what waits is not with the agent")
    }))

  it("a gate that stops does not wait until the last of them has had its turn", () =>
    guessInParallel(20, async ({ close, log }) => {
      await untilTrue(() => waits(log()).length >= 5)
      const from = performance.now()
      await close()
      assert.isBelow(performance.now() - from, 3_000)
    }))
})

describe("passphrases in loopback mode that were never wrong before", () => {
  it("tried by sixty at once: three go to the agent, the others wait or are refused", async () => {
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "protected")
    await home.launchAgent()
    await using gate = await startTestGate({
      agent: await home.agentSocket(),
      homedir: home.path,
      limits: { stop: 200 }
    })
    const clients = await Promise.all(Array.from({ length: 60 }, () => gate.client()))
    try {
      for (const client of clients) {
        await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"], ["OPTION use-cache-for-signing=0", "OK"])
        await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
        await assertTalk(client, ["PKSIGN", "INQUIRE PASSPHRASE"])
      }
      const replies: Array<string> = []
      const last = clients.length - 1
      const over = clients.map((client, i) =>
        client.answer(i === last ? Buffer.from("abc") : WRONG, 300_000)
          .then((reply) => void replies.push(outcome(reply)), () => undefined)
      )
      await untilTrue(() => replies.length >= 50)
      assert.notInclude(replies, "OK", "the right one is behind the wrong ones")
      assert.isAtMost(replies.filter((reply) => reply === ERR.BAD_PASSPHRASE).length, 3)
      for (const client of clients) client.destroy()
      await Promise.all(over)
    } finally {
      for (const client of clients) client.destroy()
    }
  })

  it("guessed by way of a key of its own: who is asked for the other and gives no answer was wrong", async () => {
    await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "protected")
    await home.launchAgent()
    await using gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path })
    const attempt = async (): Promise<string> => {
      await using client = await gate.client()
      await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"])
      await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      const { last } = await client.command("PKSIGN", 10_000)
      if (last !== "INQUIRE PASSPHRASE") return last
      client.send("CAN\n")
      await client.readReply()
      return last
    }
    for (let i = 0; i < 3; i++) assert.strictEqual(await attempt(), "INQUIRE PASSPHRASE")
    assert.deepStrictEqual(waits(gate.log()), [])
    const from = performance.now()
    await attempt()
    assert.isAbove(waits(gate.log())[0] ?? 0, 0, "the fourth waits before the agent tries anything")
    assert.isAbove(performance.now() - from, 500)
  })
})

/** Looks again at each turn of the event loop; the test's own time-out ends it. */
const untilTrue = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
