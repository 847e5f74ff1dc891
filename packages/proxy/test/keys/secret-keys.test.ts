// What a real agent says about its keys, over its socket and over its restricted one; and what the files say without it.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openRunning, readSecretKeys, secretFiles } from "../../src/keys/secret-keys.ts"
import { SocketConnection } from "../../src/upstream/connection.ts"
import { addSubkey, gpgIn, makeCertificate, readMadeKey } from "../support/gpg.ts"
import { homedir } from "../support/programs.ts"
import { scratch } from "../support/scratch.ts"

const socketOf = (home: string, name = "agent-socket"): string =>
  execFileSync("gpgconf", ["--homedir", home, "--list-dirs", name]).toString().trimEnd()

const ask = (socket: string) =>
  Effect.acquireUseRelease(
    openRunning(SocketConnection.open(socket), 5_000),
    readSecretKeys,
    (connection) => Effect.sync(() => connection.close())
  )

describe("readSecretKeys", () => {
  it.live("names every secret key and tells which have a passphrase", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { fingerprint } = makeCertificate(home, "alice@example.org")
      const plain = addSubkey(home, fingerprint)
      const loopback = ["--pinentry-mode", "loopback", "--passphrase", "abc"]
      gpgIn(home, [...loopback, "--quick-generate-key", "bob@example.org", "ed25519", "default", "never"])
      const locked = readMadeKey(home, "bob@example.org")
      const secrets = yield* ask(socketOf(home))
      assert.deepStrictEqual(
        new Map(secrets),
        new Map([
          ...plain.grips.map((grip) => [grip, "clear"] as const),
          ...locked.grips.map((grip) => [grip, "protected"] as const)
        ])
      )
      assert.deepStrictEqual(secretFiles(home), new Set(secrets?.keys()))
    }))

  it.live("is not told by a restricted agent", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      makeCertificate(home, "alice@example.org")
      assert.isUndefined(yield* ask(socketOf(home, "agent-extra-socket")))
    }))
})

describe("openRunning", () => {
  it.live("starts no agent", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const error = yield* Effect.flip(openRunning(SocketConnection.open(socketOf(home)), 5_000))
      assert.strictEqual(error._tag, "NoAgent")
      assert.deepStrictEqual(readdirSync(home), [])
    }))
})

describe("secretFiles", () => {
  it.live("knows nothing where there is no folder, and skips what is no key", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      assert.isUndefined(secretFiles(home))
      assert.isUndefined(secretFiles(join(yield* scratch, "missing")))
      const { grips } = makeCertificate(home, "alice@example.org")
      for (const name of ["x.key", `${"A".repeat(40)}.key.tmp`, `${"B".repeat(41)}.key`]) {
        writeFileSync(join(home, "private-keys-v1.d", name), "")
      }
      assert.deepStrictEqual(secretFiles(home), new Set(grips))
    }))
})
