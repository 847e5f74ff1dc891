// Dialogs of the agent and questions of the gate at the same time: neither waits for the other without end, in whichever order they
// come and are answered. Meanwhile everybody else is served, and a gate that stops answers all of it.
import { assert, beforeAll, describe, it } from "@effect/vitest"
import type { Homedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { PinentryScript } from "@gripgate/testkit/pinentry"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import type { RunResult } from "@gripgate/testkit/run"
import { setTimeout as sleep } from "node:timers/promises"
import { type AskingGate, assertNotSigned, assertSigned, gpgBatch, startAsking } from "../support/asking.ts"
import type { AskedQuestion, Watcher } from "../support/control.ts"
import { type Dialog, sinceNow } from "../support/dialogs.ts"
import { assertTalk, DIGEST, ERR, outcome, outcomes } from "../support/wire.ts"
import { makeSlowPinentry, type SlowPinentry } from "./slow-pinentry.ts"

const { plain: alice, protected: bob } = fixtureKeys
const text = "a text\n"

interface Pair extends AskingGate {
  readonly home: Homedir
  readonly slow: SlowPinentry
  /** The text, encrypted to Alice. */
  readonly message: Buffer
}

/** The agent has a pinentry that waits until it is released; the gate's own answers at once. One such pair for each test. */
const withPair = async (
  { env, limits = [], script }: {
    readonly env?: Readonly<Record<string, string>>
    readonly limits?: ReadonlyArray<string>
    readonly script: PinentryScript
  },
  use: (pair: Pair) => Promise<void>
): Promise<void> => {
  await using using = new AsyncDisposableStack()
  const slow = await makeSlowPinentry(using, {
    agentConf: ["disable-scdaemon", "default-cache-ttl 0", "max-cache-ttl 0"]
  })
  const { home } = slow
  for (const key of ["plain", "protected"] as const) await importKey(home, key)
  // to sign is allowed, and the agent wants Bob's passphrase for it; to decrypt is asked for
  const policy = ["default = \"allow\"", "[operations]", "decrypt = \"ask\"", "prompt = \"forbid\"", "[approve]"]
  const approve = [`pinentry = "${home.pinentry.program}"`, "timeout = \"30s\"", "pause = \"1ms\""]
  const { stdout: message } = await home.gpg(["-r", alice.fingerprint, "--encrypt"], { input: text })
  const asking = await startAsking(using, home, {
    policy: [...policy, ...approve, ...limits, ""].join("\n"),
    script,
    ...env !== undefined && { env }
  })
  await use({ ...asking, home, slow, message })
}

const sign = (client: Homedir): Promise<RunResult> => gpgBatch(client, ["-u", bob.fingerprint, "--clearsign"])
const decrypt = (client: Homedir, input: Buffer): Promise<RunResult> => gpgBatch(client, ["--decrypt"], input)
const assertDecrypted = ({ code, stderr, stdout }: RunResult): void => {
  assert.strictEqual(code, 0, stderr)
  assert.strictEqual(stdout.toString(), text)
}
/** Whether something has ended, without waiting for it. */
const isPending = async (ends: Promise<unknown>): Promise<boolean> =>
  await Promise.race([ends.then(() => false), sleep(50, true)])

beforeAll(() => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
})

const pin = { pin: bob.passphrase }

describe("a dialog of the agent that is open", () => {
  it("does not keep a question from being put and answered; then it is answered itself", () =>
    withPair({ script: { answers: [{ confirm: true }, pin] } }, async ({ client, message, slow }) => {
      const signing = sign(client)
      await slow.asked()
      assertDecrypted(await decrypt(client, message))
      assert.isTrue(await isPending(signing))
      await slow.release()
      assertSigned(await signing)
    }))

  it("is answered while a question that came after it is open; then that is answered", () =>
    withPair({ script: { answers: ["hang", pin] } }, async ({ client, control, home, message, slow }) => {
      await using watcher = await control.watch()
      const signing = sign(client)
      await slow.asked()
      const { dialogs } = await sinceNow(home.pinentry)
      const decrypting = decrypt(client, message)
      const [question] = await watcher.open()
      while ((await dialogs()).length === 0) await sleep(10)
      await slow.release()
      assertSigned(await signing)
      assert.isTrue(await isPending(decrypting))
      await control.answer(question!.id, "yes")
      assertDecrypted(await decrypting)
    }))

  it("is the agent's alone where its client waits in loopback mode, with its question to the client open", () =>
    withPair({ script: { answers: [{ confirm: true }] } }, async ({ client, gate, message }) => {
      await using raw = await connectRaw(gate.socket)
      await raw.readReply()
      await assertTalk(raw, ["OPTION pinentry-mode=loopback", "OK"], [`SIGKEY ${bob.keygrips.primary}`, "OK"])
      await assertTalk(raw, [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "INQUIRE PASSPHRASE"])
      assertDecrypted(await decrypt(client, message))
      assert.strictEqual(outcome(await raw.answer(Buffer.from(bob.passphrase))), "OK")
    }))
})

