// A homedir without private keys, led to an agent on another socket.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { makeClientHome } from "../src/client-home.ts"
import { makeHomedir } from "../src/homedir.ts"
import { importKey } from "../src/keys.ts"
import { processesOf } from "../src/processes.ts"

describe("makeClientHome", () => {
  it("lets stock gpg sign and decrypt with the owner's keys, of which it holds none", async () => {
    await using owner = await makeHomedir()
    const key = await importKey(owner, "plain")
    await using client = await makeClientHome({ owner, socket: await owner.agentSocket() })
    const signed = await client.gpg(["--clearsign"], { input: "hello\n" })
    const verified = await owner.gpg(["--status-fd", "1", "--verify"], { input: signed.stdout })
    assert.include(verified.stdout.toString(), `VALIDSIG ${key.fingerprint}`)
    const encrypted = await client.gpg(["-r", key.fingerprint, "-e"], { input: "secret" })
    assert.strictEqual((await client.gpg(["-d"], { input: encrypted.stdout })).stdout.toString(), "secret")
    assert.isFalse(existsSync(join(client.path, "private-keys-v1.d")))
    assert.deepEqual(processesOf(client.path), [])
  })

  it("has the redirect file where gpgconf says, in libassuan's form", async () => {
    await using owner = await makeHomedir()
    await importKey(owner, "plain")
    await using client = await makeClientHome({ owner, socket: "/nonexistent/gate" })
    const { stdout } = await client.run(["gpgconf", "--list-dirs", "agent-socket"])
    assert.strictEqual(readFileSync(stdout.toString().trimEnd(), "utf8"), "%Assuan%\nsocket=/nonexistent/gate\n")
  })

  it("starts no agent where nobody listens", async () => {
    await using owner = await makeHomedir()
    const key = await importKey(owner, "plain")
    await using client = await makeClientHome({ owner, socket: join(owner.path, "nobody") })
    const result = await client.run(["gpg", "--batch", "-u", key.fingerprint, "--clearsign"], { input: "x" })
    assert.strictEqual(result.code, 2)
    assert.include(result.stderr, "no gpg-agent running in this session")
    assert.deepEqual(processesOf(client.path), [])
    assert.deepEqual(readdirSync(owner.path).filter((name) => name === "nobody"), [])
  })

  it("takes nothing with it when it is closed", async () => {
    await using owner = await makeHomedir()
    await importKey(owner, "plain")
    const pid = await owner.launchAgent()
    await using client = await makeClientHome({ owner, socket: await owner.agentSocket() })
    await client.gpg(["--clearsign"], { input: "x" })
    await client.close()
    assert.isFalse(existsSync(client.path))
    assert.strictEqual(await owner.agentPid(), pid)
  })
})
