// Stock gpg under `ask` with a pinentry that is not as it should be, and with uses of keys other than a plain signature: how often
// the owner is asked, what he is told, and what gpg says at its end. The usual ways of a signature are in ask.test.ts.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { PinentryAnswer, PinentryScript } from "@gripgate/testkit/pinentry"
import { waitGone } from "@gripgate/testkit/processes"
import type { RunResult } from "@gripgate/testkit/run"
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type AskingGate, askPolicy, assertNotSigned, assertSigned, gpgBatch, startAsking } from "../support/asking.ts"
import type { AskedQuestion, Snapshot } from "../support/control.ts"
import { dialogsIn, sinceNow } from "../support/dialogs.ts"

const { plain: alice, protected: bob, rsa } = fixtureKeys
const yes: PinentryAnswer = { confirm: true }
const forAWhile: PinentryAnswer = { confirm: "notok" }
const onlyPinentry = askPolicy("approvers = [\"pinentry\"]", "timeout = \"2s\"")
const text = "a text to read\n"

let owner: Homedir
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  for (const program of ["gpg", "gpg-agent", "git"] as const) needs(program)
  // nothing stays unlocked, so that every test begins alike
  owner = whole.use(await makeHomedir({ agentConf: ["disable-scdaemon", "default-cache-ttl 0", "max-cache-ttl 0"] }))
  for (const key of ["plain", "protected"] as const) await importKey(owner, key)
})
afterAll(() => whole.disposeAsync())

const withGate = async (
  policy: string,
  script: PinentryScript | undefined,
  use: (asking: AskingGate) => Promise<void>
): Promise<void> => {
  await using using = new AsyncDisposableStack()
  await use(await startAsking(using, owner, { policy, ...script !== undefined && { script } }))
}
const sign = (client: Homedir, key: string = alice.fingerprint, ...more: ReadonlyArray<string>) =>
  gpgBatch(client, [...more, "-u", key, "--clearsign"])

describe("a pinentry without a third button", () => {
  const gnome3 = { thirdButton: false, flavor: "gnome3" } as const

  it("is good for a yes to this once, and for a no", () =>
    withGate(onlyPinentry, { ...gnome3, answers: [yes, "cancel"] }, async ({ client }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      assertSigned(await sign(client))
      assertNotSigned(await sign(client), "Operation cancelled")
      // one dialog each: nothing was remembered, and nobody was asked a second time
      assert.lengthOf(await dialogs(), 2)
    }))

  it("leaves a while to the command line, which takes the dialog away", () =>
    withGate(askPolicy("timeout = \"20s\""), { ...gnome3, answers: ["hang"] }, async (asking) => {
      const { client, control, gripgate } = asking
      const { dialogs } = await sinceNow(owner.pinentry)
      await using watcher = await control.watch()
      const signs = `gpg --batch -u ${alice.fingerprint} --clearsign </dev/null`
      const session = client.run(["sh", "-c", `${signs} && ${signs}`])
      const [question] = await watcher.open()
      while ((await dialogs()).length === 0) await sleep(10)
      await owner.pinentry.script({ answers: [], default: "cancel" })
      assert.strictEqual((await gripgate("approve", question!.id, "--for", "15m")).code, 0)
      const { code, stderr, stdout } = await session
      assert.strictEqual(code, 0, stderr)
      assert.lengthOf(stdout.toString().match(/BEGIN PGP SIGNATURE/g)!, 2)
      const shown = await dialogs()
      assert.lengthOf(shown, 1)
      assert.deepStrictEqual(await waitGone([shown[0]!.pid], 5_000), [])
    }))
})

describe("a yes for a while that is asked for a second time", () => {
  for (
    const [what, second, words] of [
      ["is a no where that is refused", "cancel", "Operation cancelled"],
      ["is a no where that window is closed", "close", "Operation cancelled"],
      ["is a no where the pinentry crashes there", "crash", "Operation cancelled"],
      ["is no yes where nobody answers it", "hang", "Timeout"]
    ] as const
  ) {
    it(`${what}: ${words}, and nothing is remembered`, () =>
      withGate(onlyPinentry, { answers: [forAWhile, second, "cancel"] }, async ({ client, control }) => {
        const { dialogs } = await sinceNow(owner.pinentry)
        assertNotSigned(await sign(client), words)
        const [first, again, ...more] = await dialogs()
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(first!.buttons, ["_Yes, once", "_For 15 minutes", "_No"])
        assert.deepStrictEqual(again!.buttons, ["_For 15 minutes", "_No"])
        assert.include(again!.text, "A yes is good for 15 minutes: until then nobody is asked.")
        assert.deepStrictEqual(await control.grants(), [])
      }))
  }
})

