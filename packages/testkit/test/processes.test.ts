// Which processes count as ended, and which as a homedir's.
import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { isAlive, processesOf, signalAll, waitGone } from "../src/processes.ts"

describe("processes", () => {
  it("a process lives until it has ended, and waitGone names those that have not", async () => {
    const child = spawn("sleep", ["30"])
    assert.isTrue(isAlive(child.pid!))
    assert.deepEqual(await waitGone([child.pid!], 20), [child.pid!])
    signalAll([child.pid!], "SIGKILL")
    assert.deepEqual(await waitGone([child.pid!], 2_000), [])
    assert.isFalse(isAlive(child.pid!))
  })

  it("a zombie does not live", async () => {
    // the shell becomes a sleep, which never waits for the child that the shell had
    const child = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 30"], { stdio: ["ignore", "pipe", "ignore"] })
    const [line] = await once(child.stdout, "data") as [Buffer]
    const zombie = Number(line.toString())
    assert.isAbove(zombie, 1)
    assert.deepEqual(await waitGone([zombie], 2_000), [])
    assert.doesNotThrow(() => process.kill(zombie, 0), "it is still in the table of processes")
    child.kill("SIGKILL")
    await once(child, "close")
  })

  it("a program with a path inside the homedir as a mere argument is not the homedir's", async () => {
    const child = spawn("sh", ["-c", "read line; :", "/tmp/gg-nobody/x", "/tmp/gg-nobody"])
    await once(child, "spawn")
    assert.deepEqual(processesOf("/tmp/gg-nobody"), [])
    child.kill("SIGKILL")
    await once(child, "exit")
  })
})
