// The real gpg in throw-away homedirs, which it must leave as they are; a gpg of the test's own where one is to fail.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readKeyring } from "../../src/keys/keyring.ts"
import { addSubkey, makeCertificate } from "../support/gpg.ts"
import { environment, homedir, isRunning } from "../support/programs.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

/** What a homedir holds: names, sizes, inodes and times of change; without sockets, which the agent looks after. */
const state = (home: string) =>
  readdirSync(home).filter((name) => !name.startsWith("S.")).toSorted().map((name) => {
    const { ctimeMs, ino, size } = statSync(join(home, name))
    return [name, size, ino, ctimeMs]
  })

const read = (home: string) => {
  const log = recordingLog()
  return Effect.map(readKeyring(home).pipe(Effect.provide(log.layer)), (certificates) => ({
    certificates,
    lines: log.lines.map(([, line]) => line)
  }))
}

/** A gpg that is this shell script, for the rest of the test. */
const fakeGpg = Effect.fnUntraced(function*(script: string) {
  const dir = yield* scratch
  writeFileSync(join(dir, "gpg"), `#!/bin/sh\n${script}\n`)
  chmodSync(join(dir, "gpg"), 0o755)
  yield* environment({ PATH: `${dir}:${process.env["PATH"]}` })
})

const withKeyring = Effect.gen(function*() {
  const home = yield* scratch
  writeFileSync(join(home, "pubring.kbx"), "")
  return home
})

describe("readKeyring", () => {
  it.live("hands gpg no token for a gate", () =>
    Effect.gen(function*() {
      yield* fakeGpg("echo \"has ${PINENTRY_USER_DATA-none}\" >&2; exit 2")
      yield* environment({ PINENTRY_USER_DATA: "gripgate:gg1-a-b-c" })
      const { lines } = yield* read(yield* withKeyring)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "has none")
    }))

  it.live("reads certificates, their keygrips and whether they are trusted ultimately", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const made = makeCertificate(home, "Grün: <alice@example.org>")
      const { fingerprint, grips } = addSubkey(home, made.fingerprint)
      const { certificates, lines } = yield* read(home)
      assert.deepStrictEqual(lines, [])
      assert.strictEqual(certificates?.length, 1)
      const [certificate] = certificates ?? []
      assert.strictEqual(certificate?.fingerprint, fingerprint)
      assert.deepStrictEqual(certificate?.keys.map(({ keygrip }) => keygrip), [...grips])
      assert.deepStrictEqual(certificate?.userIds, [{
        text: "Grün: <alice@example.org>",
        address: "alice@example.org"
      }])
      assert.isTrue(certificate?.ultimate)
    }))

  it.live("changes nothing in the homedir, with and without a trust database", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      makeCertificate(home, "alice@example.org")
      for (const trust of [true, false]) {
        if (!trust) rmSync(join(home, "trustdb.gpg"))
        const before = state(home)
        const { certificates } = yield* read(home)
        assert.strictEqual(certificates?.[0]?.ultimate, trust)
        assert.deepStrictEqual(state(home), before)
      }
    }))

  it.live("finds no keyring where there is none, and makes none", () =>
    Effect.gen(function*() {
      const home = yield* scratch
      assert.deepStrictEqual(yield* read(home), { certificates: undefined, lines: [] })
      assert.deepStrictEqual(readdirSync(home), [])
      assert.deepStrictEqual(yield* read(join(home, "missing")), { certificates: undefined, lines: [] })
    }))

  it.live("says in one line that gpg is not installed, or why it failed", () =>
    Effect.gen(function*() {
      const home = yield* withKeyring
      yield* fakeGpg("echo first >&2; echo 'gpg: keyblock resource: oh no' >&2; exit 2")
      const failed = yield* read(home)
      assert.isUndefined(failed.certificates)
      assert.strictEqual(failed.lines.length, 1)
      assert.match(failed.lines[0]!, /failed with exit code 2: gpg: keyblock resource: oh no$/)
      const empty = yield* scratch
      yield* environment({ PATH: empty })
      const missing = yield* read(home)
      assert.isUndefined(missing.certificates)
      assert.match(missing.lines[0]!, /gpg was not found/)
    }))

  it.live("gives up a gpg that prints without end", () =>
    Effect.gen(function*() {
      const home = yield* withKeyring
      yield* fakeGpg("echo $$ > \"$2/pid\"; exec cat /dev/zero")
      const { certificates, lines } = yield* read(home)
      assert.isUndefined(certificates)
      assert.match(lines[0]!, /more than 64 MiB/)
      assert.throws(() => process.kill(Number(readFileSync(join(home, "pid"), "utf8")), 0))
    }))

  it.live("ends gpg when nobody waits for it any more", () =>
    Effect.gen(function*() {
      const home = yield* withKeyring
      yield* fakeGpg("echo $$ > \"$2/pid\"; echo 'pub:'; kill -STOP $$")
      const reading = yield* Effect.forkChild(read(home))
      const pidFile = join(home, "pid")
      while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") yield* Effect.sleep(5)
      const pid = Number(readFileSync(pidFile, "utf8"))
      // a stopped process ends by SIGKILL alone
      yield* Fiber.interrupt(reading)
      while (isRunning(pid)) yield* Effect.sleep(5)
    }))

  it.live("reads a listing of many pieces whole", () =>
    Effect.gen(function*() {
      const home = yield* withKeyring
      // 4,000 certificates, 1.5 MiB
      yield* fakeGpg(`
awk 'BEGIN { for (i = 0; i < 4000; i++) {
  printf "pub:u:255:22:%016X:1:::u:::scESC:::::ed25519:::0:\\n", i
  printf "fpr:::::::::%040X:\\ngrp:::::::::%040X:\\nuid:u::::1::F::User ü <u%d@example.org>:\\n", i, i, i
} }'`)
      const { certificates } = yield* read(home)
      assert.strictEqual(certificates?.length, 4_000)
      for (const [i, { fingerprint, userIds }] of (certificates ?? []).entries()) {
        assert.strictEqual(Number.parseInt(fingerprint, 16), i)
        assert.deepStrictEqual(userIds, [{ text: `User ü <u${i}@example.org>`, address: `u${i}@example.org` }])
      }
    }))
})
