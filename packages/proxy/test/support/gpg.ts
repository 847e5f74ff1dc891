// The real gpg in a throw-away homedir, for tests that need keys. Nothing is protected, so nothing asks.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { execFileSync } from "node:child_process"

const loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]

/** Runs `gpg --batch`; anything but exit code 0 throws. */
export const gpgIn = (home: string, args: ReadonlyArray<string>, input: string | Buffer = ""): Buffer =>
  execFileSync("gpg", ["--homedir", home, "--batch", "-q", ...args], {
    env: { ...process.env, LC_ALL: "C.UTF-8" },
    input,
    stdio: ["pipe", "pipe", "ignore"]
  })

export interface MadeKey {
  readonly fingerprint: string
  readonly grips: ReadonlyArray<Keygrip>
}

/** Fingerprint of the primary key, and the keygrips of all keys in their order. */
export const readMadeKey = (home: string, which: string): MadeKey => {
  const records = gpgIn(home, ["--with-colons", "--with-keygrip", "--list-keys", which]).toString().split("\n")
    .map((line) => line.split(":"))
  const values = (type: string) => records.filter(([first]) => first === type).map((fields) => fields[9] ?? "")
  const [fingerprint] = values("fpr")
  if (fingerprint === undefined) throw new Error(`gpg lists no key for ${which}`)
  return { fingerprint, grips: values("grp").flatMap((grip) => parseKeygrip(grip) ?? []) }
}

/** A new certificate: a primary key that signs and certifies. */
export const makeCertificate = (home: string, userId: string): MadeKey => {
  gpgIn(home, [...loopback, "--quick-generate-key", userId, "ed25519", "default", "never"])
  return readMadeKey(home, `=${userId}`)
}

export const addSubkey = (home: string, fingerprint: string, algorithm = "cv25519", usage = "encr"): MadeKey => {
  gpgIn(home, [...loopback, "--quick-add-key", fingerprint, algorithm, usage, "never"])
  return readMadeKey(home, fingerprint)
}

/** Takes a key of this homedir, by its keygrip, as an encryption subkey into another certificate. */
export const adopt = (home: string, fingerprint: string, grip: Keygrip): MadeKey => {
  // 13: an existing key, by its keygrip; "=e": it encrypts; "q": done; "0": it does not expire
  const commands = `addkey\n13\n${grip}\n=e\nq\n0\nsave\n`
  gpgIn(home, [...loopback, "--expert", "--command-fd", "0", "--edit-key", fingerprint], commands)
  return readMadeKey(home, fingerprint)
}

/** A copy of a homedir's public keys, in another one. */
export const importPublic = (from: string, to: string, fingerprint: string): void => {
  gpgIn(to, ["--import"], gpgIn(from, ["--export", fingerprint]))
}
