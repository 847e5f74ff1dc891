// Who answers a question is the owner, and nobody wears him down: not the client that waits, not a process of an app, not a crowd at
// the control socket. Other users: test/programs/ask-others.test.ts. What a process of the owner's own user can do that nothing
// confines is in docs/threat-model.md.
import { assert, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { writePinentry } from "@gripgate/testkit/pinentry"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { run, type RunResult } from "@gripgate/testkit/run"
import { existsSync } from "node:fs"
import { copyFile, realpath, writeFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { type Control, controlOf, type Watcher } from "../support/control.ts"
import { dialogsIn } from "../support/dialogs.ts"
import { startTestGate, type TestGate, type TestGateOptions } from "../support/gate.ts"
import { assertTalk, DIGEST, ERR, outcome, outcomes } from "../support/wire.ts"

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))
const { primary } = grips.plain
const ASK = "default = \"ask\"\n[anyone]\nkeys = [\"*\"]"
const appNamed = (name: string, ...lines: ReadonlyArray<string>) =>
  ["", `[apps.${name}]`, "keys = [\"*\"]", ...lines].join("\n")

interface Scene {
  readonly agent: FakeAgent
  readonly gate: TestGate
  readonly control: Control
  client(app?: string): Promise<RawClient>
}

const onScene = async (
  options: Partial<TestGateOptions> & { readonly approve: ReadonlyArray<string> },
  use: (scene: Scene) => Promise<void>
): Promise<void> => {
  await using using = new AsyncDisposableStack()
  const agent = using.use(await startBusyAgent())
  const gate = using.use(await startTestGate({ agent: agent.socket, policy: ASK, ...options }))
  await use({
    agent,
    gate,
    control: controlOf(gate.control),
    client: async (app) => using.use(await gate.client(app))
  })
}

const atTerminal = ["approvers = [\"terminal\"]", "timeout = \"30s\"", "pause = \"1h\""]

/** Brings a client to where it waits for the owner. */
const ask = (client: RawClient): void => client.send(`SIGKEY ${primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\n`)
/** What it hears when it has been answered: of the two setters, and of the signature. */
const heard = async (client: RawClient, timeoutMs = 20_000): Promise<string> => {
  const [key, hash, signed] = await outcomes(client, 3, timeoutMs)
  assert.deepStrictEqual([key, hash], ["OK", "OK"])
  return signed!
}
/** Asks again on a connection that has its key and digest. */
const again = async (client: RawClient): Promise<string> => outcome(await client.command("PKSIGN", 20_000))
const signatures = (agent: FakeAgent): number => agent.commands().filter((line) => line === "PKSIGN").length
const questionsIn = (gate: TestGate): number => gate.log().filter((line) => / asked \w+: /.test(line)).length