describe("a pinentry that answers no question", () => {
  for (
    const [what, script, why] of [
      ["says what is not Assuan", { answers: ["garbage"] }, /it said something that is not Assuan/],
      ["ends before it greets", { answers: [], exits: true }, /it ended with exit code 1/],
      ["fails instead of answering", { answers: [{ pin: "abc" }] }, /error 1/]
    ] as const satisfies ReadonlyArray<readonly [string, PinentryScript, RegExp]>
  ) {
    it(`and ${what} is nobody to ask: Forbidden, and the log says why`, () =>
      withGate(onlyPinentry, script, async ({ client, gate }) => {
        assertNotSigned(await sign(client), "Forbidden")
        const line = await gate.waitForLog(/refused sign .*there is no way to ask the owner: pinentry: /)
        assert.match(line, why)
      }))
  }
})

describe("gpg --batch", () => {
  it("ends with 0 and a signature after a yes", () =>
    withGate(onlyPinentry, { answers: [yes] }, async ({ client }) => {
      const result = await sign(client)
      assertSigned(result)
      assert.match(result.stderr, /^\[GNUPG:\] SIG_CREATED /m)
    }))

  it("ends with 2 and says Timeout where too many questions in a row had no answer", () =>
    withGate(
      askPolicy("approvers = [\"pinentry\"]", "timeout = \"1s\"").replace("pause = \"1ms\"", "pause = \"1h\""),
      { answers: ["hang"] },
      async ({ client, gate }) => {
        const { dialogs } = await sinceNow(owner.pinentry)
        for (let unanswered = 0; unanswered < 2; unanswered++) assertNotSigned(await sign(client), "Timeout")
        await gate.waitForLog(/nobody is asked for user .* for 3600 s: too many questions without a yes/)
        assertNotSigned(await sign(client), "Timeout")
        assert.lengthOf(await dialogs(), 2, "and the third was not put at all")
        await gate.waitForLog(/refused sign .*nobody is asked for now/)
      }
    ))

  it("ends with 2 and says No agent running where the gate stops meanwhile", () =>
    withGate(askPolicy("timeout = \"20s\""), { answers: ["hang"] }, async ({ client, control, gate }) => {
      const signing = sign(client)
      await using watcher = await control.watch()
      await watcher.open()
      const { code } = await gate.stop()
      assert.strictEqual(code, 0)
      assertNotSigned(await signing, "No agent running")
    }))
})

describe("a decryption under ask", () => {
  const encryptedTo = async (key: string): Promise<Buffer> =>
    (await owner.gpg(["-r", key, "--encrypt"], { input: text })).stdout
  const decrypt = (client: Homedir, input: Buffer): Promise<RunResult> => gpgBatch(client, ["--decrypt"], input)
  const assertNotDecrypted = ({ code, stderr, stdout }: RunResult, words: string) => {
    assert.strictEqual(code, 2, stderr)
    assert.include(stderr, `gpg: public key decryption failed: ${words}\n`)
    assert.include(stderr, "[GNUPG:] DECRYPTION_FAILED\n")
    assert.strictEqual(stdout.length, 0)
  }

  it("has one question, which says that it is one and with which key", () =>
    withGate(onlyPinentry, { answers: [yes] }, async ({ client, gate }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      const { code, stderr, stdout } = await decrypt(client, await encryptedTo(alice.fingerprint))
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stdout.toString(), text)
      const [dialog, ...more] = await dialogs()
      assert.deepStrictEqual(more, [])
      assert.match(dialog!.text, /^gripgate: a program that is no app of the policy wants to decrypt\n/)
      assert.match(dialog!.text, /\nIt can: decrypt$/m)
      assert.notInclude(dialog!.text, "digest")
      assert.lengthOf(gate.log().filter((line) => / asked /.test(line)), 1)
    }))

  for (
    const [what, answer, words] of [
      ["a no", "cancel", "Operation cancelled"],
      ["no answer", "hang", "Timeout"]
    ] as const
  ) {
    it(`makes nothing readable after ${what}: ${words}`, () =>
      withGate(onlyPinentry, { answers: [answer] }, async ({ client }) => {
        assertNotDecrypted(await decrypt(client, await encryptedTo(alice.fingerprint)), words)
      }))
  }

  it("asks once for the use, and then the agent asks for the passphrase", () =>
    withGate(onlyPinentry, { answers: [yes, { pin: bob.passphrase }] }, async ({ client }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      const { code, stderr, stdout } = await decrypt(client, await encryptedTo(bob.fingerprint))
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stdout.toString(), text)
      assert.deepStrictEqual((await dialogs()).map(({ question }) => question), ["CONFIRM", "GETPIN"])
    }))

  for (const [kind, key] of [["curve25519", "plain"], ["RSA", "rsa"]] as const) {
    it(`with a key of unknown purpose has one question for decrypt and sign (${kind})`, async () => {
      await using using = new AsyncDisposableStack()
      // a keyring of its own, whose certificates go when the client has them
      const home = using.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
      const { fingerprint } = await importKey(home, key)
      const message = (await home.gpg(["-r", fingerprint, "--encrypt"], { input: text })).stdout
      const listen = join(home.path, "gate.sock")
      const client = using.use(await makeClientHome({ owner: home, socket: listen }))
      await rm(join(home.path, "pubring.kbx"))
      await home.pinentry.script({ answers: [yes], default: "cancel" })
      const args = ["--state", join(home.path, "state"), "--control", join(home.path, "control")]
      const gate = using.use(await startGate({ home, policy: onlyPinentry, listen, args }))
      const { code, stderr, stdout } = await decrypt(client, message)
      assert.strictEqual(code, 0, `${stderr}\n${gate.log().join("\n")}`)
      assert.strictEqual(stdout.toString(), text)
      const [dialog, ...more] = dialogsIn(await home.pinentry.log())
      assert.deepStrictEqual(more, [])
      assert.match(dialog!.text, /wants to decrypt or sign or certify keys or log in\n/)
      assert.include(dialog!.text, `Key: keygrip ${(key === "plain" ? alice : rsa).keygrips.encryption}`)
    })
  }
})

