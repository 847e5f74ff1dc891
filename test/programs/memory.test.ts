// What other programs of the same user see of a gate's process.
import { assert, describe, it } from "@effect/vitest"
import type { GrantedEntry } from "@gripgate/proxy/control/message/granted"
import { serveControl } from "@gripgate/proxy/control/server"
import { makeToken } from "@gripgate/proxy/grant/token"
import { LogService } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { run } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { gateVerbs } from "./hand-made-gate.ts"

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

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))
const KEY = "A".repeat(40)
const made: GrantedEntry = {
  id: "AB23",
  app: "mail",
  session: null,
  keys: [],
  operations: ["sign"],
  answer: "yes",
  token: true,
  madeAt: "2026-02-03T04:05:06.789Z",
  madeBy: { through: "grant", uid: 1000 },
  expiresAt: null,
  revokedAt: null,
  uses: 0,
  usesLeft: null,
  limit: null,
  lastUsedAt: null,
  previousUntil: null,
  effective: true,
  reason: null
}

/** A control socket of a gate that makes every grant; its path. */
const granting = async (stack: AsyncDisposableStack): Promise<string> => {
  const folder = await makeFolder("gm")
  stack.defer(() => removeFolder(folder))
  const path = join(folder, "control")
  const key = { keygrip: KEY, keyId: KEY.slice(24), userId: null, protection: "protected", sealed: true } as const
  const hand = () => Effect.succeed({ result: { grant: made }, token: makeToken("AB23"), lost: Effect.void })
  const plan = () => Effect.succeed({ app: "mail", operations: ["sign"], keys: [key], notes: ["a note"] })
  const scope = Scope.makeUnsafe()
  stack.defer(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  await Effect.runPromise(
    serveControl({
      path,
      verbs: { ...gateVerbs, plan, grant: hand, rotate: hand },
      facts: () => Effect.succeed({ socket: path, chain: [] }),
      denied: () => undefined
    }).pipe(Scope.provide(scope), Effect.provideService(LogService, { level: 3, write: () => {} }))
  )
  return path
}

describe("the memory of a program that is given a passphrase", () => {
  for (const args of [["grant", "mail", "--key", "x"], ["rotate", "AB23"]]) {
    it(`gripgate ${args[0]}: is not for a file, nor opened to a debugger by a signal`, async () => {
      await using stack = new AsyncDisposableStack()
      const control = ["--control", await granting(stack), "--passphrase-fd", "0"]
      const child = spawn(process.execPath, [PROGRAM, ...args, ...control], {
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8" }
      })
      stack.defer(() => void child.kill("SIGKILL"))
      const ended = once(child, "exit")
      let said = ""
      child.stderr.on("data", (chunk) => said += String(chunk))
      child.stdout.resume()
      const core = async () =>
        /^Max core file size +\S+ +\S+/m.exec(await readFile(`/proc/${child.pid}/limits`, "utf8"))![0]
      const none = /size +0 +0$/
      // it says the note before it waits for the passphrase
      for (let i = 0; i < 500 && !(said.includes("a note") && none.test(await core())); i++) await sleep(20)
      assert.match(await core(), none)
      child.kill("SIGUSR1")
      await sleep(500)
      assert.notInclude(said, "Debugger")
      child.stdin.end("abc\n")
      assert.deepEqual([await ended, said.includes("core dump")], [[0, null], false], said)
    })
  }
})
