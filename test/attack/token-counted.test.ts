// A use of a token is counted once, whatever it is made of: a decryption that may be a signature, a question of the agent in the middle,
// an owner who is asked by several at once. What was counted is written before anything is released, and revocable until then.
import { assert, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import type { Handler, Handlers } from "@gripgate/testkit/fake-agent/reply"
import type { RawClient } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { allKeys, granted, PASSPHRASE, primary } from "../support/refused-tokens.ts"
import { appPolicy, ask, environmentOption, loopback, sign } from "../support/tokens.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const atTerminal = ["approvers = [\"terminal\"]", "timeout = \"20s\"", "pause = \"1ms\""]
const policyOf = (verdicts: Readonly<Record<string, string>>): string =>
  `default = "forbid"\n${appPolicy("mail", verdicts)}\n`

/** Decrypted by raw RSA, it is whatever it is a signature of. */
const MAY_SIGN = Buffer.concat([Buffer.from("(7:enc-val(3:rsa(1:a8:"), Buffer.alloc(8, 0x41), Buffer.from(")))")])

interface Scene {
  readonly gate: TestGate
  readonly fake: FakeAgent
}

const onScene = async (
  verdicts: Readonly<Record<string, string>>,
  handlers: Handlers,
  check: (scene: Scene) => Promise<void>
): Promise<void> => {
  await using fake = await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE, handlers })
  await using gate = await startTestGate({
    agent: fake.socket,
    policy: policyOf(verdicts),
    apps: ["mail"],
    logLevel: 7,
    approve: atTerminal
  })
  await check({ gate, fake })
}

const client = async ({ gate }: Scene, token: Buffer): Promise<RawClient> => {
  const opened = await gate.client("mail")
  await ask(opened, environmentOption(token))
  return opened
}

/** Decrypts what may be a signature; nothing is known of what the key is for. */
const decryptSigning = async (from: RawClient): Promise<{ readonly said: string; readonly lines: number }> => {
  await assertTalk(from, [`SETKEY ${primary}`, "OK"])
  const first = await from.command("PKDECRYPT")
  if (outcome(first) !== "INQUIRE CIPHERTEXT") return { said: outcome(first), lines: first.lines.length }
  const reply = await from.answer(MAY_SIGN, 10_000)
  return { said: outcome(reply), lines: reply.lines.length }
}

/** An agent that decrypts; `seen` is called when it has the ciphertext. */
const decrypting = (seen: () => void | Promise<void> = () => {}): Handlers => {
  const handler: Handler = () => ({
    inquire: "CIPHERTEXT",
    maxlen: 4096,
    next: () => {
      void seen()
      return { afterMs: 20, reply: ["D x", "OK"] }
    }
  })
  return { PKDECRYPT: handler }
}

/** There is no room for a file until this is disposed of. */
const fullDisk = async (path: string): Promise<AsyncDisposable> => {
  const one = await open(path)
  const { ino } = await one.stat()
  const shared: FileHandle = Object.getPrototypeOf(one)
  await one.close()
  const { write } = shared
  const noRoom = async function(this: FileHandle, ...args: Parameters<FileHandle["write"]>) {
    if ((await this.stat()).ino !== ino) return await write.apply(this, args)
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
  }
  shared.write = noRoom as FileHandle["write"]
  return {
    [Symbol.asyncDispose]: async () => {
      shared.write = write
    }
  }
}

const writtenUses = ({ gate }: Scene): number =>
  readFileSync(join(dirname(gate.control), "state", "grants.jsonl"), "utf8").split("\n").filter((line) =>
    line.includes("\"op\":\"used\"")
  ).length

describe("a decryption that may be a signature, which needs a token where decryption needs none", () => {
  const verdicts = { sign: "token", decrypt: "allow" }
  const bounds = {
    "a number of uses": { maxUses: 1 },
    "a rate": { rate: { count: 1, per: 86_400_000 } }
  }
  for (const [what, bound] of Object.entries(bounds)) {
    it(`is counted: ${what}`, async () => {
      let decrypted = 0
      await onScene(verdicts, decrypting(() => void decrypted++), async (scene) => {
        const { grant, token } = await granted(scene.gate, { operations: ["sign"] }, bound)
        await using mail = await client(scene, token)
        assert.strictEqual((await decryptSigning(mail)).said, "OK")
        assert.strictEqual(grant.uses, 1)
        for (let i = 0; i < 2; i++) {
          assert.deepStrictEqual(await decryptSigning(mail), { said: ERR.FORBIDDEN, lines: 1 })
        }
        assert.strictEqual(grant.uses, 1)
        assert.strictEqual(decrypted, 1, "the agent got no more of them")
      })
    })
  }

  it("is written before the agent has the ciphertext", async () => {
    const written: Array<number> = []
    const scenes: Array<Scene> = []
    const seen = () => void written.push(writtenUses(scenes[0]!))
    await onScene(verdicts, decrypting(seen), async (scene) => {
      scenes.push(scene)
      const { token } = await granted(scene.gate, { operations: ["sign"] }, { maxUses: 3 })
      await using mail = await client(scene, token)
      for (let i = 0; i < 3; i++) assert.strictEqual((await decryptSigning(mail)).said, "OK")
      assert.deepStrictEqual(written, [1, 2, 3])
    })
  })

  it("does not go to the agent where it cannot be written", async () => {
    let decrypted = 0
    await onScene(verdicts, decrypting(() => void decrypted++), async (scene) => {
      const { token } = await granted(scene.gate, { operations: ["sign"] }, { maxUses: 3 })
      await using mail = await client(scene, token)
      const path = join(dirname(scene.gate.control), "state", "grants.jsonl")
      await using _ = await fullDisk(path)
      assert.deepStrictEqual(await decryptSigning(mail), { said: ERR.FORBIDDEN, lines: 1 })
      assert.strictEqual(decrypted, 0)
    })
  })

  it("is not released where the grant is revoked while the agent works", async () => {
    const revoking: Array<() => Promise<void>> = []
    await onScene(verdicts, decrypting(() => revoking[0]!()), async (scene) => {
      const { grant, token } = await granted(scene.gate, { operations: ["sign"] })
      revoking.push(() => Effect.runPromise(scene.gate.inside.grants.tokens.revoke([grant], { through: "test" })))
      await using mail = await client(scene, token)
      const { lines, said } = await decryptSigning(mail)
      assert.match(said, /^ERR /)
      assert.strictEqual(lines, 1, "nothing of what the agent said")
      assert.notMatch(mail.received().toString("latin1"), /^D /m)
    })
  })

  it("and without a token the agent gets none", async () => {
    let decrypted = 0
    await onScene(verdicts, decrypting(() => void decrypted++), async ({ gate }) => {
      await using mail = await gate.client("mail")
      assert.strictEqual((await decryptSigning(mail)).said, ERR.FORBIDDEN)
      assert.strictEqual(decrypted, 0)
    })
  })
})

