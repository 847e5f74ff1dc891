// The keys of a harness: ready-made ones by a short name, new ones by a user id, others from their armor. None is anybody's.
import type { Homedir } from "../homedir.ts"
import { fixtureKeys, importKey, makeKey, readKey, type TestKey } from "../keys.ts"

/** The ready-made keys: Alice's has no passphrase, Bob's is `abc`, Release's is an RSA key without one. */
const READY = { alice: "plain", bob: "protected", release: "rsa" } as const

export type HarnessKey =
  | keyof typeof READY
  /** A new key with this user id (`Carol <carol@example.org>`); without a passphrase it is not protected. */
  | { readonly userId: string; readonly passphrase?: Buffer | string; readonly algo?: string; readonly subkey?: string }
  /** A secret key as gpg exports it. Nothing but this is taken for one without an agent's question. */
  | { readonly secretKey: Uint8Array | string }

/** The names of the ready-made keys. */
export const readyNames = Object.keys(READY) as ReadonlyArray<keyof typeof READY>

/** The passphrase of Bob's key, which everybody knows. */
export const bobsPassphrase: string = fixtureKeys.protected.passphrase

const importGiven = async (home: Homedir, input: Uint8Array | string): Promise<TestKey> => {
  const { stdout } = await home.gpg(["--status-fd", "1", "--import"], { input })
  // GnuPG doc/DETAILS, IMPORT_OK: 16 says that it holds a private key
  const imported = [...stdout.toString().matchAll(/^\[GNUPG:\] IMPORT_OK (\d+) ([0-9A-F]{40})/gm)]
  const fingerprint = imported.find(([, flags]) => (Number(flags) & 16) !== 0)?.[2]
  if (fingerprint === undefined) throw new Error("gpg finds no secret key in what was given")
  await home.gpg(["--import-ownertrust"], { input: `${fingerprint}:6:\n` })
  await home.gpg(["--check-trustdb"])
  return readKey(home, fingerprint)
}

/** Puts a key into a homedir, ultimately trusted. */
export const addKey = async (home: Homedir, key: HarnessKey): Promise<TestKey> => {
  if (typeof key === "string") {
    const name = READY[key]
    if (name === undefined) {
      throw new Error(`no key is called ${JSON.stringify(key)}; there are ${readyNames.join(", ")}`)
    }
    return importKey(home, name)
  }
  if ("secretKey" in key) return importGiven(home, key.secretKey)
  const passphrase = key.passphrase === undefined ? "" : Buffer.from(key.passphrase)
  return makeKey(home, {
    userId: key.userId,
    passphrase: passphrase.length === 0 ? "" : passphrase as Buffer,
    ...key.algo !== undefined && { algo: key.algo },
    ...key.subkey !== undefined && { subkey: key.subkey }
  })
}