describe("a client that waits for the owner", () => {
  it("is not heard, whatever it says, until he has answered: then each line has its reply, in order", () =>
    onScene({ approve: atTerminal }, async ({ agent, client, control }) => {
      const one = await client()
      await using watcher = await control.watch()
      ask(one)
      const [question] = await watcher.open()
      await outcomes(one, 2)
      const before = one.received().length
      const id = question!.id
      const request = JSON.stringify({ v: 1, verb: "answer", id, kind: "yes", good: "always", through: "approve" })
      const lines = [
        `APPROVE ${id}`,
        request,
        "OK",
        "D yes",
        "END",
        "CAN",
        `gripgate approve ${id}`,
        "RESET",
        "GETINFO pid"
      ]
      one.send(lines.map((line) => `${line}\n`).join(""))
      // another client is served meanwhile, so the gate has had its time
      const other = await client()
      for (let i = 0; i < 50; i++) await assertTalk(other, [`HAVEKEY ${primary}`, "OK"])
      assert.strictEqual(one.received().length, before)
      assert.deepStrictEqual((await control.asks()).map((each) => each.id), [id])
      await control.answer(id, "no")
      const [signed, ...rest] = await outcomes(one, 1 + lines.length)
      assert.strictEqual(signed, ERR.CANCELED)
      assert.deepStrictEqual(rest.slice(-2), ["OK", "OK"])
      for (const reply of rest.slice(0, -2)) assert.match(reply, /^ERR /)
      assert.strictEqual(signatures(agent), 0)
    }))

  it("and says more than may be sent early has its question withdrawn, and is closed", () =>
    onScene({ approve: atTerminal }, async ({ agent, client, control }) => {
      const one = await client()
      await using watcher = await control.watch()
      ask(one)
      await watcher.open()
      one.send(`${"NOP ".repeat(200)}\n`.repeat(200))
      const { decided } = await watcher.until("its end", ({ asks }) => asks.length === 0)
      assert.strictEqual(decided[0]!.answer, "withdrawn")
      assert.strictEqual(await heard(one), ERR.CANCELED)
      await one.closed
      assert.strictEqual(signatures(agent), 0)
    }))

  for (const [answer, expected] of [["yes", "OK"], ["no", ERR.CANCELED]] as const) {
    it(`and has closed its writing side gets the owner's ${answer} all the same`, () =>
      onScene({ approve: atTerminal }, async ({ client, control }) => {
        const one = await client()
        await using watcher = await control.watch()
        ask(one)
        one.end()
        const [question] = await watcher.open()
        await control.answer(question!.id, answer)
        assert.strictEqual(await heard(one), expected)
        assert.strictEqual(await one.closed, "end")
      }))
  }

  it("and hangs up takes its question with it: the dialog is gone, and nothing gets to the agent", async () => {
    await using using = new AsyncDisposableStack()
    const folder = await makeFolder("gp")
    using.defer(() => removeFolder(folder))
    const pinentry = await writePinentry(folder, { answers: ["hang"] })
    await onScene({ approve: [`pinentry = "${pinentry.program}"`, "timeout = \"30s\""] }, async (scene) => {
      const one = await scene.client()
      await using watcher = await scene.control.watch()
      ask(one)
      const [question] = await watcher.open()
      while (await pinentry.questions() === 0) await scene.control.asks()
      const { pid } = dialogsIn(await pinentry.log())[0]!
      assert.isTrue(isAlive(pid))
      one.destroy()
      const { decided } = await watcher.until("its end", ({ asks }) => asks.length === 0)
      assert.deepInclude(decided[0]!, { id: question!.id, answer: "withdrawn" })
      assert.deepStrictEqual(await waitGone([pid], 5_000), [])
      const late = await scene.control.answer(question!.id, "yes").then(() => "answered", String)
      assert.include(late, `${question!.id} has ended already: the program does not wait any more`)
      assert.strictEqual(signatures(scene.agent), 0)
    })
  })
})

