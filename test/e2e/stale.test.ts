// The owner changes the passphrase of a key that is sealed, with gpg and past the gate: the grant is stale at its next use, whoever
// has unlocked the key since, and works again with a token that is made with the new passphrase.
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import type { Issued } from "@gripgate/proxy/grant/issue"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { appPolicy, ask, decrypt, loopback, needsToken, sign } from "../support/tokens.ts"
import { assertTalk, ERR } from "../support/wire.ts"

const { fingerprint, keygrips: { encryption, primary } } = fixtureKeys.protected
const OLD = Buffer.from("abc")
const NEW = "another passphrase, 8"
const policy = `default = "forbid"\n${appPolicy("mail", needsToken)}\n`

let home: Homedir
let gate: TestGate
let issued: Issued

beforeEach(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
  await importKey(home, "protected")
  await home.launchAgent()
  gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path, policy, apps: ["mail"] })
  issued = await gate.grant({ app: "mail", keys: [fingerprint] }, OLD)
})
afterEach(async () => {
  await gate.close()
  await home.close()
})

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}
const socketNamed = async (name: string): Promise<string> =>
  (await home.run(["gpgconf", "--list-dirs", name])).stdout.toString().trim()

/** The owner's gpg changes it, without the gate. */
const change = async (to: string): Promise<void> => {
  const args = ["gpg", "--pinentry-mode", "loopback", "--no-tty", "--command-fd", "0", "--passwd", fingerprint]
  // gpg asks for an empty one for each of the two keys
  const changed = await home.run(args, { input: `abc\n${to}\n${to}\n` })
  assert.strictEqual(changed.code, 0, changed.stderr)
  await using owner = await greeted(await home.agentSocket())
  await assertTalk(owner, ["RELOADAGENT", "OK"])
}

/** Somebody unlocks both keys with the new passphrase, typed into a pinentry, over one of the agent's sockets. */
const unlockAt = async (name: string): Promise<void> => {
  await home.pinentry.script({ answers: [], default: { pin: NEW } })
  await using client = await greeted(await socketNamed(name))
  assert.strictEqual(await sign(client, primary), "OK")
  assert.strictEqual(await decrypt(client, encryption), "OK")
  await home.pinentry.script({ answers: [] })
  assert.strictEqual(await decrypt(client, encryption), "OK", "it is in the cache there")
}

const unlockedBy: Readonly<Record<string, () => Promise<void>>> = {
  nobody: async () => {},
  "somebody at the agent's socket": () => unlockAt("agent-socket"),
  "somebody at its extra socket": () => unlockAt("agent-extra-socket"),
  "somebody at its browser socket": () => unlockAt("agent-browser-socket")
}

const mailClient = async (): Promise<RawClient> => {
  const client = await gate.client("mail")
  await loopback(client)
  return client
}

const rotate = (passphrase: Buffer): Promise<Issued> => {
  const { issuer } = gate.inside
  const { id } = issued.grant
  return Effect.runPromise(Effect.flatMap(issuer.planRotation(id), (plan) => {
    const passphrases = new Map(plan.keys.filter((key) => key.sealed).map(({ info }) => [info.keygrip, passphrase]))
    return issuer.rotate(id, plan, 0, passphrases, { through: "test" })
  }))
}

const stale = (): ReadonlyArray<string> => [...issued.grant.stale.keys()]

/** gpg of the app, the token for its passphrase. */
const gpg = async (token: Buffer, args: ReadonlyArray<string>, file = "") => {
  await using client = await makeClientHome({ owner: home, socket: gate.socketOf("mail") })
  const fd = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
  if (file !== "") await writeFile(join(client.path, "text"), file)
  return await client.run(["gpg", ...fd, ...args, join(client.path, "text")], {
    input: Buffer.concat([token, Buffer.from("\n")])
  })
}

