// What other programs of the same user see of a gate's process.
import { assert, describe, it } from "@effect/vitest"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { run } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

// root reads everything: the gate and those who look at it are root without what makes it that
const asUser = process.getuid!() === 0 ? [needs("setpriv"), "--bounding-set=-all", "--inh-caps=-all", "--"] : []

const reads = async (pid: number, what: string): Promise<boolean> =>
  (await run([...asUser, "cat", `/proc/${pid}/${what}`], { env: process.env as Record<string, string> })).code === 0

/** Whether Node's debugger answers on its port. */
const isDebugged = () =>
  new Promise<boolean>((resolve) => {
    const socket = connect(9229, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("close", () => socket.destroy())
    socket.unref()
  })

describe("the memory of a gate", () => {
  it("is not for another program of the same user, nor for a file", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, args: ["--default", "forbid"], through: asUser })
    const [file, ...args] = [...asUser, "sleep", "60"]
    const other = spawn(file!, args, { stdio: "ignore" })
    await once(other, "spawn")
    try {
      // reading them asks for the same right as reading memory; of a program like any other it is given
      for (const what of ["environ", "maps", "auxv"]) {
        assert.deepEqual([what, await reads(other.pid!, what), await reads(gate.pid, what)], [what, true, false])
      }
    } finally {
      other.kill()
    }
    const limits = await readFile(`/proc/${gate.pid}/limits`, "utf8")
    assert.match(limits, /^Max core file size +0 +0 /m)
    assert.deepEqual(gate.log().filter((line) => line.includes("memory")), [])
  })

  it("is not opened to a debugger by a signal", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, args: ["--default", "forbid"] })
    assert.isFalse(await isDebugged())
    process.kill(gate.pid, "SIGUSR1")
    await sleep(500)
    assert.isFalse(await isDebugged())
    assert.notInclude(gate.log().join("\n"), "Debugger")
    assert.deepEqual(await gate.stop(), { code: 0, signal: null })
  })

  it("would be opened by it otherwise", async () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 20_000); console.log('ready')"])
    try {
      await once(child.stdout, "data")
      child.kill("SIGUSR1")
      const [said] = await once(child.stderr, "data")
      assert.include(String(said), "Debugger listening")
    } finally {
      child.kill("SIGKILL")
    }
  })
})
