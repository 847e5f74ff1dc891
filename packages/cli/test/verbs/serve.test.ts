import { assert, describe, it } from "@effect/vitest"
import { ListenError } from "@gripgate/proxy/listen/listener"
import { LockError } from "@gripgate/proxy/lock"
import { LocateError } from "@gripgate/proxy/upstream/locate"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { run } from "@gripgate/testkit/run"
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startFailure } from "../../src/verbs/serve.ts"
import { gripgate, MAIN, makeFolder, put } from "../support/cli.ts"

const program = MAIN

/** The last line of what is said at the start. */
const GREETED = /--clearsign FILE$/

describe("gripgate serve", () => {
  it("says where it listens, which agent it serves, and by which policy", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({
      home,
      program,
      policy: "default = \"ask\"\n[operations]\nexport = \"forbid\"\n[apps.git]\nsocket = \"git\"\nkeys = [\"*\"]\n"
    })
    await gate.waitForLog(GREETED)
    const end = gate.log().indexOf("")
    assert.deepStrictEqual(gate.log().slice(0, end), [
      `gripgate: listening at ${gate.socket}`,
      `gripgate: listening at ${home.path}/.local/state/gripgate/run/apps/git/S.gpg-agent for the app git`,
      `gripgate: serving the agent at ${await home.agentSocket()}`,
      `gripgate: policy: default = "ask", one shared entry, one app, from ${gate.policyFile}`
    ])
  })

  it("serves by the built-in policy where there is no other, and says so and how to restrict it", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program })
    await gate.waitForLog(GREETED)
    const log = gate.log().join("\n")
    assert.include(log, "gripgate: policy: default = \"allow\", built in\n")
    assert.include(
      log,
      `gripgate: there is no policy at ${home.path}/.config/gripgate/policy.toml, so everything is allowed\n`
    )
    assert.include(log, "gripgate: to restrict, write one there and start again")
    // what it proposes is a policy
    const proposed = [...log.matchAll(/^gripgate: {5}(.*)$/gm)].map(([, line]) => line).join("\n")
    put(home.path, "proposed.toml", `default = "allow"\n${proposed}\n`)
    const { code, stdout } = await gripgate(["lint", "proposed.toml"], home.path)
    assert.deepStrictEqual([code, stdout], [0, "proposed.toml: no problems\n"])
  })

  it("prints shell lines that point gpg at it, and they work as they are", async () => {
    await using home = await makeHomedir()
    await importKey(home, "plain")
    await using gate = await startGate({ home, program, args: ["--default", "allow"] })
    await gate.waitForLog(GREETED)
    const log = gate.log()
    const lines = log.slice(log.indexOf("")).filter((line) => line.startsWith("  ")).join("\n")
    put(home.path, "FILE", "to be signed\n")
    // the verb of these sources, whatever lies on the PATH
    const bin = join(home.path, "bin")
    mkdirSync(bin)
    put(bin, "gripgate", `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`)
    chmodSync(join(bin, "gripgate"), 0o755)
    const env = { ...home.env, PATH: `${bin}:${home.env["PATH"]}` }
    const { code, stderr } = await run(["bash", "-euc", lines], { env, cwd: home.path })
    assert.strictEqual(code, 0, stderr)
    await home.gpg(["--verify", "FILE.asc"], { cwd: home.path })
    assert.match(gate.log().join("\n"), /^gripgate: allowed sign .* by PKSIGN/m)
  })

  it("reads the policy again on SIGHUP and lets what it says hold at once", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program, policy: "default = \"allow\"\n" })
    await using client = await connectRaw(gate.socket)
    await client.readReply()
    assert.strictEqual((await client.command("RELOADAGENT")).last, "OK")
    writeFileSync(gate.policyFile!, "default = \"forbid\"\n")
    process.kill(gate.pid, "SIGHUP")
    await gate.waitForLog(/the policy has been read again/)
    assert.match((await client.command("RELOADAGENT")).last, /^ERR 67109115 /)
  })

  it("ends with exit code 0 on SIGTERM and SIGINT and leaves no socket", async () => {
    await using home = await makeHomedir()
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const gate = await startGate({ home, program })
      assert.deepStrictEqual(await gate.stop(signal), { code: 0, signal: null })
      assert.isFalse(existsSync(gate.socket))
      assert.deepStrictEqual(readdirSync(join(home.path, ".local/state/gripgate/run")), [])
    }
  })

  it("ends at once, with exit code 130, when SIGINT comes again while a command is running", async () => {
    await using home = await makeHomedir({ pinentry: { answers: ["hang"] } })
    const key = await importKey(home, "protected")
    await using gate = await startGate({ home, program })
    await using client = await connectRaw(gate.socket)
    await client.readReply()
    await client.command(`SIGKEY ${key.keygrips.primary}`)
    await client.command(`SETHASH --hash=sha256 ${"ab".repeat(32)}`)
    client.send("PKSIGN\n")
    while (await home.pinentry.questions() === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    // one at the same moment is npm passing on what the terminal has sent to both, and does not count
    for (let i = 0; i < 2; i++) process.kill(gate.pid, "SIGINT")
    await gate.waitForLog(/stopping/)
    const ended = await Promise.race([gate.exited, new Promise((resolve) => setTimeout(resolve, 700, "waits"))])
    assert.strictEqual(ended, "waits")
    process.kill(gate.pid, "SIGINT")
    assert.deepStrictEqual(await gate.exited, { code: 130, signal: null })
  })

  it("gives a second gate on the same socket an error, and the first serves on", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program })
    const args = ["serve", "--homedir", home.path, "--listen", gate.socket, "--default", "allow"]
    const { code, stderr } = await gripgate(args, makeFolder())
    assert.strictEqual(code, 1)
    assert.include(stderr, `gripgate: error: somebody listens at ${gate.socket} already`)
    assert.match(stderr, /^gripgate: hint: /m)
    await using client = await connectRaw(gate.socket)
    assert.match((await client.readReply()).last, /^OK/)
  })

  it("does not start, and says why, where it cannot", async () => {
    await using home = await makeHomedir()
    const bad = put(home.path, "bad.toml", "default = \"alow\"\n")
    const long = join(home.path, "x".repeat(107))
    const serve = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await gripgate(["serve", "--homedir", home.path, ...args])
      return [code, stderr.split("\n").find((line) => line.startsWith("gripgate: error: "))] as const
    }
    const socket = join(home.path, "gate.sock")
    const found = await Promise.all([
      serve("--policy", bad),
      serve("--policy", join(home.path, "missing.toml")),
      serve("--policy", bad, "--default", "ask"),
      serve("--default", "allow", "--listen", long),
      serve("--default", "allow", "--listen", bad),
      serve("--default", "allow", "--listen", "git=/x"),
      serve("--default", "allow", "--listen", socket, "--upstream", socket)
    ])
    assert.deepStrictEqual(found.map(([code]) => code), [78, 78, 64, 1, 1, 64, 64])
    const [invalid, missing, both, tooLong, noSocket, noApp, itself] = found.map(([, line]) => line)
    assert.strictEqual(invalid, `gripgate: error: ${bad}:1:11: expected "allow", "ask" or "forbid", got "alow"`)
    assert.strictEqual(
      missing,
      `gripgate: error: ${home.path}/missing.toml: the policy cannot be read: no such file or directory`
    )
    assert.strictEqual(both, "gripgate: error: --policy and --default exclude each other")
    assert.match(tooLong!, /^gripgate: error: a socket's path has at most \d+ bytes/)
    assert.include(noSocket, `${bad} is a regular file, not a socket, and is left alone`)
    assert.include(noApp, "the policy has no app \"git\"")
    assert.strictEqual(itself, `gripgate: error: the agent's socket ${socket} leads to this gate itself`)
  })
})

describe("startFailure", () => {
  it("gives what stands in the way of a gate its exit code", () => {
    const codes = [
      new LocateError({ message: "gpgconf was not found" }),
      new LockError({ message: "the state directory /x cannot be made: permission denied" }),
      new ListenError({ message: "cannot listen at /x: operation not permitted" }),
      new ListenError({ message: "cannot listen at /x: no space left on device" })
    ].map((error) => startFailure(error).code)
    assert.deepStrictEqual(codes, [69, 77, 77, 1])
  })
})
