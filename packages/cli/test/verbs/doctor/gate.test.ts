// The gate and its sockets, in each state in which they are found.
import { assert, describe, it } from "@effect/vitest"
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import * as Effect from "effect/Effect"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { status } from "../../screens/data.ts"
import { MAIN } from "../../support/cli.ts"
import { examine } from "../../support/doctor.ts"
import { serveGate } from "../../support/gate.ts"

const state = (home: string) => join(home, ".local", "state", "gripgate")

describe("gripgate doctor: the gate", () => {
  it("says that none runs, and starts none", async () => {
    await using home = await makeHomedir()
    const { code, only } = await examine(home)
    assert.deepStrictEqual([only("gate.none").where, code], [join(state(home.path), "run", "control"), 0])
    assert.include((await examine(home)).ids, "gate.none")
  })

  it("tells of one that answers, at each of its sockets, and nothing that is wrong", async () => {
    await using home = await makeHomedir()
    const policy = "default = \"allow\"\n[apps.mail]\nsocket = \"mail\"\nkeys = [\"*\"]\n"
    await using gate = await startGate({ home, program: MAIN, policy })
    const { code, findings, only } = await examine(home, ["--policy", gate.policyFile!])
    assert.match(only("gate.answers").message, new RegExp(`^gripgate 0\\.1\\.0, pid ${gate.pid}, `))
    const sockets = findings.filter(({ id }) => id === "gate.socket").map(({ where }) => where)
    assert.sameMembers(sockets, [gate.socket, join(state(home.path), "run", "apps", "mail", "S.gpg-agent")])
    assert.strictEqual(code, 0)
    // to its owner the control socket is open
    assert.strictEqual(only("bypass.control").level, "danger")
  })

  it("tells a control socket that was left by one that was killed", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program: MAIN })
    await gate.stop("SIGKILL")
    const { ids, only } = await examine(home)
    assert.strictEqual(only("gate.stale").fix, "gripgate serve")
    assert.notInclude(ids, "gate.locked")
  })

  it("does not hang where a control socket takes connections and says nothing", async () => {
    await using home = await makeHomedir()
    const control = join(home.path, "control")
    const server = createServer((socket) => void socket.on("error", () => {}))
    await new Promise<void>((resolve) => server.listen(control, resolve))
    try {
      const silent = (await examine(home, ["--control", control])).only("gate.silent")
      assert.deepStrictEqual([silent.where, silent.level], [control, "wrong"])
    } finally {
      server.close()
    }
  })

  it("tells one that has the state directory and answers elsewhere", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program: MAIN, args: ["--control", join(home.path, "elsewhere")] })
    const locked = (await examine(home)).only("gate.locked")
    assert.deepStrictEqual([locked.fix, locked.level], [`kill ${gate.pid}`, "wrong"])
    assert.notInclude((await examine(home, ["--control", join(home.path, "elsewhere")])).ids, "gate.locked")
  })

  it("tells sockets that are gone, or at which somebody else answers by now", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program: MAIN })
    await rm(gate.socket)
    assert.strictEqual((await examine(home)).only("gate.socket-missing").where, gate.socket)
    await using _ = await startFakeAgent({ socket: gate.socket })
    const taken = (await examine(home)).only("gate.socket-taken")
    assert.include(taken.message, "a gpg-agent answers at the gate's socket")
  })

  it("tells a socket that the policy has been given since, and a socket that is everybody's", async () => {
    await using home = await makeHomedir()
    const policy = "default = \"allow\"\n[apps.open]\nsocket = \"open\"\nsocket-mode = \"0666\"\nkeys = [\"*\"]\n"
    await using gate = await startGate({ home, program: MAIN, policy })
    await writeFile(gate.policyFile!, `${policy}[apps.late]\nsocket = "late"\nkeys = ["*"]\n`)
    await gate.waitForLog(/the policy has been read again/)
    const { only } = await examine(home, ["--policy", gate.policyFile!])
    assert.include(only("gate.not-served").message, "gives the app late a socket")
    assert.include(only("gate.socket-open").message, "of the app open")
  })

  it("tells a gate of another version, and one that goes by another policy", async () => {
    await using home = await makeHomedir()
    await using gate = await serveGate({ status: () => Effect.succeed({ ...status, version: "9.9.9" }) })
    await mkdir(join(home.path, ".config", "gripgate"), { recursive: true, mode: 0o700 })
    await writeFile(join(home.path, ".config", "gripgate", "policy.toml"), "default = \"ask\"\n", { mode: 0o600 })
    const { only } = await examine(home, ["--control", gate.path])
    assert.include(only("gate.version").message, "the gate is gripgate 9.9.9")
    assert.include(only("gate.policy").message, "is not the one examined here")
    assert.strictEqual(only("gate.answers").where, gate.path)
  })
})