describe("a question that is open", () => {
  for (
    const [first, then] of [["the agent's dialog", "the question"], ["the question", "the agent's dialog"]] as const
  ) {
    it(`does not keep a dialog of the agent from being shown: ${first} is answered first, then ${then}`, () =>
      withPair({ script: { answers: ["hang"], default: pin } }, async ({ client, control, home, message, slow }) => {
        await using watcher = await control.watch()
        const { dialogs } = await sinceNow(home.pinentry)
        const decrypting = decrypt(client, message)
        const [question] = await watcher.open()
        while ((await dialogs()).length === 0) await sleep(10)
        const signing = sign(client)
        await slow.asked()
        const answers = {
          "the agent's dialog": async () => {
            await slow.release()
            assertSigned(await signing)
          },
          "the question": async () => {
            await control.answer(question!.id, "yes")
            assertDecrypted(await decrypting)
          }
        }
        await answers[first]()
        assert.isTrue(await isPending(first === "the question" ? signing : decrypting))
        await answers[then]()
      }))
  }
})

describe("where all dialogs have to appear on one terminal", () => {
  const env = { GPG_TTY: "/dev/null", TERM: "xterm" }
  const shown = async (dialogs: () => Promise<ReadonlyArray<Dialog>>, count: number): Promise<Dialog> => {
    for (;;) {
      const all = await dialogs()
      if (all.length === count) return all[count - 1]!
      await sleep(10)
    }
  }

  // the agent tells of its dialog when its pinentry has started, so that here it starts at once
  it("a question makes way for the agent's dialog, and is shown again when that is over", () =>
    withPair(
      { env, script: { answers: ["hang", "hang", { confirm: true }] } },
      async ({ client, home, message, slow }) => {
        await slow.release()
        const { dialogs } = await sinceNow(home.pinentry)
        const decrypting = decrypt(client, message)
        const first = await shown(dialogs, 1)
        const signing = sign(client)
        const agents = await shown(dialogs, 2)
        assert.strictEqual(agents.question, "GETPIN")
        assert.isFalse(isAlive(first.pid), "it had left the terminal before")
        assert.isTrue(await isPending(decrypting))
        process.kill(agents.pid, "SIGKILL")
        assert.strictEqual((await signing).code, 2)
        assertDecrypted(await decrypting)
        const [, , again, ...more] = await dialogs()
        assert.deepStrictEqual(more, [])
        assert.strictEqual(again!.text, first.text)
      }
    ))

  it("a question waits until the agent's dialog is over, and can be answered elsewhere meanwhile", () =>
    withPair({ env, script: { answers: ["hang"] } }, async ({ client, control, home, message, slow }) => {
      await slow.release()
      await using watcher = await control.watch()
      const { dialogs } = await sinceNow(home.pinentry)
      const signing = sign(client)
      const agents = await shown(dialogs, 1)
      const decrypting = decrypt(client, message)
      const [question] = await watcher.open()
      // a pinentry needs a tenth of that to show itself
      await sleep(1_000)
      await control.answer(question!.id, "yes")
      assertDecrypted(await decrypting)
      assert.isTrue(await isPending(signing))
      assert.lengthOf(await dialogs(), 1, "the question was never shown on the terminal")
      process.kill(agents.pid, "SIGKILL")
      assert.strictEqual((await signing).code, 2)
    }))

  it("a question that was withdrawn meanwhile does not come back behind the agent's dialog", () =>
    withPair({ env, script: { answers: ["hang"] } }, async ({ client, control, home, message, slow }) => {
      await slow.release()
      await using watcher = await control.watch()
      const { dialogs } = await sinceNow(home.pinentry)
      const decrypting = decrypt(client, message)
      const first = await shown(dialogs, 1)
      const signing = sign(client)
      const agents = await shown(dialogs, 2)
      assert.notStrictEqual(agents.pid, first.pid)
      const [question] = await watcher.open()
      await control.answer(question!.id, "no")
      assert.strictEqual((await decrypting).code, 2)
      process.kill(agents.pid, "SIGKILL")
      assert.strictEqual((await signing).code, 2)
      // the next one is, so the way is free
      const next = decrypt(client, message)
      const { text } = await shown(dialogs, 3)
      assert.strictEqual(text, first.text)
      const [again] = await watcher.open()
      assert.notStrictEqual(again!.id, question!.id)
      await control.answer(again!.id, "yes")
      assertDecrypted(await next)
    }))
})

