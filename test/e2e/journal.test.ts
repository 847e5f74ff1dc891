// The journal of a gate before a real agent, with stock gpg: each use has its record and what came of it, each refusal has one
// with the true reason, and `gripgate log` shows them.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { journalIn, usesIn } from "../support/journal.ts"
import { assertSigns, setUp, sign, text } from "./set-up.ts"

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

const POLICY = `default = "allow"
[operations]
export = "forbid"
loopback = "allow"
`

describe("the journal of a gate, with stock gpg", () => {
  const stack = new AsyncDisposableStack()
  let world: Awaited<ReturnType<typeof setUp>>
  let folder: string
  let state: string
  beforeAll(async () => {
    folder = await makeFolder("gj")
    stack.defer(() => removeFolder(folder))
    state = join(folder, "state")
    world = await setUp(stack, { folder, policy: POLICY })
  })
  afterAll(() => stack.disposeAsync())

  const log = (...flags: ReadonlyArray<string>) =>
    world.owner.run([process.execPath, PROGRAM, "log", "--state", state, ...flags])

  /** What is not waited for is there soon. */
  const soon = async <A>(find: () => A | undefined | false): Promise<A> => {
    for (;;) {
      const found = find()
      if (found !== undefined && found !== false) return found
      await sleep(5)
    }
  }

  it("has an intent and an outcome for each signature and each decryption", async () => {
    const { client } = world
    const { fingerprint, keygrips } = fixtureKeys.plain
    const [signatures, decryptions] = [usesIn(state, "sign").length, usesIn(state, "decrypt").length]
    for (let i = 0; i < 3; i++) await assertSigns(client)
    const { stdout } = await client.gpg(["--trust-model", "always", "-r", fingerprint, "--encrypt"], { input: text })
    for (let i = 0; i < 2; i++) {
      assert.strictEqual((await client.gpg(["--decrypt"], { input: stdout })).stdout.toString(), text)
    }
    await soon(() =>
      [...usesIn(state, "sign"), ...usesIn(state, "decrypt")].every(([, result]) => result !== undefined)
    )
    const signed = usesIn(state, "sign").slice(signatures)
    assert.deepStrictEqual(signed.map(([{ command, keys, verdict }, result]) => [command, keys, verdict, result]), [
      ["PKSIGN", [keygrips.primary], "allow", "done"],
      ["PKSIGN", [keygrips.primary], "allow", "done"],
      ["PKSIGN", [keygrips.primary], "allow", "done"]
    ])
    const decrypted = usesIn(state, "decrypt").slice(decryptions)
    assert.strictEqual(decrypted.length, 2)
    for (const [use, result] of decrypted) {
      assert.deepStrictEqual([use["command"], use.app, use["uid"], result], [
        "PKDECRYPT",
        null,
        process.getuid!(),
        "done"
      ])
      assert.match(String(use["by"]), /default = "allow"/)
    }
  })

  it("says what the agent said where it would not", async () => {
    const { client } = world
    const { fingerprint } = fixtureKeys.protected
    const before = journalIn(state).length
    const result = await client.run(
      ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "not-this", "-u", fingerprint, "--clearsign"],
      { input: text }
    )
    assert.strictEqual(result.code, 2)
    const outcome = await soon(() => journalIn(state).slice(before).find(({ op }) => op === "outcome"))
    assert.deepStrictEqual([outcome["result"], outcome["error"], outcome["reason"]], [
      "failed",
      67108875,
      "Bad passphrase"
    ])
    assert.notInclude(readFileSync(join(state, "journal.jsonl"), "utf8"), "not-this")
  })

  it("has one record for each refusal, with the entry that decided", async () => {
    const { client } = world
    const result = await client.run(["gpg", "--batch", "--export-secret-keys", fixtureKeys.plain.fingerprint])
    assert.strictEqual(result.code, 2)
    await soon(() => journalIn(state).some(({ op }) => op === "refused"))
    const refused = journalIn(state).filter(({ op }) => op === "refused")
    assert.isAbove(refused.length, 0)
    for (const { by, error, operations, verdict } of refused) {
      assert.deepStrictEqual([operations, verdict, error], [["export"], "forbid", 67109115])
      assert.match(String(by), /^\[operations\] export = "forbid" \(.*policy\.toml:3:\d+\)$/)
    }
  })

  it("is shown by gripgate log, beside the gate that runs, and is whole", async () => {
    const { stdout } = await log()
    assert.match(stdout.toString(), /sign +[0-9A-F]{16} +allow +done /)
    assert.match(stdout.toString(), /export +- +forbid +refused /)
    const records = JSON.parse(`[${(await log("--json")).stdout.toString().trimEnd().split("\n").join(",")}]`)
    assert.deepStrictEqual(records, journalIn(state))
    const { code, stdout: whole } = await log("--verify")
    assert.deepStrictEqual([code, whole.toString()], [0, `${records.length} records, whole\n`])
    for (const name of ["journal.jsonl", "journal.jsonl.head", "chain.key"]) {
      assert.strictEqual(statSync(join(state, name)).mode & 0o777, 0o600)
    }
  })

  it("ends with the gate, after everything that was under way", async () => {
    const { client, gate } = world
    await sign(client)
    assert.deepStrictEqual(await gate.stop(), { code: 0, signal: null })
    const all = journalIn(state)
    assert.strictEqual(all[0]?.op, "started")
    assert.strictEqual(all.at(-1)?.op, "stopped")
    for (const operation of ["sign", "decrypt"]) {
      for (const [use, result] of usesIn(state, operation)) assert.isDefined(result, JSON.stringify(use))
    }
    assert.strictEqual((await log("--verify")).stdout.toString(), `${all.length} records, whole\n`)
  })
})
