// A gate beside an agent that comes and goes, with stock gpg in between.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { waitGone } from "@gripgate/testkit/processes"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { rm } from "node:fs/promises"
import { agentConf, assertSigns, setUp, setUpFor, sign, text } from "./set-up.ts"
import { makeSlowPinentry } from "./slow-pinentry.ts"

const { fingerprint: alice } = fixtureKeys.plain
const { fingerprint: bob } = fixtureKeys.protected

describe("an agent that goes", () => {
  it("has never been there: the gate starts one when it is needed", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, owner } = await setUp(stack)
    await owner.killAgent()
    await assertSigns(client)
    assert.isDefined(await owner.agentPid())
  })

  it("is killed between two signatures: the gate starts another", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, owner } = await setUp(stack)
    await assertSigns(client)
    const pid = await owner.agentPid()
    process.kill(pid!, "SIGKILL")
    await waitGone([pid!], 5_000)
    await assertSigns(client)
    assert.notStrictEqual(await owner.agentPid(), pid)
  })

  it("is stopped by gpgconf --kill through the gate: gone, and there again for the next signature", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, owner } = await setUp(stack)
    await assertSigns(client)
    const pid = await owner.agentPid()
    assert.strictEqual((await client.run(["gpgconf", "--kill", "gpg-agent"])).code, 0)
    assert.deepEqual(await waitGone([pid!], 5_000), [])
    await assertSigns(client)
    assert.notStrictEqual(await owner.agentPid(), pid)
  })

  it("is killed while the pinentry is open: an error for gpg, a line in the log, and the next one works", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, home: owner, release } = await makeSlowPinentry(stack, { agentConf })
    const { client, gate } = await setUpFor(stack, owner)
    const pid = await owner.launchAgent()
    const signing = sign(client, bob)
    await asked()
    process.kill(pid, "SIGKILL")
    const result = await signing
    await release()
    assert.strictEqual(result.code, 2, result.stderr)
    assert.include(result.stderr, "gpg: signing failed: No agent running\n")
    assert.notInclude(result.stdout.toString(), "BEGIN PGP SIGNATURE")
    await gate.waitForLog(/no answer to PKSIGN of anyone \(session \d+[^)]*\): /)
    await assertSigns(client)
  })

  it("was told to stop and lingers: an error in time, and the next one works when it has gone", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, gate, owner } = await setUp(stack)
    const pid = await owner.launchAgent()
    await using idle = await connectRaw(await owner.agentSocket())
    await idle.readReply()
    process.kill(pid, "SIGTERM")
    // the first may still have a connection from before
    await sign(client)
    const result = await sign(client)
    assert.strictEqual(result.code, 2, result.stderr)
    assert.include(result.stderr, "No agent running\n")
    await gate.waitForLog(/no agent at .*does not greet/)
    await idle.close()
    assert.deepEqual(await waitGone([pid], 5_000), [])
    await assertSigns(client)
  })

  it("loses its homedir and ends: an error for gpg, a reason in the log, and the gate still ends in order", async () => {
    await using stack = new AsyncDisposableStack()
    const folder = await makeFolder("gl")
    stack.defer(() => removeFolder(folder))
    const { client, gate, owner } = await setUp(stack, { folder })
    await assertSigns(client)
    const pid = await owner.agentPid()
    await rm(owner.path, { recursive: true })
    assert.deepEqual(await waitGone([pid!], 10_000), [])
    const result = await sign(client)
    assert.strictEqual(result.code, 2, result.stderr)
    assert.include(result.stderr, "No agent running\n")
    await gate.waitForLog(/no agent at .*: .*homedir .* no such file or directory/)
    assert.deepEqual(await gate.stop(), { code: 0, signal: null })
  })
})

describe("a client that goes", () => {
  it("is killed while the pinentry is open: others are served", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, home: owner, release } = await makeSlowPinentry(stack, { agentConf })
    const { client } = await setUpFor(stack, owner)
    // the time-out kills it
    const signing = client.run(["gpg", "-u", bob, "--clearsign"], { input: text, timeoutMs: 1_000 })
    await asked()
    assert.isTrue((await signing).timedOut)
    await assertSigns(client, alice)
    await release()
  })
})
