// Starting a gate, with programs in its place that keep the contract of `gripgate serve` or break it.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type GateOptions, startGate } from "../src/gate-process.ts"
import { type Homedir, makeHomedir } from "../src/homedir.ts"
import { isAlive } from "../src/processes.ts"
import { connectRaw } from "../src/raw-client.ts"

/** A stand-in: it prints its arguments, greets after a while, and logs each line it gets. */
const STAND_IN = `
import { createServer } from "node:net"
const [socket] = process.argv.slice(process.argv.indexOf("--listen") + 1)
console.error(JSON.stringify(process.argv.slice(2)))
console.error(JSON.stringify([process.env.HOME, process.env.EXTRA]))
console.error("gripgate: error: just so")
if (process.argv.includes("--fail")) process.exit(78)
const greeting = process.argv.includes("--refuse") ? "ERR 1 no\\n" : "OK stand-in of gripgate\\n"
const server = createServer((c) => {
  c.write(greeting)
  c.on("error", () => {})
  c.on("data", (d) => {
    console.error("got " + String(d).trim())
    c.write("OK\\n")
  })
})
setTimeout(() => server.listen(socket), 100)
if (process.argv.includes("--stubborn")) process.on("SIGINT", () => console.error("no"))
process.on("SIGTERM", () => process.exit(7))
`

const start = async (home: Homedir, options: Partial<GateOptions> = {}) => {
  const program = join(home.path, "stand-in.mjs")
  await writeFile(program, STAND_IN)
  return startGate({ home, program, ...options })
}

describe("startGate", () => {
  it("gives the gate its homedir, socket, policy and further arguments, and waits until it serves", async () => {
    await using home = await makeHomedir()
    const policy = "default = \"forbid\"\n"
    await using gate = await start(home, { policy, args: ["--state", "x"], env: { EXTRA: "1" } })
    await using client = await connectRaw(gate.socket)
    assert.strictEqual((await client.readReply()).last, "OK stand-in of gripgate")
    const [argv, env] = gate.log().map((line) => line.startsWith("[") ? JSON.parse(line) as Array<string> : [])
    assert.strictEqual(gate.policyFile, join(home.path, "policy.toml"))
    assert.deepEqual(argv, [
      "serve",
      "--homedir",
      home.path,
      "--listen",
      gate.socket,
      "--policy",
      gate.policyFile!,
      "--state",
      "x"
    ])
    assert.deepEqual(env, [home.path, "1"])
    assert.strictEqual(readFileSync(gate.policyFile!, "utf8"), policy)
  })

  it("follows the log: lines that came and lines that are to come", async () => {
    await using home = await makeHomedir()
    await using gate = await start(home)
    assert.strictEqual(await gate.waitForLog(/error:/), "gripgate: error: just so")
    const later = gate.waitForLog(/got HELLO/)
    await using client = await connectRaw(gate.socket)
    client.send("HELLO\n")
    assert.strictEqual(await later, "got HELLO")
    const missing = await gate.waitForLog(/never/, 50).then(() => "", (error: Error) => error.message)
    assert.match(missing, /no line of the gate matches \/never\/ \(late\)[^]*got HELLO/)
  })

  it("stops it with the signal that it is told, and knows how it ended", async () => {
    await using home = await makeHomedir()
    await using gate = await start(home)
    assert.isTrue(isAlive(gate.pid))
    assert.deepEqual(await gate.stop(), { code: 7, signal: null })
    assert.isFalse(isAlive(gate.pid))
    assert.deepEqual(await gate.exited, { code: 7, signal: null })
    assert.deepEqual(await gate.stop("SIGKILL"), { code: 7, signal: null }, "it ends only once")
    await using killed = await start(home, { listen: join(home.path, "other.sock") })
    assert.deepEqual(await killed.stop("SIGKILL"), { code: null, signal: "SIGKILL" })
    const waited = await killed.waitForLog(/never/, 1_000).then(() => "", (error: Error) => error.message)
    assert.include(waited, "the gate has ended")
  })

  it("throws with its stderr where it ends before it serves", async () => {
    await using home = await makeHomedir()
    const message = await start(home, { args: ["--fail"] }).then(() => "", (error: Error) => error.message)
    assert.include(message, "ended before it served (exit code 78")
    assert.include(message, "gripgate: error: just so")
  })

  it("throws where it greets with anything but OK until the time-out, and leaves no process", async () => {
    await using home = await makeHomedir()
    const options = { args: ["--refuse"], timeoutMs: 500 }
    const message = await start(home, options).then(() => "", (error: Error) => error.message)
    assert.match(message, /did not serve at .*gate\.sock within 500 ms \(exit code null, signal SIGKILL\)/)
    assert.isTrue(existsSync(join(home.path, "stand-in.mjs")))
  })

  it("kills one that does not stop", async () => {
    await using home = await makeHomedir()
    await using gate = await start(home, { args: ["--stubborn"] })
    assert.deepEqual(await gate.stop("SIGINT", 200), { code: null, signal: "SIGKILL" })
  })
})
