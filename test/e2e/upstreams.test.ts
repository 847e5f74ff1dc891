// Two real agents behind one gate, with stock gpg before it: everything goes to the agent that it is for, and what becomes of one is
// nothing to the other.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import type { Reply } from "@gripgate/testkit/fake-agent/reply"
import type { Gate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, readKey } from "@gripgate/testkit/keys"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { agentConf, assertSigns, gateOf, sign, text } from "./set-up.ts"

const { fingerprint: alice, keygrips: aliceGrips } = fixtureKeys.plain
const { fingerprint: bob, keygrips: bobGrips, passphrase } = fixtureKeys.protected

interface Stage {
  /** Has Alice's key; the gate's own agent. */
  readonly near: Homedir
  /** Has Bob's key; `[upstreams.far]`. */
  readonly far: Homedir
  readonly gate: Gate
  readonly client: Homedir
}

const makeStage = async (
  stack: AsyncDisposableStack,
  options: { readonly command?: boolean; readonly policy?: string } = {}
): Promise<Stage> => {
  const near = stack.use(await makeHomedir({ agentConf }))
  const far = stack.use(await makeHomedir({ agentConf }))
  await importKey(near, "plain")
  await importKey(far, "protected")
  await far.launchAgent()
  // who makes the policy has the public keys of all
  const exported = await far.gpg(["--export"])
  await near.gpg(["--import"], { input: exported.stdout })
  const socket = await far.agentSocket()
  const where = options.command === true
    ? `command = ["socat", "STDIO", "UNIX-CONNECT:${socket}"]`
    : `socket = "${socket}"`
  const gate = stack.use(await gateOf(near, { policy: `${options.policy ?? ""}\n[upstreams.far]\n${where}\n` }))
  const client = stack.use(await makeClientHome({ owner: near, socket: gate.socket }))
  return { near, far, gate, client }
}

const argv = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]

/** Unlocks Bob's key through the gate. */
const signAsBob = async (client: Homedir) => {
  const file = join(client.path, "letter")
  await writeFile(file, text)
  const command = ["gpg", ...argv, "-u", bob, "--clearsign", "--output", "-", file]
  return client.run(command, { input: `${passphrase}\n` })
}

const secretKeys = async (client: Homedir): Promise<Array<string>> => {
  const { stdout } = await client.gpg(["--with-colons", "--list-secret-keys"])
  return stdout.toString().split("\n").filter((line) => line.startsWith("sec:")).map((line) =>
    `${line.split(":")[4]}${line.split(":")[14]}`
  )
}

const keyFile = (home: Homedir, grip: string): boolean =>
  existsSync(join(home.path, "private-keys-v1.d", `${grip}.key`))

describe("two agents behind a gate", () => {
  it("are listed as one", async () => {
    await using stack = new AsyncDisposableStack()
    const { client } = await makeStage(stack)
    // `+`: the agent has it
    assert.sameMembers(await secretKeys(client), [`${alice.slice(-16)}+`, `${bob.slice(-16)}+`])
  })

  it("sign each with its own key, and the passphrase is asked by the one that wants it", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, far, near } = await makeStage(stack)
    await assertSigns(client, alice)
    const signed = await signAsBob(client)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.include(signed.stdout.toString(), "BEGIN PGP SIGNATURE")
    assert.isFalse(keyFile(near, bobGrips.primary))
    assert.isFalse(keyFile(far, aliceGrips.primary))
  })

  it("decrypt each what is for its key", async () => {
    await using stack = new AsyncDisposableStack()
    const { client } = await makeStage(stack)
    const encrypted = await client.gpg(["--trust-model", "always", "-r", bob, "--encrypt"], { input: text })
    const file = join(client.path, "x.gpg")
    await writeFile(file, encrypted.stdout)
    const input = `${passphrase}\n`
    const decrypted = await client.run(["gpg", ...argv, "--decrypt", file], { input })
    assert.strictEqual(decrypted.code, 0, decrypted.stderr)
    assert.strictEqual(decrypted.stdout.toString(), text)
  })

  it("export each its key, wrapped for the client", async () => {
    await using stack = new AsyncDisposableStack()
    const { client } = await makeStage(stack)
    const input = `${passphrase}\n`
    for (const [key, grips] of [[alice, aliceGrips], [bob, bobGrips]] as const) {
      const exported = await client.run(["gpg", ...argv, "--export-secret-keys", key], { input })
      assert.strictEqual(exported.code, 0, exported.stderr)
      const other = stack.use(await makeHomedir({ agentConf }))
      await other.gpg(["--batch", "--import"], { input: exported.stdout })
      assert.strictEqual((await readKey(other, key)).keygrips.primary, grips.primary)
      assert.isTrue(keyFile(other, grips.primary))
    }
  })

  it("make and bring in keys with the first alone, and add a subkey where the key is", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, far, near } = await makeStage(stack)
    const quick = ["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    await client.gpg([...quick, "--quick-generate-key", "Carol <carol@example.org>", "ed25519"])
    const carol = await readKey(client, "carol@example.org")
    assert.isTrue(keyFile(near, carol.keygrips.primary))
    assert.isFalse(keyFile(far, carol.keygrips.primary))
    const other = stack.use(await makeHomedir({ agentConf }))
    await importKey(other, "rsa")
    const rsa = await other.gpg(["--export-secret-keys", fixtureKeys.rsa.fingerprint])
    await client.gpg(["--batch", "--import"], { input: rsa.stdout })
    assert.isTrue(keyFile(near, fixtureKeys.rsa.keygrips.primary))
    assert.isFalse(keyFile(far, fixtureKeys.rsa.keygrips.primary))
    const added = await client.run(
      [
        "gpg",
        "--batch",
        "--pinentry-mode",
        "loopback",
        "--passphrase-fd",
        "0",
        "--quick-add-key",
        bob,
        "ed25519",
        "sign"
      ],
      { input: `${passphrase}\n` }
    )
    assert.strictEqual(added.code, 0, added.stderr)
    const { stdout } = await client.gpg(["--with-colons", "--with-keygrip", "--list-secret-keys", bob])
    const grip = stdout.toString().split("\n").filter((line) => line.startsWith("grp:")).at(-1)!.split(":")[9]!
    assert.isTrue(keyFile(far, grip), "the new subkey is with Bob's other keys")
    assert.isFalse(keyFile(near, grip))
  })

  it("have a key both: the first that is named answers", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, far, near } = await makeStage(stack)
    await importKey(near, "protected")
    await near.launchAgent()
    await near.run(["gpg", ...argv, "-u", bob, "--sign", join(near.path, "gpg.conf")], {
      input: `${passphrase}\n`
    })
    await far.killAgent()
    const signed = await signAsBob(client)
    assert.strictEqual(signed.code, 0, signed.stderr)
  })
})

