// Throw-away homedirs with the real gpg-agent.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startFakeAgent } from "../src/fake-agent.ts"
import { makeHomedir } from "../src/homedir.ts"
import { isAlive, processesOf, waitGone } from "../src/processes.ts"
import { connectRaw } from "../src/raw-client.ts"

describe("makeHomedir", () => {
  it("is a folder for its owner alone, with a path that leaves room for sockets, and nothing of ours in its environment", async () => {
    await using home = await makeHomedir({ prefix: "gt" })
    assert.strictEqual(statSync(home.path).mode & 0o777, 0o700)
    assert.match(home.path, /\/gt-\w{6}$/)
    assert.isBelow(Buffer.byteLength(join(home.path, "S.gpg-agent.browser")), 107)
    assert.hasAllKeys(home.env, ["PATH", "HOME", "GNUPGHOME", "LC_ALL", "TZ"])
    assert.deepEqual([home.env["HOME"], home.env["GNUPGHOME"]], [home.path, home.path])
  })

  it("starts an agent on the socket that gpgconf names, once, and names its pid", async () => {
    await using home = await makeHomedir()
    assert.isUndefined(await home.agentPid())
    const pid = await home.launchAgent()
    assert.strictEqual(await home.launchAgent(), pid)
    assert.strictEqual(await home.agentPid(), pid)
    assert.isTrue(isAlive(pid))
    assert.isTrue(statSync(await home.agentSocket()).isSocket())
    assert.include(processesOf(home.path), pid)
  })

  it("leaves neither a process nor a folder, and may be closed twice", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    await home.close()
    await home.close()
    assert.isFalse(isAlive(pid))
    assert.isFalse(existsSync(home.path))
    assert.deepEqual(processesOf(home.path), [])
  })

  it("ends an agent that was told to end and lives on, because somebody is connected to it", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    process.kill(pid, "SIGTERM")
    assert.deepEqual(await waitGone([pid], 200), [pid])
    await home.close()
    assert.isFalse(isAlive(pid))
    assert.isFalse(existsSync(home.path))
    await client.closed
  })

  it("ends an agent that answers nobody and heeds no signal", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    await client.command("PKDECRYPT")
    // an endless loop in libassuan 2.5 and 3.0 (assuan-inquire.c): the agent serves nobody from here on
    client.send("D %\n")
    assert.isUndefined(await home.agentPid())
    await home.close()
    assert.isFalse(isAlive(pid))
    assert.isFalse(existsSync(home.path))
  })

  it("ends a pinentry that never answers", async () => {
    await using home = await makeHomedir({ pinentry: { answers: ["hang"] } })
    await home.launchAgent()
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    client.send("GET_CONFIRMATION Well?\n")
    while (await home.pinentry.questions() === 0) await sleep(10)
    const pinentry = (await home.pinentry.log())[0]!.pid
    assert.isTrue(isAlive(pinentry))
    await home.close()
    assert.isFalse(isAlive(pinentry))
    assert.isFalse(existsSync(home.path))
  })

  it("ends its own agent and no other", async () => {
    await using one = await makeHomedir()
    await using other = await makeHomedir()
    const [pid, otherPid] = [await one.launchAgent(), await other.launchAgent()]
    assert.notStrictEqual(pid, otherPid)
    await one.killAgent()
    assert.isFalse(isAlive(pid))
    assert.strictEqual(await other.agentPid(), otherPid)
    assert.notStrictEqual(await one.launchAgent(), pid)
  })

  it("never stops what a redirect file leads to", async () => {
    await using agent = await startFakeAgent()
    await using home = await makeHomedir()
    await writeFile(await home.agentSocket(), `%Assuan%\nsocket=${agent.socket}\n`)
    await home.run(["gpg-connect-agent", "--no-autostart", "NOP", "/bye"])
    assert.include(agent.commands(), "NOP", "the redirect works")
    await home.close()
    assert.notInclude(agent.commands(), "KILLAGENT")
    assert.isFalse(existsSync(home.path))
  })

  it("gives its lines to gpg-agent and to gpg", async () => {
    await using home = await makeHomedir({
      agentConf: ["no-allow-loopback-pinentry"],
      gpgConf: ["local-user 0x1111111111111111"]
    })
    await home.launchAgent()
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    assert.strictEqual(
      (await client.command("OPTION pinentry-mode=loopback")).last,
      "ERR 67108924 Not supported <GPG Agent>"
    )
    const signed = await home.run(["gpg", "--batch", "--clearsign"], { input: "x" })
    assert.include(signed.stderr, "0x1111111111111111")
    assert.strictEqual(signed.code, 2)
  })

  it("is all that appears beside other temporary files", async () => {
    await using home = await makeHomedir({ prefix: "gtalone" })
    const parent = join(home.path, "..")
    assert.strictEqual(readdirSync(parent).filter((name) => name.startsWith("gtalone-")).length, 1)
    await home.launchAgent()
    await home.close()
    assert.deepEqual(readdirSync(parent).filter((name) => name.startsWith("gtalone-")), [])
  })
})
