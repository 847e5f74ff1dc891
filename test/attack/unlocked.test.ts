// App a may do everything and has unlocked a key. App b sees that key; `sign` and `decrypt` need a token for it, it has none, and
// nothing else is named. It must get nothing out of what a has unlocked, whatever the default of the policy.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { operations } from "@gripgate/protocol/operation"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey, type TestKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { createCipheriv } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { NONCE, startBusyAgent } from "../support/agent.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertTalk, DIGEST, ecdhCiphertext, ERR, outcome } from "../support/wire.ts"
import { type Known, lootOf, mustBeForbidden, notingSteps, type Step, type Way, ways } from "./unlocked-ways.ts"

const PASSPHRASE = "abc"
const SYMMETRIC = "no key's one"
const hex = (text: string): string => Buffer.from(text).toString("hex").toUpperCase()
const { encryption, primary } = fixtureKeys.protected.keygrips
const symmetricId = "S0123456789ABCDEF"

const policyOf = (byDefault: string, keys = "\"*\""): string =>
  [
    `default = "${byDefault}"`,
    "[apps.a]",
    "socket = \"a\"",
    "keys = [\"*\"]",
    ...operations.map((operation) => `${operation} = "allow"`),
    "[apps.b]",
    "socket = \"b\"",
    `keys = [${keys}]`,
    "sign = \"token\"",
    "decrypt = \"token\""
  ].join("\n")

const inLoopback = async (client: RawClient, line: string, answer: string): Promise<ReadonlyArray<string>> => {
  assert.match(outcome(await client.command(line)), /^INQUIRE (?:NEW_)?PASSPHRASE$/, line)
  const { last, status } = await client.answer(Buffer.from(answer))
  assert.match(last, /^OK/, line)
  return status
}

const nonceIn = (status: ReadonlyArray<string>): string =>
  status.find((line) => /^(?:CACHE|PASSWD)_NONCE /.test(line))!.split(" ")[1]!