describe("one of two agents", () => {
  it("is stopped: the other is unaffected, and it is back when it is started again", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, far } = await makeStage(stack)
    assert.strictEqual((await signAsBob(client)).code, 0)
    await far.killAgent()
    await assertSigns(client, alice)
    const refused = await signAsBob(client)
    assert.strictEqual(refused.code, 2)
    assert.match(refused.stderr, /No (agent running|secret key)/)
    assert.deepInclude(await secretKeys(client), `${alice.slice(-16)}+`)
    await far.launchAgent()
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    assert.strictEqual((await signAsBob(client)).code, 0)
  })

  it("hangs: the other is unaffected", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, far } = await makeStage(stack)
    await assertSigns(client, alice)
    const pid = await far.agentPid()
    process.kill(pid!, "SIGSTOP")
    try {
      const began = performance.now()
      await assertSigns(client, alice)
      await assertSigns(client, alice)
      assert.isBelow(performance.now() - began, 10_000)
    } finally {
      process.kill(pid!, "SIGCONT")
    }
    assert.strictEqual((await signAsBob(client)).code, 0)
  })

  it("is slow: the other is unaffected", async () => {
    await using stack = new AsyncDisposableStack()
    const near = stack.use(await makeHomedir({ agentConf }))
    await importKey(near, "plain")
    const late = (reply: ReadonlyArray<string>): Reply => ({ afterMs: 20_000, reply })
    const far = stack.use(
      await startFakeAgent({ handlers: { HAVEKEY: late(["OK"]), KEYINFO: late(["OK"]), RESET: late(["OK"]) } })
    )
    const gate = stack.use(await gateOf(near, { policy: `[upstreams.far]\nsocket = "${far.socket}"\n` }))
    const client = stack.use(await makeClientHome({ owner: near, socket: gate.socket }))
    const began = performance.now()
    for (let i = 0; i < 3; i++) await assertSigns(client, alice)
    assert.isBelow(performance.now() - began, 15_000)
    assert.isAbove(far.commands().filter((line) => line.startsWith("HAVEKEY")).length, 0, "it was asked")
  })

  it("is the first and hangs: keys of the other are used all the same", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, near } = await makeStage(stack)
    assert.strictEqual((await signAsBob(client)).code, 0)
    const pid = await near.launchAgent()
    process.kill(pid, "SIGSTOP")
    try {
      const began = performance.now()
      const signed = await signAsBob(client)
      assert.strictEqual(signed.code, 0, signed.stderr)
      assert.strictEqual((await signAsBob(client)).code, 0)
      // each limit of a wait is 3 s, and one that was waited for is not waited for again
      assert.isBelow(performance.now() - began, 12_000)
    } finally {
      process.kill(pid, "SIGCONT")
    }
  })

  it("is the first and is stopped: keys of the other are used all the same", async () => {
    await using stack = new AsyncDisposableStack()
    const near = stack.use(await makeHomedir({ agentConf }))
    const far = stack.use(await makeHomedir({ agentConf }))
    await importKey(near, "plain")
    await importKey(far, "plain")
    await far.launchAgent()
    await near.killAgent()
    const policy = `[upstreams.far]\nsocket = "${await far.agentSocket()}"\n`
    const nowhere = join(near.path, "nowhere")
    const gate = stack.use(await gateOf(near, { policy, args: ["--upstream", nowhere] }))
    const client = stack.use(await makeClientHome({ owner: near, socket: gate.socket }))
    await assertSigns(client, alice)
    assert.strictEqual((await sign(client, bob)).code, 2)
  })

  it("is the default by the policy, and the gate's own is left alone", async () => {
    await using stack = new AsyncDisposableStack()
    const near = stack.use(await makeHomedir({ agentConf }))
    const far = stack.use(await makeHomedir({ agentConf }))
    for (const home of [near, far]) await importKey(home, "plain")
    await far.launchAgent()
    await near.killAgent()
    const policy = `[upstreams.far]\nsocket = "${await far.agentSocket()}"\ndefault = true\n`
    const gate = stack.use(await gateOf(near, { policy }))
    const client = stack.use(await makeClientHome({ owner: near, socket: gate.socket }))
    await assertSigns(client, alice)
    await client.gpg([
      "--batch",
      "--pinentry-mode",
      "loopback",
      "--passphrase",
      "",
      "--quick-generate-key",
      "D <d@example.org>"
    ])
    const { keygrips } = await readKey(client, "d@example.org")
    assert.isTrue(keyFile(far, keygrips.primary))
    assert.isUndefined(await near.agentPid(), "nobody started it")
  })
})