describe("loopback = \"ask\"", () => {
  const loopback = (passphrase: string) => ["--pinentry-mode", "loopback", "--passphrase", passphrase]
  const all = onlyPinentry
  const onlyLoopback = onlyPinentry.replace(
    "default = \"ask\"",
    "default = \"allow\"\n[operations]\nloopback = \"ask\""
  )

  for (
    const [what, policy] of [["with sign = \"allow\"", onlyLoopback], ["with sign = \"ask\" too", all]] as const
  ) {
    it(`${what} has one question, and then the client's own passphrase goes through`, () =>
      withGate(policy, { answers: [yes], default: "cancel" }, async ({ client }) => {
        const { dialogs } = await sinceNow(owner.pinentry)
        assertSigned(await sign(client, bob.fingerprint, ...loopback(bob.passphrase)))
        const [dialog, ...more] = await dialogs()
        assert.deepStrictEqual(more, [])
        assert.strictEqual(dialog!.question, "CONFIRM")
        const [first] = dialog!.text.split("\n")
        assert.match(first!, / wants to sign or certify keys and give the passphrase itself$/)
      }))
  }

  it("does not try the passphrase after a no", () =>
    withGate(onlyLoopback, { answers: ["cancel"] }, async ({ client, gate }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      const result = await sign(client, bob.fingerprint, ...loopback(bob.passphrase))
      assertNotSigned(result, "Operation cancelled")
      assert.lengthOf(await dialogs(), 1)
      assert.isFalse(gate.log().some((line) => line.includes(bob.passphrase)))
    }))

  it("still has a wrong passphrase judged by the agent after a yes", () =>
    withGate(onlyLoopback, { answers: [yes], default: "cancel" }, async ({ client }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      assertNotSigned(await sign(client, bob.fingerprint, ...loopback("not it")), "Bad passphrase")
      assert.lengthOf(await dialogs(), 1)
    }))
})

