// The harness as a test of another project uses it, with stock gpg: what is asserted on, what goes wrong by a script, which keys
// there are, and that nothing is left of it.
import { assert, describe, it } from "@effect/vitest"
import { type Harness, startHarness } from "@gripgate/testkit/harness"
import { isAlive, processesOf, waitGone } from "@gripgate/testkit/processes"
import { killGroup } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

const text = "a text\n"
const sign = (harness: Harness, ...args: ReadonlyArray<string>) =>
  harness.run(["gpg", "--batch", ...args, "--clearsign"], { input: text })

describe("a harness", () => {
  it("shows that a pinentry cancelled at the second prompt makes gpg try no more", async () => {
    await using harness = await startHarness({ keys: ["bob"], pinentry: [{ pin: "not it" }, "cancel"] })
    const { code, stderr } = await sign(harness)
    assert.strictEqual(code, 2)
    assert.include(stderr, "signing failed: Operation cancelled")
    assert.strictEqual(await harness.prompts(), 2)
    const { transcript } = harness
    transcript.assertTimes(/^program \d+ > PKSIGN/, 1)
    transcript.assertTimes(/^agent \d+ > PKSIGN/, 1)
    transcript.assertTimes(/^pinentry \d+ > GETPIN$/, 2)
    transcript.assertOrder([
      /^program 1 > PKSIGN/,
      /^agent \d+ > PKSIGN/,
      /Bad Passphrase/,
      /= cancel$/,
      /^program 1 < ERR/
    ])
    transcript.assertNo("not it", "a pin is in no transcript")
    assert.include(transcript.commands("program"), "PKSIGN")
  })

  it("has the bytes of both dialogues in the order of causes", async () => {
    await using harness = await startHarness()
    await using client = await harness.connect()
    await client.readReply()
    const awkward = Buffer.from("GETINFO version \xff\\\x01", "latin1")
    client.send(Buffer.concat([awkward, Buffer.from("\n")]))
    await client.readReply()
    client.send("NO")
    client.send("P\nunfin")
    await client.readReply()
    client.end()
    await harness.transcript.waitFor(/^program 1 = closed/)
    const said = harness.transcript.entries().filter(({ place }) => place === "program")
    assert.deepInclude(said, { place: "program", connection: 1, mark: ">", text: "GETINFO version \\xFF\\\\\\x01" })
    assert.deepInclude(said, { place: "program", connection: 1, mark: ">", text: "NOP" })
    assert.deepInclude(said, { place: "program", connection: 1, mark: ">", text: "unfin" })
    assert.deepInclude(said, { place: "program", connection: 1, mark: "=", text: "the line was not finished" })
    const { entries, v } = JSON.parse(JSON.stringify(harness.transcript))
    assert.strictEqual(v, 1)
    assert.deepEqual(entries, harness.transcript.entries())
  })

  it("has an agent that goes wrong once, and then is the real one", async () => {
    await using harness = await startHarness({ agentFaults: { commands: { PKSIGN: [{ error: 67108949 }] } } })
    const failed = await sign(harness)
    assert.strictEqual(failed.code, 2)
    assert.include(failed.stderr, "signing failed: No pinentry")
    harness.transcript.assertTimes(/^agent \d+ < ERR 67108949 scripted/, 1)
    const signed = await sign(harness)
    assert.strictEqual(signed.code, 0, signed.stderr)
    const verified = await harness.run(["gpg", "--verify"], { input: signed.stdout })
    assert.strictEqual(verified.code, 0, "the signature is a real one")
  })

  it("has questions of the real agent go through the faulty one", async () => {
    await using harness = await startHarness({
      keys: ["bob"],
      pinentry: [{ pin: "abc" }],
      agentFaults: { commands: { NOP: "hang" } }
    })
    const encrypted = await harness.run(["gpg", "-r", "bob@example.org", "--trust-model", "always", "--encrypt"], {
      input: text
    })
    const opened = await harness.run(["gpg", "--batch", "--decrypt"], { input: encrypted.stdout })
    assert.strictEqual(opened.stdout.toString(), text, opened.stderr)
    harness.transcript.assertHas(/^agent \d+ < INQUIRE CIPHERTEXT/)
    const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--batch", "--yes"]
    const exported = await harness.run(["gpg", ...loopback, "--export-secret-keys"], { input: "wrong\n" })
    assert.notStrictEqual(exported.code, 0)
    harness.transcript.assertHas(/^agent \d+ < INQUIRE PASSPHRASE/)
  })

  it("has faults of every kind, and a gate that tells the program of them", async () => {
    await using harness = await startHarness({ agentFaults: {} })
    const faults = [
      "close",
      "nonsense",
      "endlessData",
      "errZero",
      "errWithoutNumber",
      { lines: ["S PROGRESS x", "ERR 67108949 x"] },
      { dieAfter: 3, lines: ["D abcdef", "OK"] },
      { afterMs: 20, fault: { error: 67108949 } },
      { inquire: "CONFIRM 1", fault: { error: 67108949 } },
      { longLine: 2_000 },
      { noLineEnd: 5_000 }
    ] as const
    for (const fault of faults) {
      await harness.setAgentFaults({ commands: { PKSIGN: fault } })
      const { code, stderr } = await sign(harness)
      assert.strictEqual(code, 2, `${JSON.stringify(fault)}: ${stderr}`)
    }
    // gpg waits for these for ever
    for (const fault of ["hang", "endlessStatus"] as const) {
      await harness.setAgentFaults({ commands: { PKSIGN: fault } })
      const waiting = await harness.run(["gpg", "--batch", "--clearsign"], { input: text, timeoutMs: 500 })
      assert.isTrue(waiting.timedOut, waiting.stderr)
    }
  })

  it("takes another pinentry script while it runs, from the test and from the file of the control folder", async () => {
    await using harness = await startHarness({ keys: ["bob"], agentConf: ["ignore-cache-for-signing"] })
    assert.include((await sign(harness)).stderr, "Operation cancelled")
    await harness.setPinentry([{ pin: "abc" }])
    const signed = await sign(harness)
    assert.strictEqual(signed.code, 0, signed.stderr)
    const file = join(harness.control, "pinentry.json")
    await writeFile(`${file}.mine`, JSON.stringify(["close"]))
    await rename(`${file}.mine`, file)
    assert.include((await sign(harness)).stderr, "Operation fully cancelled")
    await writeFile(`${file}.mine`, "[")
    await rename(`${file}.mine`, file)
    assert.strictEqual((await sign(harness)).code, 2)
    harness.transcript.assertHas(/^pinentry \d+ = pinentry.json is not JSON$/)
  })

  it("takes other faults from the file of the control folder, and complains of one that cannot be used", async () => {
    await using harness = await startHarness({ agentFaults: {} })
    const file = join(harness.control, "agent-faults.json")
    await writeFile(`${file}.mine`, `{"commands": {"PKSIGN": {"error": 67108949}}}`)
    await rename(`${file}.mine`, file)
    assert.include((await sign(harness)).stderr, "No pinentry")
    await writeFile(`${file}.mine`, `{"commands": {"PKSIGN": "hung"}}`)
    await rename(`${file}.mine`, file)
    assert.include((await sign(harness)).stderr, "No pinentry")
    harness.transcript.assertTimes(/^gate = .*agent-faults.json:1:25: commands.PKSIGN: expected "pass"/, 1)
  })

  it("has the program be an app of a policy", async () => {
    const policy = `default = "forbid"\n[apps.mail]\nsocket = "mail"\nkeys = ["alice@example.org"]\nsign = "allow"\n`
    await using harness = await startHarness({ keys: ["alice", "bob"], policy, app: "mail" })
    const signed = await sign(harness)
    assert.strictEqual(signed.code, 0, signed.stderr)
    const other = await sign(harness, "-u", "bob@example.org")
    assert.include(other.stderr, "No secret key")
    assert.match(await harness.finish(), /^gate = .*allowed sign .*to app mail /m)
    harness.transcript.assertHas(/^program 2 = closed$/)
  })

  it("has keys by name, by a new user id with a passphrase, and from their armor", async () => {
    await using first = await startHarness({
      keys: ["release", { userId: "Carol <carol@example.org>", passphrase: "xyz", algo: "ed25519" }],
      pinentry: [{ pin: "xyz" }]
    })
    assert.deepStrictEqual(first.keys.map(({ userId }) => userId), [
      "Release <release@example.org>",
      "Carol <carol@example.org>"
    ])
    const signed = await sign(first, "-u", "carol@example.org")
    assert.strictEqual(signed.code, 0, signed.stderr)
    const loopback = ["--pinentry-mode", "loopback", "--passphrase", "xyz"]
    const carol = await first.run(["gpg", "--batch", ...loopback, "--export-secret-keys", "carol@example.org"])
    assert.strictEqual(carol.code, 0, carol.stderr)
    await using second = await startHarness({ keys: [{ secretKey: carol.stdout }], pinentry: [{ pin: "xyz" }] })
    assert.strictEqual(second.keys[0]!.fingerprint, first.keys[1]!.fingerprint)
    assert.strictEqual((await sign(second)).code, 0)
  })

  it("tells what is wrong with the keys and the policy, and leaves nothing", async () => {
    const failure = (options: Parameters<typeof startHarness>[0]) =>
      startHarness(options).then(() => assert.fail("it started"), (error: Error) => error.message)
    assert.include(await failure({ keys: [{ secretKey: "no key" }] }), "gpg: no valid OpenPGP data found")
    assert.include(await failure({ keys: ["mallory" as "alice"] }), `no key is called "mallory"`)
    assert.match(await failure({ pinentry: ["abc" as "cancel"] }), /^pinentry:1:2: \[0\]: expected an answer: /)
    assert.match(
      await failure({ agentFaults: { commands: { PKSIGN: "hung" as "hang" } } }),
      /^agentFaults:.*commands.PKSIGN: /
    )
    assert.match(await failure({ policy: "default = \"perhaps\"\n" }), /policy.toml:1:11.*perhaps/s)
  })

  it("leaves neither a process nor a folder, also where programs still run", async () => {
    const harness = await startHarness({ keys: ["bob"], pinentry: ["hang"] })
    const running = harness.run(["gpg", "--batch", "--clearsign"], { input: text })
    await harness.transcript.waitFor(/^pinentry \d+ = hang/)
    const owner = dirname(harness.control)
    const daemon = spawn("sleep", ["1000"], { env: harness.env, detached: true, stdio: "ignore" })
    const pids = [...processesOf(owner), daemon.pid!]
    assert.isAtLeast(pids.length, 3)
    await harness.close()
    await harness.close()
    assert.deepStrictEqual(pids.filter(isAlive), [])
    assert.isFalse(existsSync(owner) || existsSync(harness.homedir))
    assert.notStrictEqual((await running).code, 0)
  })

  it("leaves nothing where the process of the test is killed", async () => {
    const script = `
      const { startHarness } = await import(${JSON.stringify(new URL("../src/harness.ts", import.meta.url).href)})
      const { processesOf } = await import(${JSON.stringify(new URL("../src/processes.ts", import.meta.url).href)})
      const harness = await startHarness({ keys: ["bob"], pinentry: ["hang"] })
      void harness.run(["gpg", "--batch", "--clearsign"], { input: "x" })
      await harness.transcript.waitFor(/^pinentry \\d+ = hang/)
      const owner = harness.control.replace(/\\/control$/, "")
      console.log(JSON.stringify({ pids: processesOf(owner), folders: [owner, harness.homedir] }))
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"]
    })
    try {
      let line = ""
      for await (const chunk of child.stdout.setEncoding("utf8")) if ((line += chunk).includes("\n")) break
      const { folders, pids } = JSON.parse(line) as { pids: Array<number>; folders: Array<string> }
      assert.isAtLeast(pids.length, 2)
      const ended = once(child, "exit")
      killGroup(child.pid)
      await ended
      assert.deepStrictEqual(await waitGone(pids, 10_000), [])
      for (const end = performance.now() + 10_000; folders.some(existsSync) && performance.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      assert.deepStrictEqual(folders.filter(existsSync), [])
    } finally {
      killGroup(child.pid)
    }
  })
})
