// The directory over real homedirs: gpg makes, adopts and imports keys, and the policy in force follows, or does not.
import { assert, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeDirectory } from "../../src/keys/directory.ts"
import { openRunning } from "../../src/keys/secret-keys.ts"
import { noAgent } from "../../src/upstream/agent.ts"
import { SocketConnection } from "../../src/upstream/connection.ts"
import { addSubkey, adopt, gpgIn, importPublic, makeCertificate } from "../support/gpg.ts"
import { environment, homedir } from "../support/programs.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

const policyOf = (...lines: ReadonlyArray<string>): Policy =>
  Result.getOrThrowWith(parsePolicy(lines.join("\n"), "p.toml"), (problems) => new Error(JSON.stringify(problems)))

const git = (...keys: ReadonlyArray<string>) =>
  policyOf("default = \"ask\"", "[apps.git]", "socket = \"git\"", `keys = ${JSON.stringify(keys)}`)

/** A directory over a homedir; without `socket` no agent runs. */
const directoryOf = Effect.fnUntraced(function*(home: string | undefined, socket?: string) {
  const log = recordingLog()
  const ref = { current: git(), generation: 0 }
  const state = yield* scratch
  const keys = yield* makeDirectory({
    homedir: home,
    state,
    policy: ref,
    ownAgent: true,
    agent: socket === undefined ? Effect.fail(noAgent("none")) : openRunning(SocketConnection.open(socket), 5_000)
  }).pipe(Effect.provide(log.layer))
  const sees = (grips: ReadonlyArray<Keygrip>) => grips.map((grip) => keys.visible("git", grip))
  return { keys, lines: log.lines, ref, sees, state }
})

const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => holds() ? Effect.void : Effect.andThen(Effect.sleep(5), until(holds)))

const socketOf = (home: string): string =>
  execFileSync("gpgconf", ["--homedir", home, "--list-dirs", "agent-socket"]).toString().trimEnd()

const text = (lines: ReadonlyArray<readonly [number, string]>) => lines.map(([, line]) => line).join("\n")

