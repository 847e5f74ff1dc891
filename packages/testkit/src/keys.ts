// Secret keys for tests: made anew with gpg, or taken from the ready-made ones in fixtures/, which is faster (an RSA-4096 key
// takes seconds). Passphrases go through a file descriptor, never through argv.
import type { FixtureKey } from "./fixtures/fixture-key.ts"
import { plainKey } from "./fixtures/plain.ts"
import { protectedKey } from "./fixtures/protected.ts"
import { rsaKey } from "./fixtures/rsa.ts"
import type { Homedir } from "./homedir.ts"

/** The ready-made keys by name. */
export const fixtureKeys = { plain: plainKey, protected: protectedKey, rsa: rsaKey } as const

export interface TestKey {
  readonly userId: string
  /** 40 upper-case hexadecimal digits, as are the keygrips. */
  readonly fingerprint: string
  readonly keygrips: { readonly primary: string; readonly encryption?: string }
}

export interface KeyOptions {
  readonly userId: string
  /** Not protected where it is empty or left out. */
  readonly passphrase?: Buffer | ""
  /** What `--quick-generate-key` takes: `ed25519`, `rsa3072` ...; left out, gpg's default, which has an encryption subkey. */
  readonly algo?: string
  /** An encryption subkey of this algorithm: `cv25519`, `rsa2048` ... */
  readonly subkey?: string
}

/** Reads fingerprint and keygrips of one secret key from gpg's colon listing (GnuPG doc/DETAILS). */
export const readKey = async (homedir: Homedir, which: string): Promise<TestKey> => {
  const { stdout } = await homedir.gpg(["--with-colons", "--with-keygrip", "--list-secret-keys", "--", which])
  const fingerprints: Array<string> = []
  const grips: Array<{ grip: string; capabilities: string }> = []
  let userId = ""
  let capabilities = ""
  for (const fields of stdout.toString().split("\n").map((line) => line.split(":"))) {
    const [record] = fields
    const value = fields[9] ?? ""
    if (record === "sec" || record === "ssb") capabilities = fields[11] ?? ""
    if (record === "uid" && userId === "") userId = value
    if (record === "fpr") fingerprints.push(value)
    if (record === "grp") grips.push({ grip: value, capabilities })
  }
  const [fingerprint] = fingerprints
  const [primary, ...subkeys] = grips
  if (fingerprint === undefined || primary === undefined) throw new Error(`gpg lists no secret key for ${which}`)
  const encryption = subkeys.find((subkey) => subkey.capabilities.includes("e"))?.grip
  return {
    userId,
    fingerprint,
    keygrips: { primary: primary.grip, ...(encryption === undefined ? {} : { encryption }) }
  }
}

/** Makes a key that signs and certifies, and a subkey that decrypts where one is named. It does not expire. */
export const makeKey = async (homedir: Homedir, options: KeyOptions): Promise<TestKey> => {
  const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--status-fd", "1"]
  const input = Buffer.concat([Buffer.from(options.passphrase ?? ""), Buffer.from("\n")])
  const generate = ["--quick-generate-key", "--", options.userId, options.algo ?? "default", "default", "never"]
  const { stdout } = await homedir.gpg([...loopback, ...generate], { input })
  const fingerprint = /^\[GNUPG:\] KEY_CREATED [PB] ([0-9A-F]{40})/m.exec(stdout.toString())?.[1]
  if (fingerprint === undefined) throw new Error(`expected a KEY_CREATED status from gpg, got ${stdout.toString()}`)
  if (options.subkey !== undefined) {
    await homedir.gpg([...loopback, "--quick-add-key", "--", fingerprint, options.subkey, "encr", "never"], { input })
  }
  return readKey(homedir, fingerprint)
}

/** Imports a ready-made secret key, without a question, and trusts it ultimately. */
export const importKey = async (homedir: Homedir, name: keyof typeof fixtureKeys): Promise<FixtureKey> => {
  const key = fixtureKeys[name]
  await homedir.gpg(["--import"], { input: key.armored })
  await homedir.gpg(["--import-ownertrust"], { input: `${key.fingerprint}:6:\n` })
  // else the next gpg does it, over a connection of its own to the agent
  await homedir.gpg(["--check-trustdb"])
  return key
}
