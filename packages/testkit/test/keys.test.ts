// Secret keys in a homedir, made anew and ready-made.
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { makeHomedir } from "../src/homedir.ts"
import type { Homedir } from "../src/homedir.ts"
import { fixtureKeys, importKey, makeKey, readKey } from "../src/keys.ts"
import { connectRaw } from "../src/raw-client.ts"

const protection = async (home: Homedir, grip: string): Promise<string | undefined> => {
  await using agent = await connectRaw(await home.agentSocket())
  await agent.readReply()
  return (await agent.command(`KEYINFO ${grip}`)).status[0]?.split(" ")[6]
}

const signAndVerify = async (home: Homedir, fingerprint: string, args: ReadonlyArray<string> = [], input = "") => {
  const file = join(home.path, "gpg.conf")
  const signature = join(home.path, "o.sig")
  await home.gpg([...args, "--yes", "-u", fingerprint, "-o", signature, "--detach-sign", file], { input })
  const { stdout } = await home.gpg(["--status-fd", "1", "--verify", signature, file])
  return stdout.toString().includes(`VALIDSIG ${fingerprint}`)
}

describe("makeKey", () => {
  it("makes a key without protection and with an encryption subkey, and reads its keygrips", async () => {
    await using home = await makeHomedir()
    const key = await makeKey(home, { userId: "Una <una@example.org>", algo: "ed25519", subkey: "cv25519" })
    assert.strictEqual(key.userId, "Una <una@example.org>")
    assert.match(key.fingerprint, /^[0-9A-F]{40}$/)
    assert.strictEqual(await protection(home, key.keygrips.primary), "C")
    assert.strictEqual(await protection(home, key.keygrips.encryption!), "C")
    assert.isTrue(await signAndVerify(home, key.fingerprint))
    assert.deepEqual(await readKey(home, "una@example.org"), key)
  })

  it("makes a key that only its passphrase unlocks", async () => {
    await using home = await makeHomedir()
    const passphrase = Buffer.from("correct horse % +")
    const key = await makeKey(home, { userId: "Pia <pia@example.org>", passphrase, algo: "ed25519", subkey: "cv25519" })
    assert.strictEqual(await protection(home, key.keygrips.primary), "P")
    assert.strictEqual(await protection(home, key.keygrips.encryption!), "P")
    await home.killAgent()
    const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
    const wrong = await home.run(["gpg", "--batch", ...loopback, "--clearsign"], { input: "wrong\nx" })
    assert.strictEqual(wrong.code, 2)
    assert.include(wrong.stderr, "Bad passphrase")
    assert.isTrue(await signAndVerify(home, key.fingerprint, loopback, `${passphrase.toString()}\n`))
    assert.strictEqual(await home.pinentry.questions(), 0)
  })

  it("makes no subkey that was not asked for", async () => {
    await using home = await makeHomedir()
    const key = await makeKey(home, { userId: "Solo <solo@example.org>", algo: "rsa2048" })
    assert.deepEqual(Object.keys(key.keygrips), ["primary"])
  })

  it("makes gpg's default key where no algorithm is named", async () => {
    await using home = await makeHomedir()
    const key = await makeKey(home, { userId: "Dora <dora@example.org>" })
    assert.deepEqual(Object.keys(key.keygrips), ["primary", "encryption"])
  })
})

describe("importKey", () => {
  for (const name of ["plain", "protected", "rsa"] as const) {
    it(`imports the key "${name}" without a question; gpg finds in it what the fixture says`, async () => {
      await using home = await makeHomedir()
      const { userId, fingerprint, keygrips, passphrase } = await importKey(home, name)
      assert.deepEqual(await readKey(home, fingerprint), { userId, fingerprint, keygrips })
      assert.strictEqual(await protection(home, keygrips.primary), passphrase === "" ? "C" : "P")
      assert.strictEqual(await protection(home, keygrips.encryption), passphrase === "" ? "C" : "P")
      assert.strictEqual(await home.pinentry.questions(), 0)
      const listing = (await home.gpg(["--with-colons", "--list-keys", fingerprint])).stdout.toString()
      assert.match(listing, /^pub:u:.*:scESC:/m, "ultimately trusted, signs and certifies")
      assert.match(listing, /^sub:u:.*:e:/m)
      const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
      assert.isTrue(await signAndVerify(home, fingerprint, loopback, `${passphrase}\n`))
      const encrypted = await home.gpg(["-r", fingerprint, "-o", "-", "-e", join(home.path, "gpg-agent.conf")])
      const input = Buffer.concat([Buffer.from(`${passphrase}\n`), encrypted.stdout])
      const decrypted = await home.gpg([...loopback, "-d"], { input })
      assert.strictEqual(decrypted.stdout.toString(), readFileSync(join(home.path, "gpg-agent.conf"), "utf8"))
    })
  }

  it("offers keys of which no two share a keygrip", () => {
    const grips = Object.values(fixtureKeys).flatMap(({ keygrips }) => [keygrips.primary, keygrips.encryption])
    assert.strictEqual(new Set(grips).size, 6)
  })
})