describe("a changed passphrase makes a seal stale", () => {
  for (const [who, unlock] of Object.entries(unlockedBy)) {
    it(`for the next signature and the next decryption, with the key unlocked since by ${who}`, async () => {
      await using before = await mailClient()
      assert.strictEqual(await sign(before, primary, issued.token), "OK")
      assert.strictEqual(await decrypt(before, encryption), "OK")

      await change(NEW)
      await unlock()
      assert.strictEqual(await sign(before, primary), ERR.BAD_PASSPHRASE, "on a connection that has used it")
      assert.deepStrictEqual(stale(), [primary])
      await using after = await mailClient()
      assert.strictEqual(await decrypt(after, encryption, issued.token), ERR.BAD_PASSPHRASE, "and on another")
      assert.sameMembers([...stale()], [primary, encryption])
      assert.strictEqual(await sign(after, primary, issued.token), ERR.BAD_PASSPHRASE)
      assert.include(gate.log().join("\n"), `the grant ${issued.grant.id} is stale`)

      const next = await rotate(Buffer.from(NEW))
      assert.deepStrictEqual(stale(), [])
      await using rotated = await mailClient()
      assert.strictEqual(await sign(rotated, primary, next.token), "OK")
      assert.strictEqual(await decrypt(rotated, encryption), "OK")
      assert.strictEqual(await sign(before, primary, issued.token), ERR.BAD_PASSPHRASE, "the old token is replaced")
    })

    it(`for a decryption that comes first, with the key unlocked since by ${who}`, async () => {
      await change(NEW)
      await unlock()
      await using client = await mailClient()
      assert.strictEqual(await decrypt(client, encryption, issued.token), ERR.BAD_PASSPHRASE)
      assert.deepStrictEqual(stale(), [encryption])
    })
  }

  it("gpg says what it is, and works with the next token", async () => {
    const signed = await gpg(issued.token, ["--armor", "--detach-sign", "--output", "-"], "a text\n")
    assert.strictEqual(signed.code, 0, signed.stderr)
    await change(NEW)
    const refused = await gpg(issued.token, ["--armor", "--detach-sign", "--output", "-"], "a text\n")
    assert.strictEqual(refused.code, 2)
    assert.match(refused.stderr, /signing failed: Bad passphrase/)
    const next = await rotate(Buffer.from(NEW))
    const again = await gpg(next.token, ["--armor", "--detach-sign", "--output", "-"], "a text\n")
    assert.strictEqual(again.code, 0, again.stderr)
  })

  it("a passphrase that is taken away is a change too", async () => {
    await change("")
    await using direct = await greeted(await home.agentSocket())
    assert.strictEqual(await sign(direct, primary), "OK", "anybody who reaches the agent can sign")
    await using client = await mailClient()
    assert.strictEqual(await sign(client, primary, issued.token), ERR.BAD_PASSPHRASE)
    assert.strictEqual(await decrypt(client, encryption), ERR.BAD_PASSPHRASE)
    assert.sameMembers([...stale()], [primary, encryption])
    assert.include(gate.log().join("\n"), "the key has no passphrase any more")
  })

  it("a rotation with the old passphrase is refused, and the grant stays as it is", async () => {
    await change(NEW)
    const refused = await rotate(OLD).then(() => "rotated", String)
    assert.include(refused, "this is not the passphrase of the key")
    await using client = await mailClient()
    assert.strictEqual(await sign(client, primary, issued.token), ERR.BAD_PASSPHRASE)
  })
})

/** A key file that says that the key is on a card (GnuPG agent/protect.c, agent_shadow_key). */
const shadowed = (q: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from("(20:shadowed-private-key(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa)(1:q33:"),
    q,
    Buffer.from(")(8:shadowed5:t1-v1(16:"),
    Buffer.from("D2760001240102000005000000010000", "hex"),
    Buffer.from("9:OPENPGP.1))))")
  ])

describe("a key that was moved to a card", () => {
  it("makes the seal stale, with a real agent", async () => {
    await using direct = await greeted(await home.agentSocket())
    const { data } = await direct.command(`READKEY ${primary}`)
    const at = data.indexOf("(1:q33:") + "(1:q33:".length
    await writeFile(join(home.path, "private-keys-v1.d", `${primary}.key`), shadowed(data.subarray(at, at + 33)))
    assert.match((await direct.command(`KEYINFO ${primary}`)).status.join(), / T D2760001240102000005000000010000 /)
    await using client = await mailClient()
    assert.strictEqual(await sign(client, primary, issued.token), ERR.BAD_PASSPHRASE)
    assert.deepStrictEqual(stale(), [primary])
    assert.include(gate.log().join("\n"), "the key is on a card now")
  })

  it("is never sent the seal: it would cost the card a try", async () => {
    const secret = Buffer.from("a sealed passphrase")
    await using fake = await startProtectedAgent({ keys: [primary], passphrase: secret })
    await using other = await startTestGate({ agent: fake.socket, policy, apps: ["mail"] })
    const { grant, token } = await other.grant({ app: "mail", keys: [`grip:${primary}`], operations: ["sign"] }, secret)
    fake.handle("KEYINFO", [`S KEYINFO ${primary} T D2760001240102000005000000010000 OPENPGP.1 - - - - -`, "OK"])
    const heard = fake.connections.length
    await using client = await other.client("mail")
    await loopback(client)
    assert.strictEqual(await sign(client, primary, token), ERR.BAD_PASSPHRASE)
    assert.deepStrictEqual([...grant.stale.keys()], [primary])
    const since = fake.connections.slice(heard).flatMap((connection) => [...connection.lines()])
    assert.notInclude(Buffer.concat(since).toString("latin1"), secret.toString())
    assert.isFalse(since.some((line) => line.toString("latin1").startsWith("PKSIGN")))
    assert.strictEqual(await ask(client, "PKSIGN", token), ERR.BAD_PASSPHRASE)
  })
})