describe("makeDirectory", () => {
  it.live("opens the keys of an address, and tells what is known of them", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { fingerprint } = makeCertificate(home, "Alice <alice@example.org>")
      const { grips } = addSubkey(home, fingerprint)
      const { keys, lines, ref, sees } = yield* directoryOf(home, socketOf(home))
      yield* keys.adopt(git("alice@example.org"))
      assert.strictEqual(ref.generation, 1)
      assert.deepStrictEqual(sees(grips), [true, true])
      assert.isFalse(keys.seesAll("git"))
      assert.isFalse(keys.visible(undefined, grips[0]!))
      assert.deepStrictEqual(keys.info(grips[1]!), {
        keygrip: grips[1]!,
        keyId: keys.info(grips[1]!).fingerprint!.slice(-16),
        fingerprint: keys.info(grips[1]!).fingerprint!,
        userId: "Alice <alice@example.org>",
        capabilities: new Set(["encrypt"] as const),
        protection: "clear"
      })
      assert.deepStrictEqual(keys.info(grips[0]!).capabilities, new Set(["sign", "certify"] as const))
      assert.deepStrictEqual(lines, [])
    }))

  it.live("lets a new subkey in, also where no agent tells, and a new certificate not", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { fingerprint } = makeCertificate(home, "Alice <alice@example.org>")
      const { keys, lines, sees } = yield* directoryOf(home)
      yield* keys.adopt(git("alice@example.org"))
      const second = makeCertificate(home, "Alice again <alice@example.org>")
      const { grips } = addSubkey(home, fingerprint)
      yield* until(() => keys.visible("git", grips[1]!))
      assert.deepStrictEqual(sees(second.grips), [false])
      yield* until(() => text(lines).includes(second.fingerprint))
      yield* keys.adopt(git("alice@example.org"))
      assert.deepStrictEqual(sees(second.grips), [true])
    }))

  it.live("notices the first key of a homedir that had neither keyring nor keys", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { keys, lines, ref } = yield* directoryOf(home)
      yield* keys.adopt(git("alice@example.org"))
      assert.strictEqual(ref.generation, 1)
      assert.match(text(lines), /^p\.toml:4:9: there is no public keyring/)
      assert.isFalse(existsSync(join(home, "pubring.kbx")))
      const { grips } = makeCertificate(home, "alice@example.org")
      yield* until(() => keys.visible("git", grips[0]!))
    }))

  it.live("opens nothing to a stranger's certificate with the owner's address or one of his keys", () =>
    Effect.gen(function*() {
      // the stranger's copy of the owner's keys is what lets gpg make such a certificate; only its public part leaves
      const [home, elsewhere] = [yield* homedir("h"), yield* homedir("e")]
      const { fingerprint } = makeCertificate(home, "Alice <alice@example.org>")
      const owner = addSubkey(home, fingerprint)
      gpgIn(
        elsewhere,
        ["--pinentry-mode", "loopback", "--import"],
        gpgIn(home, [
          "--pinentry-mode",
          "loopback",
          "--passphrase",
          "",
          "--export-secret-keys"
        ])
      )
      const impostor = makeCertificate(elsewhere, "Alice Example <alice@example.org>")
      const plain = addSubkey(elsewhere, impostor.fingerprint)
      const thief = makeCertificate(elsewhere, "Alice <Alice@example.org>")
      const adopted = adopt(elsewhere, thief.fingerprint, owner.grips[1]!)
      assert.deepStrictEqual(adopted.grips, [thief.grips[0]!, owner.grips[1]!])

      const { keys, lines, sees } = yield* directoryOf(home, socketOf(home))
      yield* keys.adopt(git("alice@example.org"))
      for (const { fingerprint } of [impostor, thief]) importPublic(elsewhere, home, fingerprint)
      yield* until(() => [impostor, thief].every(({ fingerprint }) => text(lines).includes(fingerprint)))
      const check = () => {
        assert.deepStrictEqual(sees(owner.grips), [true, true])
        assert.deepStrictEqual(sees([...plain.grips, thief.grips[0]!]), [false, false, false])
        assert.deepStrictEqual(keys.info(owner.grips[1]!).capabilities, new Set(["encrypt"] as const))
        assert.strictEqual(keys.info(owner.grips[1]!).userId, "Alice <alice@example.org>")
      }
      check()
      // and neither when the policy is read with all of them there, by address, fingerprint or key id of what was adopted
      for (
        const selector of [
          "alice@example.org",
          keys.info(owner.grips[1]!).fingerprint!,
          keys.info(owner.grips[1]!).keyId!
        ]
      ) {
        yield* keys.adopt(git(selector))
        check()
      }
      // by the thief's own name it would be the owner's key under a stranger's word
      const error = yield* Effect.flip(keys.adopt(git(thief.fingerprint)))
      assert.include(error.message, owner.fingerprint)
      assert.include(error.message, thief.fingerprint)
      check()
    }))

  it.live("keeps what was in force when the keys come to contradict the policy, and says so", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { fingerprint } = makeCertificate(home, "Alice <alice@example.org>")
      const { grips } = addSubkey(home, fingerprint)
      const other = makeCertificate(home, "Bob <bob@example.org>")
      const { keys, lines, ref, sees } = yield* directoryOf(home)
      yield* keys.adopt(git("alice@example.org"))
      adopt(home, other.fingerprint, grips[1]!)
      yield* until(() => text(lines).includes("stands in 2 certificates"))
      assert.deepStrictEqual(sees(grips), [true, true])
      assert.strictEqual(ref.generation, 1)
      assert.match((yield* Effect.flip(keys.adopt(git("alice@example.org")))).message, /^p\.toml:4:9: the key /)
    }))

  it.live("does not take a certificate that an app made for the owner's, but shows the app its own key", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const { grips } = makeCertificate(home, "alice@example.org")
      const { keys, lines, sees } = yield* directoryOf(home, socketOf(home))
      yield* keys.made("git", grips[0]!, "generated")
      yield* keys.adopt(policyOf(
        "default = \"ask\"",
        "[apps.git]",
        "socket = \"git\"",
        "keys = []",
        "[apps.mail]",
        "socket = \"mail\"",
        "keys = [\"alice@example.org\"]"
      ))
      assert.deepStrictEqual(sees(grips), [true])
      assert.isFalse(keys.visible("mail", grips[0]!))
      assert.include(text(lines), "an app made its primary key")
      yield* keys.gone(grips[0]!)
      assert.deepStrictEqual(sees(grips), [false])
      // deleted and made anew by the owner, it is the owner's
      yield* until(() => keys.visible("mail", grips[0]!))
    }))

  it.live("does not wait for keys that a policy does not need", () =>
    Effect.gen(function*() {
      const home = yield* scratch
      writeFileSync(join(home, "pubring.kbx"), "")
      const bin = yield* scratch
      writeFileSync(join(bin, "gpg"), "#!/bin/sh\nexec sleep 60\n")
      chmodSync(join(bin, "gpg"), 0o755)
      yield* environment({ PATH: `${bin}:${process.env["PATH"]}` })
      const { keys, lines, ref, sees } = yield* directoryOf(home)
      const grip = "A".repeat(40)
      yield* keys.adopt(git(`grip:${grip}`))
      assert.deepStrictEqual(sees([grip as Keygrip]), [true])
      assert.deepStrictEqual(lines, [])
      // and for those that it needs no longer than 3 s
      yield* keys.adopt(git("alice@example.org"))
      assert.strictEqual(ref.generation, 2)
      assert.match(text(lines), /not read within 3 s/)
    }))

  it.live("has no keys without a homedir", () =>
    Effect.gen(function*() {
      const { keys, lines, sees } = yield* directoryOf(undefined)
      yield* keys.adopt(git("alice@example.org"))
      assert.deepStrictEqual(sees(["A".repeat(40) as Keygrip]), [false])
      assert.deepStrictEqual(keys.info("A".repeat(40) as Keygrip), {
        keygrip: "A".repeat(40) as Keygrip,
        capabilities: undefined
      })
      assert.strictEqual(lines.length, 1)
    }))
})