/** Everything of a's that a passphrase opens, and its nonces, which live as long as its connection. */
const unlock = async (a: RawClient, other: Known["other"]): Promise<Known> => {
  await assertTalk(a, ["OPTION pinentry-mode=loopback", "OK"], ["GENKEY", "INQUIRE KEYPARAM"])
  const param = Buffer.from("(6:genkey(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa)))")
  assert.strictEqual(outcome(await a.answer(param)), "INQUIRE NEW_PASSPHRASE")
  const cacheNonce = nonceIn((await a.answer(Buffer.from(PASSPHRASE))).status)
  const passwdNonce = nonceIn(await inLoopback(a, `PASSWD --verify ${primary}`, PASSPHRASE))
  await inLoopback(a, `GET_PASSPHRASE --data ${symmetricId} X X Please`, SYMMETRIC)
  await assertTalk(a, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  await inLoopback(a, "PKSIGN", PASSPHRASE)
  await assertTalk(a, [`PRESET_PASSPHRASE ${primary} -1 ${hex(PASSPHRASE)}`, "OK"])
  await assertTalk(a, [`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
  // with the passphrase of the first key the agent opens this one too; another agent asks
  const decrypted = outcome(await a.answer(ecdhCiphertext))
  if (decrypted !== "OK") assert.strictEqual(outcome(await a.answer(Buffer.from(PASSPHRASE))), "OK")
  return { locked: { primary, encryption }, other, cacheNonce, passwdNonce, symmetricId }
}

const modes = ["loopback", "ask"] as const

/** What b gets with each mode of pinentry; each line that has to be forbidden was. */
const tryAsB = async (gate: TestGate, tried: ReadonlyArray<Way>, known: Known): Promise<void> => {
  for (const mode of modes) {
    await using b = await gate.client("b")
    const steps: Array<Step> = []
    const say = notingSteps(b, steps)
    await say(`OPTION pinentry-mode=${mode}`)
    for (const { go } of tried) await go(say, known)
    assert.deepStrictEqual(steps.filter((step) => lootOf(step) !== undefined).map(({ line }) => line), [], mode)
    const others = steps.filter(({ line, outcome }) => mustBeForbidden(line) && outcome !== ERR.FORBIDDEN)
    assert.deepStrictEqual(others.map(({ line, outcome }) => `${line}: ${outcome}`), [], mode)
    const received = b.received().toString("latin1")
    for (const secret of [SYMMETRIC, hex(SYMMETRIC), ` ${hex(PASSPHRASE)}`]) assert.notInclude(received, secret)
  }
}

const combined: Way = {
  name: "all of these over one connection",
  go: async (say, known) => {
    for (const { go } of ways) await go(say, known)
  },
  direct: []
}

describe("a key that a has unlocked, and b without a token", () => {
  for (const byDefault of ["allow", "ask", "forbid"]) {
    for (const keys of ["*", "its own list"]) {
      describe(`default = "${byDefault}", the keys of b: ${keys}`, () => {
        let home: Homedir
        let other: Known["other"]
        let gate: TestGate
        beforeAll(async () => {
          for (const program of ["gpg", "gpg-agent"] as const) needs(program)
          home = await makeHomedir({ agentConf: ["allow-preset-passphrase", "disable-scdaemon"] })
          await importKey(home, "protected")
          other = await secondKey(home, "Second <second@example.org>")
          await home.launchAgent()
          const list = [primary, encryption, other.primary, other.encryption].map((grip) => `"grip:${grip}"`).join()
          const policy = policyOf(byDefault, keys === "*" ? undefined : list)
          gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path, policy, apps: ["a", "b"] })
        })
        afterAll(async () => {
          await gate.close()
          await home.close()
        })
        const direct = async (): Promise<RawClient> => {
          const client = await connectRaw(await home.agentSocket())
          await client.readReply()
          return client
        }
        const unlocked = async (a: RawClient): Promise<Known> => {
          await using owner = await direct()
          await assertTalk(owner, ["RELOADAGENT", "OK"], ["OPTION pinentry-mode=loopback", "OK"])
          // the gate gives each app ids of its own; this is what a program that knows no gate leaves there
          await inLoopback(owner, `GET_PASSPHRASE --data ${symmetricId} X X Please`, SYMMETRIC)
          return unlock(a, other)
        }
        for (const way of [...ways, combined]) {
          it(way.name, async () => {
            await using a = await gate.client("a")
            const known = await unlocked(a)
            const before = await keyFile(home, primary)
            await tryAsB(gate, [way], known)
            assert.isTrue(before.equals(await keyFile(home, primary)), "the key is what it was")
            await assertTalk(a, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "OK"])
            if (way === combined) return

            await using anyone = await direct()
            const steps: Array<Step> = []
            const say = notingSteps(anyone, steps)
            await say("OPTION pinentry-mode=loopback")
            await way.go(say, known)
            assert.deepStrictEqual(steps.flatMap((step) => lootOf(step) ?? []), [...way.direct], "without the gate")
          })
        }
      })
    }
  }
})

const secondKey = async (home: Homedir, userId: string): Promise<Known["other"]> => {
  const made = await makeKey(home, {
    userId,
    passphrase: Buffer.from(PASSPHRASE),
    algo: "ed25519",
    subkey: "cv25519"
  })
  return gripsOf(made)
}

const gripsOf = ({ keygrips }: TestKey): Known["other"] => {
  if (keygrips.encryption === undefined) throw new Error("expected a key with an encryption subkey")
  return { primary: keygrips.primary, encryption: keygrips.encryption }
}

const keyFile = (home: Homedir, grip: string): Promise<Buffer> =>
  readFile(join(home.path, "private-keys-v1.d", `${grip}.key`))

const parts = (canonical: Buffer): Buffer => {
  const at = canonical.indexOf("(1:q33:")
  return canonical.subarray(at + 7, at + 40)
}

/** A private key with the public part of another, so that it has the same keygrip: what would overwrite it. */
const bogusKey = (q: Buffer, wrappingKey: Buffer): Buffer => {
  const key = Buffer.concat([
    Buffer.from("(11:private-key(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa)(1:q33:"),
    q,
    Buffer.from(")(1:d32:"),
    Buffer.alloc(32, 0x41),
    Buffer.from(")))")
  ])
  const padded = Buffer.concat([key, Buffer.alloc((8 - key.length % 8) % 8)])
  // AES key wrap as in RFC 3394, section 2.2.3.1
  const wrap = createCipheriv("id-aes128-wrap", wrappingKey, Buffer.from("A6A6A6A6A6A6A6A6", "hex"))
  return Buffer.concat([wrap.update(padded), wrap.final()])
}

/** Deletes a key and puts another in its place, or tries to. What comes of each command. */
const replace = async (client: RawClient, grip: string, q: Buffer): Promise<ReadonlyArray<string>> => {
  const seen = [outcome(await client.command("OPTION pinentry-mode=loopback"))]
  const wrapping = await client.command("KEYWRAP_KEY --import")
  seen.push(outcome(wrapping))
  for (const line of ["IMPORT_KEY --force", `DELETE_KEY --force ${grip}`, "IMPORT_KEY --force"]) {
    let reply = await client.command(line)
    if (outcome(reply) === "INQUIRE KEYDATA") reply = await client.answer(bogusKey(q, wrapping.data))
    if (outcome(reply) === "INQUIRE NEW_PASSPHRASE") reply = await client.answer(Buffer.alloc(0))
    seen.push(outcome(reply))
  }
  return seen
}

describe("DELETE_KEY --force and IMPORT_KEY --force of b, and a key that a has unlocked", () => {
  for (const byDefault of ["allow", "ask", "forbid"]) {
    it(`default = "${byDefault}": the key is there and unchanged, and b has nothing of it`, async () => {
      await using home = await makeHomedir({ agentConf: ["allow-preset-passphrase", "disable-scdaemon"] })
      const { primary: grip } = await secondKey(home, "Victim <victim@example.org>")
      await home.launchAgent()
      const agent = await home.agentSocket()
      await using gate = await startTestGate({
        agent,
        homedir: home.path,
        policy: policyOf(byDefault),
        apps: ["a", "b"]
      })
      await using a = await gate.client("a")
      await assertTalk(a, ["OPTION pinentry-mode=loopback", "OK"], [`SIGKEY ${grip}`, "OK"])
      await assertTalk(a, [`SETHASH 8 ${DIGEST}`, "OK"])
      await inLoopback(a, "PKSIGN", PASSPHRASE)
      const q = parts((await a.command(`READKEY ${grip}`)).data)
      const before = await keyFile(home, grip)

      await using b = await gate.client("b")
      await replace(b, grip, q)
      const steps: Array<Step> = []
      const say = notingSteps(b, steps)
      for (const line of [`SIGKEY ${grip}`, `SETHASH 8 ${DIGEST}`, "PKSIGN"]) await say(line)
      assert.deepStrictEqual(steps.flatMap((step) => lootOf(step) ?? []), [], "b has no signature")

      const after = await keyFile(home, grip).catch(() => undefined)
      assert.isTrue(after !== undefined && before.equals(after), "the key is what it was")
      await assertTalk(a, [`SIGKEY ${grip}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "OK"])

      await using anyone = await connectRaw(agent)
      await anyone.readReply()
      assert.deepStrictEqual(await replace(anyone, grip, q), ["OK", "OK", "OK", "OK", "OK"], "without the gate")
      assert.isFalse(before.equals(await keyFile(home, grip)), "without the gate it is another key")
    })
  }
})