describe("while questions wait", () => {
  const { encryption, primary } = alice.keygrips
  const greeted = async (using: AsyncDisposableStack, socket: string): Promise<RawClient> => {
    const client = using.use(await connectRaw(socket))
    await client.readReply()
    return client
  }
  /** Brings so many clients to where they wait for the owner: three are open, the others wait in line. */
  const crowd = async (using: AsyncDisposableStack, socket: string, watcher: Watcher, count: number) => {
    const clients: Array<RawClient> = []
    for (let n = 0; n < count; n++) {
      const client = await greeted(using, socket)
      client.send(`SETKEY ${encryption}\nPKDECRYPT\n`)
      assert.deepStrictEqual(await outcomes(client, 1), ["OK"])
      clients.push(client)
    }
    await watcher.until("all of them", ({ asks }) => asks.length === count)
    return clients
  }

  it("all others are served: a thousand commands that need no yes, and gpg", () =>
    withPair({ script: { answers: ["hang"] } }, async ({ client, control, gate }) => {
      await using using = new AsyncDisposableStack()
      await using watcher = await control.watch()
      await crowd(using, gate.socket, watcher, 8)
      const asked = (asks: ReadonlyArray<AskedQuestion>) => asks.map(({ id, state }) => `${id} ${state}`)
      const before = asked(await control.asks())
      const others = await Promise.all(Array.from({ length: 10 }, () => greeted(using, gate.socket)))
      await Promise.all(others.map(async (other, n) => {
        await assertTalk(other, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
        for (let i = 0; i < 50; i++) {
          // half of them by way of the agent
          await assertTalk(other, [`KEYINFO ${primary}`, "OK"], [n % 2 === 0 ? "PKSIGN" : "GETINFO version", "OK"])
        }
      }))
      assertSigned(await gpgBatch(client, ["-u", alice.fingerprint, "--clearsign"]))
      assert.deepStrictEqual(asked(await control.asks()), before)
    }))

  it("a gate that stops answers each of them with no, takes its dialog away, and ends in time", () =>
    withPair({ script: { answers: ["hang"] } }, async ({ control, gate, home }) => {
      await using using = new AsyncDisposableStack()
      const watcher = using.use(await control.watch())
      const { dialogs } = await sinceNow(home.pinentry)
      const clients = await crowd(using, gate.socket, watcher, 8)
      while ((await dialogs()).length === 0) await sleep(10)
      const started = performance.now()
      const stopping = gate.stop("SIGTERM", 20_000)
      for (const client of clients) assert.deepStrictEqual(await outcomes(client, 1), [ERR.NO_AGENT])
      assert.deepStrictEqual(await stopping, { code: 0, signal: null })
      assert.isBelow(performance.now() - started, 3_000)
      assert.deepStrictEqual(await waitGone((await dialogs()).map(({ pid }) => pid), 2_000), [])
    }))

  it("a gate that stops waits for a dialog of the agent no longer than it may, and answers the questions at once", () =>
    withPair(
      { limits: ["[limits]", "stop = \"1s\""], script: { answers: ["hang"] } },
      async ({ client, control, gate, slow }) => {
        await using using = new AsyncDisposableStack()
        const watcher = using.use(await control.watch())
        const signing = sign(client)
        await slow.asked()
        const clients = await crowd(using, gate.socket, watcher, 4)
        const started = performance.now()
        const stopping = gate.stop("SIGTERM", 20_000)
        for (const each of clients) assert.deepStrictEqual(await outcomes(each, 1), [ERR.NO_AGENT])
        assert.isBelow(performance.now() - started, 1_000, "before the agent's dialog")
        assert.deepStrictEqual(await stopping, { code: 0, signal: null })
        assert.isBelow(performance.now() - started, 5_000)
        assertNotSigned(await signing, "No agent running")
      }
    ))
})