describe("an owner is not worn down", () => {
  it("by fifty connections that ask at once: three questions are open at most, and after two unanswered ones there is a pause", () =>
    onScene(
      { approve: ["approvers = [\"terminal\"]", "timeout = \"1s\"", "pause = \"1h\""] },
      async ({ agent, client, control, gate }) => {
        await using watcher = await control.watch()
        const crowd = await Promise.all(Array.from({ length: 50 }, () => client()))
        for (const one of crowd) ask(one)
        const { asks } = await watcher.until("all of them", (now) => now.asks.length === 50)
        assert.lengthOf(asks.filter(({ state }) => state === "open"), 3)
        assert.deepStrictEqual(await Promise.all(crowd.map((one) => heard(one))), crowd.map(() => ERR.TIMEOUT))
        // the third was open when the second had no answer, and one more when the first had none
        assert.isAtMost(questionsIn(gate), 4)
        assert.strictEqual(await again(await bringTo(client)), ERR.TIMEOUT)
        assert.isAtMost(questionsIn(gate), 4)
        assert.strictEqual(signatures(agent), 0)
        assert.lengthOf((await control.status()).paused, 1)
      }
    ))

  it("by fifty connections that ask at once: two dialogs, and no third", async () => {
    await using using = new AsyncDisposableStack()
    const folder = await makeFolder("gp")
    using.defer(() => removeFolder(folder))
    const pinentry = await writePinentry(folder, { answers: ["hang"] })
    const approve = [
      "approvers = [\"pinentry\"]",
      `pinentry = "${pinentry.program}"`,
      "timeout = \"1s\"",
      "pause = \"1h\""
    ]
    await onScene({ approve }, async ({ client }) => {
      const crowd = await Promise.all(Array.from({ length: 50 }, () => client()))
      for (const one of crowd) ask(one)
      assert.deepStrictEqual(await Promise.all(crowd.map((one) => heard(one))), crowd.map(() => ERR.TIMEOUT))
      assert.strictEqual(await pinentry.questions(), 2)
    })
  })

  it("by a client that asks and hangs up again and again: that counts as unanswered", () =>
    onScene({ approve: atTerminal }, async ({ client, control, gate }) => {
      await using watcher = await control.watch()
      for (let round = 0; round < 2; round++) {
        const one = await client()
        ask(one)
        await watcher.open()
        one.destroy()
        await watcher.open(0)
      }
      const last = await client()
      ask(last)
      assert.strictEqual(await heard(last), ERR.TIMEOUT)
      assert.strictEqual(questionsIn(gate), 2)
    }))

  it("by a client that keeps asking after a no: the fifth in a row begins a pause", () =>
    onScene({ approve: atTerminal }, async ({ client, control, gate }) => {
      const one = await client()
      await using watcher = await control.watch()
      const answered = async (kind: "yes" | "no") => {
        const reply = again(one)
        const [question] = await watcher.open()
        await control.answer(question!.id, kind)
        await watcher.open(0)
        return reply
      }
      await assertTalk(one, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      for (let no = 0; no < 4; no++) assert.strictEqual(await answered("no"), ERR.CANCELED)
      // a yes shows that he is asked for what he wants
      assert.strictEqual(await answered("yes"), "OK")
      for (let no = 0; no < 5; no++) assert.strictEqual(await answered("no"), ERR.CANCELED)
      for (let more = 0; more < 20; more++) assert.strictEqual(await again(one), ERR.TIMEOUT)
      assert.strictEqual(questionsIn(gate), 10)
    }))

  it("by one app that is paused, and another is asked for at once: also behind a crowd that waits in line", () =>
    onScene(
      {
        policy: `${ASK}${appNamed("crowd", "socket = \"crowd\"")}${appNamed("mail", "socket = \"mail\"")}`,
        apps: ["crowd", "mail"],
        approve: atTerminal
      },
      async ({ client, control, gate }) => {
        await using watcher = await control.watch()
        const crowd = await Promise.all(Array.from({ length: 30 }, () => client("crowd")))
        for (const one of crowd) ask(one)
        await watcher.until("the crowd", ({ asks }) => asks.length === 30)
        const mail = await client("mail")
        const signed = (ask(mail), heard(mail))
        const all = await watcher.open(4)
        const [its] = all.filter(({ app }) => app === "mail")
        await control.answer(its!.id, "yes")
        assert.strictEqual(await signed, "OK")
        for (const one of crowd.slice(0, 2)) one.destroy()
        await watcher.until("the pause", ({ asks, paused }) => asks.length === 0 && paused.length === 1)
        assert.deepStrictEqual((await control.status()).paused.map(({ asker }) => asker), ["app crowd"])
        for (const one of crowd.slice(2)) assert.strictEqual(await heard(one), ERR.TIMEOUT)
        const once = again(mail)
        const [next] = await watcher.open()
        assert.strictEqual(next!.app, "mail")
        await control.answer(next!.id, "yes")
        assert.strictEqual(await once, "OK")
        assert.isTrue(gate.log().some((line) => line.includes("nobody is asked for app crowd")))
      }
    ))

  const bringTo = async (client: Scene["client"]): Promise<RawClient> => {
    const one = await client()
    await assertTalk(one, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
    return one
  }
})

describe("a process of an app at the control socket", () => {
  const verbs: ReadonlyArray<ReadonlyArray<string>> = [
    ["approve", "ID"],
    ["approve", "ID", "--for", "always"],
    ["deny", "ID"],
    ["asks", "--json"],
    ["status"],
    ["grants"],
    ["revoke", "--all"],
    ["tty"]
  ]
  const refusal =
    /^gripgate: error: this is a process of the app code by \[apps\.code\] match, and no app may answer for you$/m

  /** A shell that is the app's program, and what it starts. */
  const withShell = async (
    lines: ReadonlyArray<string>,
    use: (
      scene: Scene & { readonly home: string; readonly shell: (command: string) => Promise<RunResult> }
    ) => Promise<void>
  ): Promise<void> => {
    const folder = await realpath(await makeFolder("ga"))
    try {
      const program = join(folder, "code")
      await copyFile(await realpath("/bin/sh"), program)
      const policy = ASK + appNamed("code", ...lines.map((line) => line.replace("PROGRAM", program)))
      const apps = lines.some((line) => line.startsWith("socket")) ? ["code"] : []
      await onScene({ policy, apps, approve: atTerminal }, (scene) =>
        use({
          ...scene,
          home: folder,
          // the second command keeps the shell from becoming the first
          shell: (command) =>
            run([program, "-c", `${command}; exit $?`], {
              env: { PATH: process.env["PATH"]!, HOME: folder, DISPLAY: ":66" }
            })
        }))
    } finally {
      await removeFolder(folder)
    }
  }

  for (
    const [what, lines] of [
      ["known by its program", ["match = { exe = \"PROGRAM\" }"]],
      ["with a socket of its own and a program", ["socket = \"code\"", "match = { exe = \"PROGRAM\" }"]]
    ] as const
  ) {
    it(`neither answers nor sees nor steers anything: the command line, started by an app ${what}`, () =>
      withShell(lines, async ({ agent, client, control, gate, shell }) => {
        const one = await client()
        await using watcher = await control.watch()
        ask(one)
        const [question] = await watcher.open()
        for (const words of verbs) {
          const line = words.map((word) => word === "ID" ? question!.id : word).join(" ")
          const { code, stderr, stdout } = await shell(
            `"${process.execPath}" "${PROGRAM}" ${line} --control ${gate.control}`
          )
          assert.strictEqual(code, 77, `${line}: ${stderr}`)
          assert.match(stderr, refusal)
          assert.strictEqual(stdout.length, 0)
        }
        assert.deepStrictEqual((await control.asks()).map(({ id }) => id), [question!.id])
        assert.strictEqual(signatures(agent), 0)
        assert.deepStrictEqual((await control.status()).owner, { display: null, tty: null })
        await control.answer(question!.id, "yes")
        assert.strictEqual(await heard(one), "OK")
      }))
  }

  it("does not get out of it by a session of its own", () =>
    withShell(["match = { exe = \"PROGRAM\" }"], async ({ client, control, gate, shell }) => {
      const one = await client()
      await using watcher = await control.watch()
      ask(one)
      const [question] = await watcher.open()
      const argv = JSON.stringify([PROGRAM, "approve", question!.id, "--control", gate.control])
      const script =
        `require("node:child_process").spawn(process.execPath, ${argv}, { detached: true, stdio: "inherit" })`
      const { stderr } = await shell(`"${process.execPath}" -e '${script}.on("exit", (code) => process.exit(code))'`)
      assert.match(stderr, refusal)
      assert.deepStrictEqual((await control.asks()).map(({ id }) => id), [question!.id])
      await control.answer(question!.id, "no")
      assert.strictEqual(await heard(one), ERR.CANCELED)
    }))

  it("takes no place from the owner, however many connections it holds there", () =>
    withShell(["match = { exe = \"PROGRAM\" }"], async ({ client, control, gate, home, shell }) => {
      const one = await client()
      ask(one)
      const script = join(home, "hold.mjs")
      await writeFile(
        script,
        `import { existsSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
const hold = () => connect({ path: ${JSON.stringify(gate.control)}, allowHalfOpen: true }).on("error", () => {}).pause()
for (let n = 0; n < 100; n++) hold().once("connect", () => { if (n === 99) writeFileSync("held", "") })
setInterval(() => { hold(); if (existsSync("stop")) process.exit() }, 5)
`
      )
      const crowd = shell(`cd "${home}" && "${process.execPath}" "${script}"`)
      while (!existsSync(join(home, "held"))) await sleep(10)
      const started = performance.now()
      const [question] = await control.asks()
      await control.answer(question!.id, "yes")
      assert.isBelow(performance.now() - started, 2_000)
      assert.strictEqual(await heard(one), "OK")
      await writeFile(join(home, "stop"), "")
      assert.strictEqual((await crowd).code, 0)
    }))

  it("that is the app itself is refused as well, and told nothing while it watches", async () => {
    const policy = ASK + appNamed("code", `match = { exe = "${await realpath(process.execPath)}" }`)
    await onScene({ policy, approve: ["approvers = [\"terminal\"]", "timeout = \"1s\""] }, async (scene) => {
      const one = await scene.client()
      ask(one)
      for (const attempt of [() => scene.control.asks(), () => scene.control.watch(), () => scene.control.status()]) {
        const failed = await attempt().then(() => undefined, (error: unknown) => error)
        assert.include(String(failed), "this is a process of the app code")
      }
      assert.strictEqual(await heard(one), ERR.TIMEOUT)
    })
  })
})

describe("a crowd at the control socket", () => {
  /** Connects, says nothing, reads nothing and closes nothing. */
  const idle = (path: string) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true }).pause()
      socket.once("error", reject).once("connect", () => resolve(socket.off("error", reject).on("error", () => {})))
    })

  it("keeps no client from being served, no dialog and no watcher from being told; and the owner is let in within 12 s", async () => {
    await using using = new AsyncDisposableStack()
    const folder = await makeFolder("gp")
    using.defer(() => removeFolder(folder))
    const pinentry = await writePinentry(folder, { answers: [{ confirm: true }, "hang"] })
    const approve = [`pinentry = "${pinentry.program}"`, "timeout = \"30s\""]
    await onScene({ approve }, async ({ client, control, gate }) => {
      await using watcher: Watcher = await control.watch()
      const crowd = await Promise.all(Array.from({ length: 100 }, () => idle(gate.control)))
      using.defer(() => crowd.forEach((socket) => socket.destroy()))
      // the dialog
      const one = await client()
      ask(one)
      assert.strictEqual(await heard(one), "OK")
      await watcher.open(0)
      // the watcher
      const other = await client()
      ask(other)
      const [question] = await watcher.open()
      const started = performance.now()
      const answer = () => control.answer(question!.id, "yes").then(() => true, () => false)
      while (!await answer()) {
        assert.isBelow(performance.now() - started, 12_000)
        await sleep(50)
      }
      assert.strictEqual(await heard(other), "OK")
    })
  })

  it("that talks nonsense costs nobody anything", () =>
    onScene({ approve: atTerminal }, async ({ client, control, gate }) => {
      const one = await client()
      ask(one)
      for (
        const line of [
          "",
          "GET / HTTP/1.1",
          "{\"v\":1}",
          "{\"v\":1,\"verb\":\"answer\",\"id\":\"*\"}",
          "A".repeat(70_000)
        ]
      ) {
        await using raw = await connectRaw(gate.control)
        raw.send(`${line}\n`)
        const reply = JSON.parse((await raw.readLine()).toString())
        assert.deepInclude(reply, { ok: false, fault: "refused" })
        await raw.closed
      }
      const [question] = await control.asks()
      await control.answer(question!.id, "yes")
      assert.strictEqual(await heard(one), "OK")
    }))
})
