// The agent's sockets for other machines, browsers and ssh, where a gate stands in for its standard one: gated, closed or left, as
// the policy says.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { existsSync } from "node:fs"
import { assertSigns, sign } from "./set-up.ts"
import { makeStage, pidAt, type Stage, told } from "./stand-in-stage.ts"

const { keygrips } = fixtureKeys.plain

const at = ({ standard }: Stage, name: "extra" | "browser" | "ssh"): string => `${standard}.${name}`

/** What a connection is answered, line by line. */
const answers = async (socket: string, ...lines: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const client = await connectRaw(socket)
  try {
    await client.readReply()
    const found: Array<string> = []
    for (const line of lines) found.push((await client.command(line)).last)
    return found
  } finally {
    client.destroy()
  }
}

const nobody = (path: string): Promise<string> =>
  connectRaw(path).then((client) => {
    client.destroy()
    return "somebody"
  }, (error: NodeJS.ErrnoException) => error.code ?? "")

const FORBIDDEN = /^ERR 67109115 /

describe("the extra and the browser socket", () => {
  it("are the gate's: the agent restricts their clients as ever, and the policy holds for them too", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const { home, start } = stage
    await home.launchAgent()
    const gate = await start({ policy: "[operations]\nsign = \"forbid\"\n" })
    for (const name of ["extra", "browser"] as const) {
      const [restricted, pid, loopback, exportKey, list] = await answers(
        at(stage, name),
        "GETINFO restricted",
        "GETINFO pid",
        "OPTION pinentry-mode=loopback",
        "KEYWRAP_KEY --export",
        `HAVEKEY ${keygrips.primary}`
      )
      assert.strictEqual(restricted, "OK", name)
      for (const refused of [pid, loopback, exportKey]) assert.match(refused!, FORBIDDEN)
      assert.strictEqual(list, "OK")
    }
    const remote = stack.use(await makeClientHome({ owner: home, socket: at(stage, "extra") }))
    assert.include((await sign(remote)).stderr, "Forbidden")
    await gate.waitForLog(/^gripgate: refused sign .* by PKSIGN: \[operations\] sign = "forbid"/)
  })

  it("serve gpg of another machine where the policy allows it", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const gate = await stage.start()
    await assertSigns(stack.use(await makeClientHome({ owner: stage.home, socket: at(stage, "extra") })))
    await gate.waitForLog(/^gripgate: allowed sign/)
  })

  it("do not become local again by a word of the client", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    await stage.start()
    const [, pid] = await answers(at(stage, "extra"), "OPTION pretend-request-origin=local", "GETINFO pid")
    assert.match(pid!, FORBIDDEN)
    const [reset, again] = await answers(at(stage, "extra"), "RESET", "GETINFO pid")
    assert.strictEqual(reset, "OK")
    assert.match(again!, FORBIDDEN)
  })

  it("are closed where the policy says so, and the agent has them again afterwards", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const pid = await stage.home.launchAgent()
    const gate = await stage.start({ policy: "[gate]\nextra-socket = \"close\"\nbrowser-socket = \"close\"\n" })
    for (const name of ["extra", "browser"] as const) assert.strictEqual(await nobody(at(stage, name)), "ENOENT")
    await assertSigns(stage.home)
    await gate.stop()
    assert.strictEqual(await pidAt(stage.standard), pid)
    for (const name of ["extra", "browser"] as const) {
      assert.deepStrictEqual(await answers(at(stage, name), "GETINFO restricted"), ["OK"])
    }
  })

  it("stay closed where an agent is started meanwhile, by the gate", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    await stage.home.killAgent()
    await stage.start({ policy: "[gate]\nextra-socket = \"close\"\n" })
    await assertSigns(stage.home)
    assert.strictEqual(await nobody(at(stage, "extra")), "ENOENT")
  })

  it("are the agent's where the policy leaves them, and the log says that they go around the gate", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const pid = await stage.home.launchAgent()
    const gate = await stage.start({ policy: "[gate]\nextra-socket = \"leave\"\n[operations]\nsign = \"forbid\"\n" })
    await gate.waitForLog(/the agent's extra socket goes around the gate: /)
    await assertSigns(stack.use(await makeClientHome({ owner: stage.home, socket: at(stage, "extra") })))
    await gate.stop()
    assert.strictEqual(await pidAt(stage.standard), pid)
    assert.isFalse(existsSync(`${stage.aside}.extra`))
  })

  it("are left shut where gpg-agent.conf says that there is none", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack, ["extra-socket none"])
    await stage.home.killAgent()
    await stage.start()
    assert.strictEqual(await nobody(at(stage, "extra")), "ENOENT")
    assert.strictEqual(await nobody(at(stage, "browser")), "somebody")
  })
})

describe("the ssh socket", () => {
  it("is left to the agent under default = allow, and survives an agent that was started over a dead gate", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const { home, standard, start } = stage
    await home.killAgent()
    const first = await start()
    await assertSigns(home)
    assert.strictEqual(await nobody(at(stage, "ssh")), "somebody")
    await first.stop("SIGKILL")
    await assertSigns(home)
    const gate = await start()
    await gate.waitForLog(/S\.gpg-agent was taken from the gate, and taken back/)
    for (let i = 0; await nobody(at(stage, "ssh")) !== "somebody"; i++) {
      assert.isBelow(i, 100, "the ssh socket is gone")
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.match(await told(standard, "version"), /^2\./)
  })

  it("is closed where anything else holds, since nothing of the policy would hold there", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    await stage.home.launchAgent()
    const gate = await stage.start({ policy: "default = \"forbid\"\n" })
    assert.strictEqual(await nobody(at(stage, "ssh")), "ENOENT")
    await gate.stop()
    assert.strictEqual(await nobody(at(stage, "ssh")), "somebody")
  })
})
