// A gate that is told to stop, or is killed, while clients use it.
import { assert, describe, it } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { isAlive } from "@gripgate/testkit/processes"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { existsSync, readdirSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { agentConf, assertSigns, gateOf, setUp, setUpFor, sign } from "./set-up.ts"
import { makeSlowPinentry } from "./slow-pinentry.ts"

const { fingerprint: bob } = fixtureKeys.protected

describe("a gate that stops", () => {
  it("lets a signature finish that a person is typing a passphrase for, and takes no more", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, home: owner, release } = await makeSlowPinentry(stack, {
      agentConf,
      pinentry: { answers: [{ pin: "abc" }] }
    })
    const { client, gate } = await setUpFor(stack, owner)
    const signing = sign(client, bob)
    await asked()
    const stopping = gate.stop("SIGTERM", 20_000)
    await gate.waitForLog(/stopping: running commands may finish/)
    while (existsSync(gate.socket)) await sleep(5)
    assert.isTrue(isAlive(gate.pid))
    await release()
    const result = await signing
    assert.strictEqual(result.code, 0, result.stderr)
    assert.include(result.stdout.toString(), "BEGIN PGP SIGNATURE")
    assert.deepEqual(await stopping, { code: 0, signal: null })
  })

  it("waits for nobody longer than ten seconds", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, home: owner } = await makeSlowPinentry(stack, { agentConf })
    const { client, gate } = await setUpFor(stack, owner)
    const signing = sign(client, bob)
    await asked()
    const start = performance.now()
    assert.deepEqual(await gate.stop("SIGTERM", 20_000), { code: 0, signal: null })
    assert.isBelow(performance.now() - start, 12_000)
    const result = await signing
    assert.strictEqual(result.code, 2, result.stderr)
    assert.include(result.stderr, "gpg: signing failed: No agent running\n")
  })

  it("closes sessions in which nothing happens at once, and leaves nothing behind", async () => {
    await using stack = new AsyncDisposableStack()
    const { gate, owner } = await setUp(stack)
    await using idle = await connectRaw(gate.socket)
    await idle.readReply()
    const start = performance.now()
    assert.deepEqual(await gate.stop("SIGINT"), { code: 0, signal: null })
    assert.isBelow(performance.now() - start, 2_000)
    assert.strictEqual(await idle.closed, "end")
    const left = readdirSync(owner.path).filter((name) => /gate|control|lock/.test(name))
    assert.deepEqual(left, [])
  })

  it("is killed: the next one takes the place of what it left", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, gate, owner } = await setUp(stack)
    await gate.stop("SIGKILL")
    assert.isTrue(existsSync(gate.socket))
    const dead = await sign(client)
    assert.strictEqual(dead.code, 2)
    assert.include(dead.stderr, "gpg: no gpg-agent running in this session\n")
    stack.use(await gateOf(owner))
    await assertSigns(client)
  })
})
