// With RSA to decrypt is to sign, and the agent does not look at what a key is for: the gate does, by the certificate where it
// knows one. And what the agent keeps after a refused setter must not be signed with.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parseCanonical } from "@gripgate/protocol/sexp/parse-canonical"
import { isAtom, type Sexp } from "@gripgate/protocol/sexp/sexp"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, readKey } from "@gripgate/testkit/keys"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import * as Result from "effect/Result"
import { constants, createHash, createPublicKey, type KeyObject, publicEncrypt, verify } from "node:crypto"
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertTalk, ERR, outcome, outcomes } from "../support/wire.ts"

const text = Buffer.from("what nobody allowed to sign\n")
const digest = createHash("sha256").update(text).digest()
const SESSION_KEY = Buffer.from("a session key of thirty-two byte")

const atomNamed = (sexp: Sexp, name: string): Buffer | undefined => {
  if (isAtom(sexp)) return undefined
  const [first, second] = sexp
  if (first !== undefined && second !== undefined && isAtom(first) && isAtom(second)) {
    if (Buffer.from(first).equals(Buffer.from(name))) return Buffer.from(second)
  }
  for (const part of sexp) {
    const found = atomNamed(part, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** The value of this name in what an agent said. A NUL may stand behind the expression. */
const valueOf = (data: Buffer, name: string): Buffer => {
  const parsed = parseCanonical(data.at(-1) === 0 ? data.subarray(0, data.lastIndexOf(")") + 1) : data)
  const found = Result.isSuccess(parsed) ? atomNamed(parsed.success, name) : undefined
  if (found === undefined) throw new Error(`expected a value ${name}, got ${data.toString("latin1")}`)
  return found
}

const withoutSign = (number: Buffer): Buffer => number[0] === 0 ? number.subarray(1) : number

interface PublicKey {
  readonly key: KeyObject
  readonly size: number
}

const publicKey = async (agent: RawClient, grip: string): Promise<PublicKey> => {
  const { data } = await agent.command(`READKEY ${grip}`)
  const n = withoutSign(valueOf(data, "n"))
  const jwk = { kty: "RSA", n: n.toString("base64url"), e: valueOf(data, "e").toString("base64url") }
  return { key: createPublicKey({ key: jwk, format: "jwk" }), size: n.length }
}

const encVal = (number: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`(7:enc-val(3:rsa(1:a${number.length}:`), number, Buffer.from(")))")])

/** A digest padded as PKCS#1 wants it, in place of a ciphertext (RFC 8017, section 9.2). */
const paddedDigest = ({ size }: PublicKey): Buffer => {
  const info = Buffer.concat([Buffer.from("3031300d060960864801650304020105000420", "hex"), digest])
  const padding = Buffer.alloc(size - info.length - 3, 0xff)
  return encVal(Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info]))
}

const encrypted = ({ key }: PublicKey): Buffer =>
  encVal(publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, SESSION_KEY))

const leftPadded = (number: Buffer, size: number): Buffer => {
  const bytes = withoutSign(number)
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes])
}

const isSignature = ({ key, size }: PublicKey, data: Buffer, name: "value" | "s"): boolean =>
  verify("sha256", text, key, leftPadded(valueOf(data, name), size))

/** PKDECRYPT: what became of it, and the plaintext where there is one. */
const decrypt = async (client: RawClient, grip: string, ciphertext: Buffer) => {
  await assertTalk(client, ["RESET", "OK"], [`SETKEY ${grip}`, "OK"])
  let reply = await client.command("PKDECRYPT")
  const asked = outcome(reply) === "INQUIRE CIPHERTEXT"
  if (asked) reply = await client.answer(ciphertext)
  return { asked, outcome: outcome(reply), data: reply.data }
}

const assertDecrypts = async (client: RawClient, grip: string, known: PublicKey): Promise<void> => {
  const { data, outcome } = await decrypt(client, grip, encrypted(known))
  assert.strictEqual(outcome, "OK")
  assert.isTrue(valueOf(data, "value").subarray(-SESSION_KEY.length).equals(SESSION_KEY), "it is the plaintext")
}

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}

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
})

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
