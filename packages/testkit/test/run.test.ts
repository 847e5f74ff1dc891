// Running one program to its end.
import { assert, describe, it } from "@effect/vitest"
import { waitGone } from "../src/processes.ts"
import { run, runOk } from "../src/run.ts"

describe("run", () => {
  it("hands over input and environment as they are and gives back bytes, text and exit code", async () => {
    const bytes = Buffer.from([0, 255, 10, 128])
    const result = await run(["sh", "-c", "cat; echo \"$A $B\" >&2; exit 3"], {
      env: { PATH: "/usr/bin:/bin", A: "a b" },
      input: bytes
    })
    assert.deepEqual(result, { code: 3, signal: null, timedOut: false, stdout: bytes, stderr: "a b \n" })
  })

  it("gives a program that reads nothing an input that is not read", async () => {
    const result = await run(["true"], { input: Buffer.alloc(1_000_000) })
    assert.strictEqual(result.code, 0)
  })

  it("uses no shell", async () => {
    const result = await runOk(["echo", "$HOME; ls", "*"])
    assert.strictEqual(result.stdout.toString(), "$HOME; ls *\n")
  })

  it("kills the whole group at the time-out, also what holds the pipes", async () => {
    const result = await run(["sh", "-c", "sleep 30 & echo $!; wait"], { timeoutMs: 300 })
    const grandchild = Number(result.stdout.toString())
    assert.isTrue(result.timedOut)
    assert.strictEqual(result.signal, "SIGKILL")
    assert.isAbove(grandchild, 1)
    assert.deepEqual(await waitGone([grandchild], 2_000), [])
  })

  it("does not wait past the time-out for a daemon that left the group with the pipes open", async () => {
    const result = await run(["sh", "-c", "setsid sleep 5 & echo $!"], { timeoutMs: 300 })
    assert.isTrue(result.timedOut)
    process.kill(Number(result.stdout.toString()), "SIGKILL")
  })

  it("runOk says how a program ended and what it said", async () => {
    const message = await runOk(["sh", "-c", "echo no such luck >&2; exit 4"]).then(
      () => assert.fail("it has exit code 4"),
      (error: Error) => error.message
    )
    assert.include(message, "ended with exit code 4")
    assert.include(message, "no such luck")
  })

  it("rejects where the program cannot be started", async () => {
    const code = await run(["/nonexistent/program"]).then(() => "started", (error: NodeJS.ErrnoException) => error.code)
    assert.strictEqual(code, "ENOENT")
  })
})