describe("a decryption that may be a signature, where both need a token", () => {
  it("is one use, also the last one of a grant", () =>
    onScene({ sign: "token", decrypt: "token" }, decrypting(), async (scene) => {
      const wish = { operations: ["sign", "decrypt"], seal: false } as const
      const { grant, token } = await granted(scene.gate, wish, { maxUses: 2 })
      await using mail = await client(scene, token)
      for (const uses of [1, 2]) {
        assert.strictEqual((await decryptSigning(mail)).said, "OK")
        assert.strictEqual(grant.uses, uses)
      }
      assert.strictEqual(writtenUses(scene), 2)
      assert.strictEqual((await decryptSigning(mail)).said, ERR.BAD_PASSPHRASE)
    }))

  it("is one of each where they are of two grants", () =>
    onScene({ sign: "token", decrypt: "token" }, decrypting(), async (scene) => {
      const signing = await granted(scene.gate, { operations: ["sign"], seal: false }, { maxUses: 1 })
      const opening = await granted(scene.gate, { operations: ["decrypt"], seal: false }, { maxUses: 2 })
      await using mail = await client(scene, signing.token)
      await ask(mail, "GRIPGATE WHOAMI")
      await ask(mail, environmentOption(opening.token))
      assert.strictEqual((await decryptSigning(mail)).said, "OK")
      assert.deepStrictEqual([signing.grant.uses, opening.grant.uses], [1, 1])
      assert.strictEqual((await decryptSigning(mail)).said, ERR.FORBIDDEN, "none is left to sign with")
    }))
})

describe("a question of the agent within a use", () => {
  for (const maxUses of [1, 2]) {
    it(`is no use of its own: ${maxUses === 1 ? "the last" : "the first"} one of a grant`, () =>
      onScene(
        { sign: "token", loopback: "allow" },
        { PKSIGN: { inquire: "CONFIRM 1", before: ["S SETDESC Really?"], next: () => ["D x", "OK"] } },
        async (scene) => {
          const { grant, token } = await granted(scene.gate, { operations: ["sign"], seal: false }, { maxUses })
          const control = controlOf(scene.gate.control)
          await using watcher = await control.watch()
          await using mail = await client(scene, token)
          assert.strictEqual(await loopback(mail), "OK")
          const signed = sign(mail, primary)
          const [question] = await watcher.open()
          assert.strictEqual(grant.uses, 1)
          await control.answer(question!.id, "yes")
          assert.strictEqual(await signed, "OK")
          assert.strictEqual(grant.uses, 1)
          assert.strictEqual(writtenUses(scene), 1)
        }
      ))
  }
})

describe("sessions that wait for the owner's yes with the same tokens", () => {
  it("never make more signatures than the tokens have uses", () =>
    onScene(
      { sign: "token", certify: "ask", authenticate: "allow" },
      { PKSIGN: ["D x", "OK"] },
      async (scene) => {
        const wish = { operations: ["sign"], keys: [primary], seal: false } as const
        const grants = [
          await granted(scene.gate, wish, { maxUses: 1 }),
          await granted(scene.gate, wish, { maxUses: 1 })
        ]
        const control = controlOf(scene.gate.control)
        await using watcher = await control.watch()
        await using using = new AsyncDisposableStack()
        const signing: Array<Promise<string>> = []
        for (let i = 0; i < 3; i++) {
          const each = using.use(await scene.gate.client("mail"))
          for (const { token } of grants) {
            await ask(each, environmentOption(token))
            await ask(each, "GRIPGATE WHOAMI")
          }
          await assertTalk(each, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST.slice(0, -1)}${i}`, "OK"])
          signing.push(each.command("PKSIGN", 20_000).then(outcome))
        }
        for (const { id } of await watcher.open(3)) await control.answer(id, "yes")
        const said = await Promise.all(signing)
        assert.deepStrictEqual(said.toSorted(), [ERR.FORBIDDEN, "OK", "OK"])
        assert.deepStrictEqual(grants.map(({ grant }) => grant.uses), [1, 1])
        assert.strictEqual(scene.fake.commands().filter((line) => line.startsWith("PKSIGN")).length, 2)
      }
    ))
})