describe("git commit -S under ask", () => {
  const env = {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Alice",
    GIT_AUTHOR_EMAIL: "alice@example.org",
    GIT_COMMITTER_NAME: "Alice",
    GIT_COMMITTER_EMAIL: "alice@example.org"
  }
  const git = async (client: Homedir, ...args: ReadonlyArray<string>): Promise<RunResult> => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    return client.run(["env", ...variables, "git", "-C", join(client.path, "repo"), ...args])
  }
  const repository = async (client: Homedir): Promise<void> => {
    await client.run(["git", "init", "--quiet", "--initial-branch=main", join(client.path, "repo")])
    await git(client, "commit", "--quiet", "--allow-empty", "-m", "first")
    await git(client, "config", "user.signingKey", alice.fingerprint)
  }
  const commit = (client: Homedir) => git(client, "commit", "--quiet", "--allow-empty", "-S", "-m", "second")
  const count = async (client: Homedir): Promise<string> =>
    (await git(client, "rev-list", "--count", "HEAD")).stdout.toString().trim()

  it("has one question, names git behind gpg, and makes a commit that verifies", () =>
    withGate(onlyPinentry, { answers: [yes], default: "cancel" }, async ({ client }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      await repository(client)
      const { code, stderr } = await commit(client)
      assert.strictEqual(code, 0, stderr)
      const verified = await git(client, "verify-commit", "--raw", "HEAD")
      assert.include(verified.stderr, `VALIDSIG ${alice.fingerprint}`)
      const [dialog, ...more] = await dialogs()
      assert.deepStrictEqual(more, [])
      assert.match(dialog!.text.replaceAll("\n.. ", " "), /\nWho: "[^"]*\/git(?: \(|")/)
    }))

  it("makes no commit after a no", () =>
    withGate(onlyPinentry, { answers: ["cancel"] }, async ({ client, gate }) => {
      await repository(client)
      const { code, stderr } = await commit(client)
      assert.strictEqual(code, 128)
      await gate.waitForLog(/refused sign .*\/git.*the owner said no$/)
      assert.match(stderr, /^fatal: failed to write commit object$/m)
      assert.strictEqual(await count(client), "1")
    }))
})

describe("a pinentry that takes a while until it is there", () => {
  const isTimed = ({ asks: [question] }: Snapshot): boolean => typeof question?.endsAt === "string"

  it("is what the owner's time waits for, and whoever watches is told when it begins", async () => {
    const slow = join(owner.path, "slow-pinentry")
    await writeFile(slow, `#!/bin/sh\nsleep 0.3\nexec ${owner.pinentry.program} "$@"\n`, { mode: 0o700 })
    const policy = onlyPinentry.replace("[approve]", `[approve]\npinentry = "${slow}"`)
    await withGate(policy, { answers: ["hang"] }, async ({ client, control }) => {
      await using watcher = await control.watch()
      const signing = sign(client)
      const [before] = await watcher.open()
      assert.isNull(before!.endsAt)
      const { asks: [question] } = await watcher.until("the owner's time", isTimed, 2_000)
      assert.isAtLeast(Date.parse(question!.endsAt!) - Date.parse(question!.askedAt), 2_300)
      assertNotSigned(await signing, "Timeout")
    })
  })
})

describe("order = \"in-turn\"", () => {
  const inTurn = (approvers: string, timeout = "1s") =>
    askPolicy(`approvers = [${approvers}]`, "order = \"in-turn\"", `timeout = "${timeout}"`)

  it("asks at the terminal when nobody has answered the pinentry, which is gone by then", () =>
    withGate(inTurn("\"pinentry\", \"terminal\"", "2s"), { answers: ["hang"] }, async (asking) => {
      const { client, control } = asking
      const { dialogs } = await sinceNow(owner.pinentry)
      await using watcher = await control.watch()
      const started = performance.now()
      const signing = sign(client)
      const [{ id }] = await watcher.open() as [AskedQuestion]
      const endsAt = async (): Promise<string> => {
        for (;;) {
          const question = (await control.asks()).find((each) => each.id === id)
          if (typeof question?.endsAt === "string") return question.endsAt
          await sleep(20)
        }
      }
      const first = await endsAt()
      while (await endsAt() === first) await sleep(20)
      assert.isAtLeast(performance.now() - started, 2_000)
      const [dialog, ...more] = await dialogs()
      assert.deepStrictEqual(more, [])
      assert.deepStrictEqual(await waitGone([dialog!.pid], 5_000), [])
      await control.answer(id, "yes")
      assertSigned(await signing)
    }))

  it("asks with the pinentry when nobody has answered at the terminal, and not before", () =>
    withGate(inTurn("\"terminal\", \"pinentry\""), { answers: [yes] }, async ({ client }) => {
      const { dialogs } = await sinceNow(owner.pinentry)
      const started = performance.now()
      assertSigned(await sign(client))
      assert.isAtLeast(performance.now() - started, 1_000)
      assert.lengthOf(await dialogs(), 1)
    }))

  it("goes on at once from a pinentry that is missing", () =>
    withGate(
      inTurn("\"pinentry\", \"terminal\"", "20s").replace("[approve]", "[approve]\npinentry = \"/nowhere/pinentry\""),
      undefined,
      async ({ client, control }) => {
        await using watcher = await control.watch()
        const signing = sign(client)
        const [question] = await watcher.open()
        await control.answer(question!.id, "no")
        assertNotSigned(await signing, "Operation cancelled")
      }
    ))

  it("says Timeout where none of them was answered", () =>
    withGate(inTurn("\"pinentry\", \"terminal\""), { answers: ["hang"] }, async ({ client }) => {
      const started = performance.now()
      assertNotSigned(await sign(client), "Timeout")
      assert.isAtLeast(performance.now() - started, 2_000)
    }))
})
