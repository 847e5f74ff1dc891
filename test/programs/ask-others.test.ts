// Another user of the machine, at a gate that he may ask and at its control socket: he waits for the owner like everybody, the owner is
// told who he is, and he can neither answer nor see nor steer anything, also where the socket's mode would let him.
import { assert, describe, it } from "@effect/vitest"
import { needs } from "@gripgate/testkit/needs"
import type { RunResult } from "@gripgate/testkit/run"
import { chmod, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { startBusyAgent } from "../support/agent.ts"
import { OTHER, runAsOther } from "../support/as-user.ts"
import { grips } from "../support/attack.ts"
import { type Control, controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const socat = needs("socat")
const { primary } = grips.plain
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent" }

/** What the other user hears at a socket, after he has said this and closed his side. */
const atSocket = (path: string, said: string): Promise<RunResult> =>
  runAsOther([socat, "-t", "20", "-T", "20", "-", `UNIX-CONNECT:${path}`], { env, input: said })

const line = (request: object): string => `${JSON.stringify({ v: 1, ...request })}\n`

interface Scene {
  readonly gate: TestGate
  readonly control: Control
}

/** A gate whose folder everybody can reach, and whose sockets have the modes that the test gives them. */
const onScene = async (use: (scene: Scene) => Promise<void>): Promise<void> => {
  await using agent = await startBusyAgent()
  await using gate = await startTestGate({
    agent: agent.socket,
    policy: `default = "ask"
[anyone]
keys = ["*"]
[apps.daemon]
match = { user = ${OTHER.uid} }
keys = ["*"]`,
    approve: ["approvers = [\"terminal\"]", "timeout = \"20s\"", "pause = \"1ms\""]
  })
  await chmod(dirname(gate.control), 0o711)
  await use({ gate, control: controlOf(gate.control) })
}

/** Everything that can be said there; ID is a question's. */
const requests = (id: string) => [
  line({ verb: "answer", id, kind: "yes", good: "once", through: "approve" }),
  line({ verb: "answer", id, kind: "no", good: "always", through: "watch" }),
  line({ verb: "asks" }),
  line({ verb: "watch" }),
  line({ verb: "status" }),
  line({ verb: "grants" }),
  line({ verb: "revoke", what: { all: true } }),
  line({ verb: "tty", environment: { DISPLAY: ":66", GPG_TTY: "/dev/tty" } })
]

describe("another user at the control socket", () => {
  it("does not get to it: it is the gate's user's alone", () =>
    onScene(async ({ control, gate }) => {
      assert.strictEqual((await stat(gate.control)).mode & 0o777, 0o600)
      const { code, stderr, stdout } = await atSocket(gate.control, line({ verb: "asks" }))
      assert.notStrictEqual(code, 0)
      assert.include(stderr, "Permission denied")
      assert.strictEqual(stdout.length, 0)
      assert.deepStrictEqual(await control.asks(), [])
    }))

  it("is recognised by the kernel where the mode lets him in, and is answered nothing but that he may not", () =>
    onScene(async ({ control, gate }) => {
      await chmod(gate.control, 0o666)
      const client = await gate.client()
      await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      const signing = client.command("PKSIGN", 20_000)
      await using watcher = await control.watch()
      const [question] = await watcher.open()
      for (const request of requests(question!.id)) {
        const { stdout } = await atSocket(gate.control, request)
        const [reply, ...more] = stdout.toString().trimEnd().split("\n")
        assert.deepStrictEqual(JSON.parse(reply!), {
          v: 1,
          ok: false,
          fault: "notPermitted",
          error: `only an owner may, and you are the user ${OTHER.uid}`,
          hint: "[gate] owners of the policy names those who may"
        }, request)
        assert.deepStrictEqual(more, [])
      }
      assert.deepStrictEqual((await control.asks()).map(({ id, state }) => [id, state]), [[question!.id, "open"]])
      assert.deepStrictEqual((await control.status()).owner, { display: null, tty: null })
      await control.answer(question!.id, "yes")
      assert.strictEqual(outcome(await signing), "OK")
      await client.close()
    }))

  it("is told the same of a question of his own", () =>
    onScene(async ({ control, gate }) => {
      await chmod(gate.control, 0o666)
      await chmod(gate.socket, 0o666)
      await using watcher = await control.watch()
      const signing = atSocket(gate.socket, `SIGKEY ${primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\n`)
      const [question] = await watcher.open()
      const { stdout } = await atSocket(gate.control, requests(question!.id)[0]!)
      assert.strictEqual(JSON.parse(stdout.toString()).fault, "notPermitted")
      await control.answer(question!.id, "no")
      assert.match((await signing).stdout.toString(), new RegExp(`^${ERR.CANCELED} `, "m"))
    }))
})

describe("a question of another user", () => {
  it("says who he is, by the kernel's word, and his environment has no say in it", () =>
    onScene(async ({ control, gate }) => {
      await chmod(gate.socket, 0o666)
      await using watcher = await control.watch()
      const wishes = "OPTION display=:66\nOPTION putenv=GPG_TTY=/dev/evil\n"
      const signing = atSocket(gate.socket, `${wishes}SIGKEY ${primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\n`)
      const [question] = await watcher.open()
      assert.deepInclude(question!, {
        app: "daemon",
        recognised: "kernel",
        uid: OTHER.uid,
        operation: "sign",
        key: primary,
        digest: { algorithm: "SHA256", hex: DIGEST }
      })
      assert.include(question!.who, `by facts that the kernel vouches for: user ${OTHER.name} (${OTHER.uid})`)
      assert.deepStrictEqual(watcher.last().owner, { display: null, tty: null })
      // his socat has closed its writing side, and waits all the same
      await control.answer(question!.id, "yes")
      const { stdout } = await signing
      assert.match(stdout.toString("latin1"), /^D [^]*^OK$/m)
    }))

  it("is withdrawn when he goes", () =>
    onScene(async ({ control, gate }) => {
      await chmod(gate.socket, 0o666)
      await using watcher = await control.watch()
      const command = ["timeout", "-s", "KILL", "1", socat, "-t", "20", "-", `UNIX-CONNECT:${gate.socket}`]
      const gone = runAsOther(command, { env, input: `SIGKEY ${primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\n` })
      const [question] = await watcher.open()
      await gone
      const { decided } = await watcher.until("its end", ({ asks }) => asks.length === 0)
      assert.deepInclude(decided[0]!, { id: question!.id, answer: "withdrawn" })
    }))
})