/** What no agent may get to hear of b: uses of keys, and what a has been given or has put into the cache. */
const forbiddenWords = new RegExp(
  "^(?:PKSIGN|PKDECRYPT|EXPORT_KEY|KEYATTR|KEYTO|SETHASH|SIGKEY|SETKEY |SCD (?:SETDATA|PK)|PASSWD (?!--verify ))"
    + `|^\\w+_PASSPHRASE (?:--\\S+ )*[0-9A-Fa-f]{40}(?: |$)|${NONCE}|${symmetricId}`
)

describe("a fake agent gets no byte of what is forbidden to b", () => {
  const other = fixtureKeys.rsa.keygrips
  for (const byDefault of ["allow", "ask", "forbid"]) {
    it(`default = "${byDefault}"`, async () => {
      await using fake = await startBusyAgent()
      await using gate = await startTestGate({ agent: fake.socket, policy: policyOf(byDefault), apps: ["a", "b"] })
      await using a = await gate.client("a")
      const known = await unlock(a, other)
      assert.strictEqual(known.cacheNonce, NONCE)
      // b makes keys too, and is given nonces of its own
      for (const command of ["GENKEY", "PASSWD"]) fake.handle(command, ["OK"])
      fake.handle("GET_PASSPHRASE", ["ERR 67108922 No data <GPG Agent>"])
      const heard = new Map(fake.connections.map((connection) => [connection, connection.commands.length]))
      for (const way of [...ways, combined]) await tryAsB(gate, [way], known)
      const since = fake.connections.flatMap((connection) => connection.commands.slice(heard.get(connection) ?? 0))
      assert.deepStrictEqual(since.filter((line) => forbiddenWords.test(line)), [])
      assertCanonical(fake)
    })
  }
})
