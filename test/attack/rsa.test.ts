// With RSA to decrypt is to sign, and the agent does not look at what a key is for: the gate does, by the certificate where it
// knows one. And what the agent keeps after a refused setter must not be signed with.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, readKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { runOk } from "@gripgate/testkit/run"
import { copyFile, open, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertTalk, ERR, outcome, outcomes } from "../support/wire.ts"
import {
  assertDecrypts,
  decrypt,
  digest,
  encrypted,
  greeted,
  isSignature,
  paddedDigest,
  type PublicKey,
  publicKey,
  text
} from "./rsa-trick.ts"

const { fingerprint, keygrips: { encryption, primary } } = fixtureKeys.rsa

/** The gate waits at its start for the keys that a fingerprint stands for. */
const policyOf = (lines: ReadonlyArray<string>, ...keys: ReadonlyArray<string>): string =>
  ["default = \"allow\"", "[apps.app]", "socket = \"app\"", `keys = ${JSON.stringify(keys)}`, ...lines].join("\n")

describe("a decryption that is a signature", () => {
  let home: Homedir
  let agent: string
  let both: { readonly fingerprint: string; readonly grip: string }
  const unknown = { fingerprint: "", grip: "" }
  beforeAll(async () => {
    home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "rsa")
    both = await signsAndEncrypts(home, "Both <both@example.org>")
    await using elsewhere = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    Object.assign(unknown, await signsAndEncrypts(elsewhere, "Unknown <unknown@example.org>"))
    const file = join("private-keys-v1.d", `${unknown.grip}.key`)
    await copyFile(join(elsewhere.path, file), join(home.path, file))
    await home.launchAgent()
    agent = await home.agentSocket()
  })
  afterAll(() => home.close())

  const gateWith = (lines: ReadonlyArray<string>): Promise<TestGate> =>
    startTestGate({
      agent,
      homedir: home.path,
      policy: policyOf(lines, fingerprint, both.fingerprint, `grip:${unknown.grip}`),
      apps: ["app"]
    })

  /** What is asked directly is a signature that verifies, by every key that can be made to. */
  const assertTrickWorks = async (grip: string): Promise<PublicKey> => {
    await using direct = await greeted(agent)
    const known = await publicKey(direct, grip)
    const { data, outcome } = await decrypt(direct, grip, paddedDigest(known))
    assert.strictEqual(outcome, "OK")
    assert.isTrue(isSignature(known, data, "value"), "directly at the agent it is a signature")
    return known
  }

  for (const policy of [["sign = \"forbid\""], ["sign = \"token\""], []]) {
    it(`with the primary key, under ${policy[0] ?? "a policy that allows all"}: refused outright`, async () => {
      const known = await assertTrickWorks(primary)
      await using gate = await gateWith(policy)
      await using client = await gate.client("app")
      for (const ciphertext of [paddedDigest(known), encrypted(known)]) {
        const { asked, data, outcome } = await decrypt(client, primary, ciphertext)
        assert.deepStrictEqual([asked, outcome, data.length], [false, ERR.FORBIDDEN, 0])
      }
    })
  }

  it("sign = \"forbid\", decrypt = \"allow\": the encryption subkey decrypts, and signs nothing for the primary", async () => {
    await using gate = await gateWith(["sign = \"forbid\"", "decrypt = \"allow\""])
    await using client = await gate.client("app")
    const subkey = await publicKey(client, encryption)
    const known = await publicKey(client, primary)
    await assertDecrypts(client, encryption, subkey)
    const { data, outcome } = await decrypt(client, encryption, paddedDigest(known))
    assert.strictEqual(outcome, "OK")
    assert.isFalse(isSignature(known, data, "value"))
    await assertTalk(client, [`SIGKEY ${encryption}`, "OK"], [`SETHASH 8 ${digest.toString("hex")}`, "OK"])
    await assertTalk(client, ["PKSIGN", ERR.FORBIDDEN])
  })

  it("sign = \"forbid\", decrypt = \"allow\": gpg --decrypt works, gpg --sign does not", async () => {
    await using gate = await gateWith(["sign = \"forbid\"", "decrypt = \"allow\""])
    await using client = await makeClientHome({ owner: home, socket: gate.socketOf("app") })
    const { stdout } = await client.gpg(["--trust-model", "always", "-r", fingerprint, "--encrypt"], { input: text })
    const opened = await client.run(["gpg", "--batch", "--decrypt"], { input: stdout })
    assert.strictEqual(opened.code, 0, opened.stderr)
    assert.isTrue(opened.stdout.equals(text))
    const signed = await client.run(["gpg", "--batch", "-u", fingerprint, "--sign"], { input: text })
    assert.strictEqual(signed.code, 2)
    assert.include(signed.stderr, "gpg: signing failed: Forbidden\n")
  })

  for (
    const [lines, decrypts] of [
      [["sign = \"forbid\"", "decrypt = \"allow\""], false],
      [["sign = \"allow\"", "decrypt = \"forbid\""], false],
      [["sign = \"token\"", "decrypt = \"allow\""], false],
      [["sign = \"allow\"", "certify = \"forbid\"", "decrypt = \"allow\""], false],
      [["sign = \"allow\"", "decrypt = \"allow\""], true]
    ] as const
  ) {
    it(`a key that signs and encrypts needs both verdicts: ${lines.join(", ")}`, async () => {
      const known = await assertTrickWorks(both.grip)
      await using gate = await gateWith(lines)
      await using client = await gate.client("app")
      if (decrypts) return await assertDecrypts(client, both.grip, known)
      for (const ciphertext of [encrypted(known), paddedDigest(known)]) {
        const { data, outcome } = await decrypt(client, both.grip, ciphertext)
        assert.deepStrictEqual([outcome, data.length], [ERR.FORBIDDEN, 0])
      }
    })
  }

  it("a key of which the gate knows nothing: no RSA ciphertext is decrypted where sign is not allowed", async () => {
    const known = await assertTrickWorks(unknown.grip)
    await using gate = await gateWith(["sign = \"forbid\"", "decrypt = \"allow\""])
    await using client = await gate.client("app")
    for (const ciphertext of [paddedDigest(known), encrypted(known)]) {
      const { data, outcome } = await decrypt(client, unknown.grip, ciphertext)
      assert.deepStrictEqual([outcome, data.length], [ERR.FORBIDDEN, 0])
    }
    await using open = await gateWith(["sign = \"allow\"", "decrypt = \"allow\""])
    await using allowed = await open.client("app")
    await assertDecrypts(allowed, unknown.grip, known)
  })

  it("a key of which the gate learns in the middle: what was permitted before is judged as it was then", async () => {
    const known = await assertTrickWorks(primary)
    await using held = await holdGpg()
    await using gate = await startTestGate({
      agent,
      homedir: home.path,
      policy: policyOf(["sign = \"forbid\"", "decrypt = \"allow\""], `grip:${primary}`),
      apps: ["app"]
    })
    const waiting: Array<readonly [client: RawClient, ciphertext: Buffer]> = []
    try {
      for (const ciphertext of [paddedDigest(known), encrypted(known)]) {
        const client = await gate.client("app")
        waiting.push([client, ciphertext])
        await assertTalk(client, [`SETKEY ${primary}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
      }
      await held.release()
      await untilRefusedOutright(gate, primary)
      for (const [client, ciphertext] of waiting) {
        const reply = await client.answer(ciphertext)
        assert.deepStrictEqual([outcome(reply), reply.data.length], [ERR.FORBIDDEN, 0])
      }
    } finally {
      for (const [client] of waiting) await client.close()
    }
  })

  it("a key that only a stranger's certificate says is for decryption: it says nothing, whoever imported it", async () => {
    await using elsewhere = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(elsewhere, "rsa")
    const stranger = await certificateAround(elsewhere, primary, "Stranger <stranger@example.org>")
    await using owner = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    // the gate has read the keyring when it knows the keys of this one
    await importKey(owner, "plain")
    await owner.gpg(["--import"], { input: stranger.certificate })
    const file = join("private-keys-v1.d", `${primary}.key`)
    await copyFile(join(elsewhere.path, file), join(owner.path, file))
    await owner.launchAgent()
    const itsAgent = await owner.agentSocket()
    await using direct = await greeted(itsAgent)
    const known = await publicKey(direct, primary)
    const start = () =>
      startTestGate({
        agent: itsAgent,
        homedir: owner.path,
        policy: policyOf(
          ["sign = \"forbid\"", "decrypt = \"allow\""],
          fixtureKeys.plain.fingerprint,
          `grip:${primary}`
        ),
        apps: ["app"]
      })
    {
      await using gate = await start()
      await using client = await gate.client("app")
      for (const ciphertext of [paddedDigest(known), encrypted(known)]) {
        const { data, outcome } = await decrypt(client, primary, ciphertext)
        assert.deepStrictEqual([outcome, data.length], [ERR.FORBIDDEN, 0])
      }
    }
    // the owner may say that it is his: then it does
    await owner.gpg(["--import-ownertrust"], { input: `${stranger.fingerprint}:6:\n` })
    await owner.gpg(["--check-trustdb"])
    await using gate = await start()
    await using client = await gate.client("app")
    await assertDecrypts(client, primary, known)
  })
})

/** As in front of a large keyring: each gpg that the gate starts waits until it is released. */
const holdGpg = async () => {
  const folder = await makeFolder("held")
  const fifo = join(folder, "fifo")
  const before = process.env["PATH"]
  await runOk(["mkfifo", fifo])
  const script = `#!/bin/sh\n[ -p "${fifo}" ] && cat "${fifo}"\nexec "${needs("gpg")}" "$@"\n`
  await writeFile(join(folder, "gpg"), script, { mode: 0o755 })
  process.env["PATH"] = `${folder}:${before}`
  return {
    /** Those that wait and those that come go on. */
    release: async () => {
      const writer = await open(fifo, "r+")
      await rm(fifo)
      await writer.close()
    },
    [Symbol.asyncDispose]: async () => {
      process.env["PATH"] = before
      await removeFolder(folder)
    }
  }
}

/** The gate knows by now that a key is not for decryption. */
const untilRefusedOutright = async (gate: TestGate, grip: string): Promise<void> => {
  await using client = await gate.client("app")
  const deadline = performance.now() + 20_000
  while (true) {
    await assertTalk(client, [`SETKEY ${grip}`, "OK"])
    const said = outcome(await client.command("PKDECRYPT"))
    if (said === ERR.FORBIDDEN) return
    if (performance.now() > deadline) throw new Error(`expected ${ERR.FORBIDDEN} within 20 s, got ${said}`)
    await assertTalk(client, ["CAN", ERR.ASS_CANCELED])
    await sleep(20)
  }
}

/** What anybody can make around a key: a certificate of his own with the key as its encryption subkey. */
const certificateAround = async (home: Homedir, grip: string, userId: string) => {
  const loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
  await home.gpg([...loopback, "--quick-generate-key", "--", userId, "ed25519", "default", "never"])
  const edit = [
    "gpg",
    "--no-tty",
    "--yes",
    "--expert",
    ...loopback,
    "--command-fd",
    "0",
    "--edit-key",
    userId,
    "addkey"
  ]
  // an existing key, by its keygrip; not for signing, so only for encryption; never expires
  const { code, stderr } = await home.run(edit, { input: `13\n${grip}\nS\nQ\n0\nsave\n` })
  const { fingerprint, keygrips } = await readKey(home, userId)
  assert.deepStrictEqual([code, keygrips.encryption], [0, grip], stderr)
  const { stdout } = await home.gpg(["--export", fingerprint])
  return { fingerprint, certificate: stdout }
}

const signsAndEncrypts = async (home: Homedir, userId: string) => {
  const loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
  await home.gpg([...loopback, "--quick-generate-key", userId, "rsa2048", "sign,cert,encr", "never"])
  const { fingerprint, keygrips } = await readKey(home, userId)
  return { fingerprint, grip: keygrips.primary }
}

describe("a setter that is refused", () => {
  const hex = digest.toString("hex").toUpperCase()
  const other = "CD".repeat(32)
  const hash = [`SETHASH 8 ${hex}`, "OK"] as const
  const key = [`SIGKEY ${primary}`, "OK"] as const
  /** Setters that agent or gate refuse; the agent would sign with what was set before. */
  const refused: ReadonlyArray<readonly [line: string, pksign: string]> = [
    [`SETHASH 8 ${other}00`, ERR.NO_DATA],
    [`SETHASH 8 ${other.slice(2)}`, ERR.NO_DATA],
    [`SETHASH 8 ${other.slice(1)}`, ERR.NO_DATA],
    ["SETHASH 8", ERR.NO_DATA],
    [`SETHASH --hash=nosuch ${other}`, ERR.NO_DATA],
    [`SETHASH eight ${other}`, ERR.NO_DATA],
    [`sethash 8 ${other}GG`, ERR.NO_DATA],
    ["SIGKEY something", ERR.NO_SECKEY],
    [`SIGKEY ${"A".repeat(39)}`, ERR.NO_SECKEY],
    [`SETKEY ${"A".repeat(41)}`, ERR.NO_SECKEY],
    ["sigkey", ERR.NO_SECKEY]
  ]
  let home: Homedir
  let gate: TestGate
  let known: PublicKey
  beforeAll(async () => {
    home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
    await importKey(home, "rsa")
    await home.launchAgent()
    const policy = policyOf(["sign = \"allow\""], fingerprint)
    gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path, policy, apps: ["app"] })
    await using client = await gate.client("app")
    known = await publicKey(client, primary)
  })
  afterAll(async () => {
    await gate.close()
    await home.close()
  })

  for (const [setter, pksign] of refused) {
    it(`${setter.slice(0, 24)}: the old value is not signed with`, async () => {
      await using direct = await greeted(await home.agentSocket())
      await assertTalk(direct, key, hash)
      assert.match(outcome(await direct.command(setter)), /^ERR /)
      const { data } = await direct.command("PKSIGN")
      assert.isTrue(isSignature(known, data, "s"), "the agent signs what was set before")

      await using client = await gate.client("app")
      await assertTalk(client, key, hash)
      assert.match(outcome(await client.command(setter)), /^ERR /)
      await assertTalk(client, ["PKSIGN", pksign], ["PKSIGN", pksign])
      assert.notInclude(client.received().toString("latin1"), "sig-val")

      await using hasty = await gate.client("app")
      hasty.send([key[0], hash[0], setter, "PKSIGN", "PKSIGN", "RESET", key[0], hash[0], "PKSIGN", ""].join("\n"))
      const seen = await outcomes(hasty, 8)
      assert.deepStrictEqual([...seen.slice(0, 2), ...seen.slice(3)], ["OK", "OK", pksign, pksign, "OK", "OK", "OK"])
      assert.match(seen[2]!, /^ERR /)
      assert.notInclude(hasty.received().toString("latin1"), "sig-val", "nothing was signed so far")
      const last = await hasty.readReply()
      assert.isTrue(isSignature(known, last.data, "s"), "what is set anew is signed")
    })
  }

  it("by the agent alone, on its way with the command: no signature, and none of the value before", async () => {
    // libgcrypt has no algorithm 99; the gate does not judge algorithms
    const unknownAlgorithm = `SETHASH 99 ${other}`
    await using direct = await greeted(await home.agentSocket())
    await assertTalk(direct, key, hash)
    assert.match(outcome(await direct.command(unknownAlgorithm)), /^ERR /)
    assert.isTrue(isSignature(known, (await direct.command("PKSIGN")).data, "s"))
    await using client = await gate.client("app")
    client.send([key[0], hash[0], unknownAlgorithm, "PKSIGN", "PKSIGN", ""].join("\n"))
    const seen = await outcomes(client, 5)
    assert.deepStrictEqual(seen.slice(0, 2), ["OK", "OK"])
    assert.match(seen[3]!, /^ERR /)
    assert.match(seen[4]!, /^ERR /)
    assert.notInclude(client.received().toString("latin1"), "sig-val")
  })
})
