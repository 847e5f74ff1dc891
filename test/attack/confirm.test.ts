// Questions that an agent or a client has for the owner: CONFIRM of a newer agent in loopback mode, GET_CONFIRMATION, and the dialogs
// of an agent that name nobody. They are the owner's to answer, each once, and no client is ever asked in his place.
import { assert, describe, it } from "@effect/vitest"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import type { Handler, Handlers, Reply } from "@gripgate/testkit/fake-agent/reply"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { handlers as busy, startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { type AskedQuestion, type Control, controlOf, type Watcher } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { lies, wordsOf } from "../support/lies.ts"
import { assertTalk, DIGEST, ERR, outcome, outcomes } from "../support/wire.ts"

const { primary } = grips.plain

interface Scene {
  readonly agent: FakeAgent
  readonly gate: TestGate
  readonly control: Control
  readonly watcher: Watcher
  readonly client: RawClient
  /** Questions that were answered: a watcher is told a moment later. */
  readonly done: Set<string>
}

/** A fake agent, a gate whose owner sits at a terminal, and a client. */
const onScene = async (
  { agent: started = startBusyAgent(), policy }: { readonly agent?: Promise<FakeAgent>; readonly policy: string },
  use: (scene: Scene) => Promise<void>
): Promise<void> => {
  await using using = new AsyncDisposableStack()
  const agent = using.use(await started)
  const gate = using.use(
    await startTestGate({
      agent: agent.socket,
      policy,
      approve: ["approvers = [\"terminal\"]", "pause = \"1ms\"", "timeout = \"20s\""]
    })
  )
  const control = controlOf(gate.control)
  const watcher = using.use(await control.watch())
  const client = using.use(await gate.client())
  await use({ agent, gate, control, watcher, client, done: new Set() })
  assert.notMatch(client.received().toString("latin1"), /INQUIRE CONFIRM|SETDESC|SETOK|SETNOTOK/)
  assertCanonical(agent)
}

/** The questions that a command brings about, each answered as is said, and the reply in the end. */
const answering = async (
  { client, control, done, watcher }: Scene,
  line: string,
  answers: ReadonlyArray<"yes" | "no">
): Promise<{ readonly questions: ReadonlyArray<AskedQuestion>; readonly reply: string }> => {
  const replied = client.command(Buffer.from(line, "latin1"), 20_000).then(outcome)
  const questions: Array<AskedQuestion> = []
  for (;;) {
    const isNew = ({ id }: AskedQuestion) => !done.has(id)
    const next = watcher.until("a question", ({ asks }) => asks.some(isNew), 20_000)
    const first = await Promise.race([replied, next])
    if (typeof first === "string") {
      // nobody else waits for it
      next.catch(() => {})
      return { questions, reply: first }
    }
    const question = first.asks.find(isNew)!
    done.add(question.id)
    const kind = answers[questions.length]
    questions.push(question)
    if (kind === undefined) throw new Error(`expected ${answers.length} questions, got ${JSON.stringify(questions)}`)
    await control.answer(question.id, kind)
  }
}

/** Everything is allowed but dialogs of the client's own making. */
const allow = "default = \"allow\"\n[operations]\nprompt = \"forbid\""
const ask = "default = \"ask\"\n[anyone]\nkeys = [\"*\"]"
const confirmations = ({ connections }: FakeAgent) =>
  connections.flatMap(({ answers }) => answers).filter(({ inquire }) => inquire.startsWith("CONFIRM"))
const END = Buffer.alloc(0)

/** GnuPG 2.4's DELETE_KEY in loopback mode [seen: transcripts/v24-delete-secret-loopback]. */
const deletion = (text = "Do+you+really+want+to+delete+the+key?", times = 1): Reply => ({
  before: [`S SETDESC ${text}`, "S SETOK Delete key", "S SETNOTOK No"],
  inquire: "CONFIRM 1",
  next: () => times > 1 ? deletion(text, times - 1) : ["OK"],
  cancelled: ["ERR 67108963 Operation cancelled <GPG Agent>"]
})
const newerAgent = (handlers: Handlers): Promise<FakeAgent> => startFakeAgent({ handlers: { ...busy, ...handlers } })
const LOOPBACK = ["OPTION pinentry-mode=loopback", "OK"] as const

describe("a question that an agent asks a client in loopback mode", () => {
  it("is put to the owner, with the agent's words for what they are; a yes is END, and the deletion is done", () =>
    onScene({ agent: newerAgent({ DELETE_KEY: deletion() }), policy: allow }, async (scene) => {
      await assertTalk(scene.client, LOOPBACK)
      const { questions, reply } = await answering(scene, `DELETE_KEY ${primary}`, ["yes"])
      assert.strictEqual(reply, "OK")
      assert.lengthOf(questions, 1)
      assert.deepInclude(questions[0]!, { app: null, command: "DELETE_KEY", operation: "delete", key: primary })
      assert.deepStrictEqual(questions[0]!.said, { by: "agent", text: "Do you really want to delete the key?" })
      assert.deepStrictEqual(questions[0]!.offers, { forMs: null, always: false }, "this once, and no other")
      assert.deepStrictEqual(confirmations(scene.agent), [{ inquire: "CONFIRM 1", data: END }])
    }))

  it("is answered with CAN after a no, and the client is told that it was cancelled", () =>
    onScene({ agent: newerAgent({ DELETE_KEY: deletion() }), policy: allow }, async (scene) => {
      await assertTalk(scene.client, LOOPBACK)
      const { questions, reply } = await answering(scene, `DELETE_KEY ${primary}`, ["no"])
      assert.strictEqual(reply, ERR.CANCELED)
      assert.lengthOf(questions, 1)
      assert.deepStrictEqual(confirmations(scene.agent), [{ inquire: "CONFIRM 1", data: undefined }])
      await assertTalk(scene.client, ["GETINFO pid", "OK"])
    }))

  it("is answered with CAN where the client hangs up meanwhile", () =>
    onScene(
      { agent: newerAgent({ DELETE_KEY: deletion() }), policy: allow },
      async ({ agent, client, gate, watcher }) => {
        await using other = await gate.client()
        await assertTalk(other, LOOPBACK)
        other.send(`DELETE_KEY ${primary}\n`)
        await watcher.open()
        await other.close()
        await agent.waitFor("an answer", () => confirmations(agent).length === 1)
        assert.deepStrictEqual(confirmations(agent), [{ inquire: "CONFIRM 1", data: undefined }])
        await watcher.open(0)
        await assertTalk(client, ["GETINFO pid", "OK"])
      }
    ))

  it("shows what the agent says however deceptive, and never as the gate's own", () =>
    onScene({ agent: newerAgent({ DELETE_KEY: deletion(lies[0]) }), policy: allow }, async (scene) => {
      await assertTalk(scene.client, LOOPBACK)
      // an agent escapes what would break its own lines, and no more
      for (const lie of lies.filter((text) => !/[\r\n]/.test(text) && text.length < 950)) {
        scene.agent.handle("DELETE_KEY", deletion(lie))
        const { questions: [question, ...more], reply } = await answering(scene, `DELETE_KEY ${primary}`, ["no"])
        assert.strictEqual(reply, ERR.CANCELED)
        assert.deepStrictEqual(more, [])
        assert.deepInclude(question!, {
          app: null,
          command: "DELETE_KEY",
          key: primary,
          purpose: "delete a secret key"
        })
        assert.deepStrictEqual(question!.said, { by: "agent", text: wordsOf(lie) })
      }
    }))

  it("needs a yes each time that the agent asks within one command", () =>
    onScene({ agent: newerAgent({ DELETE_KEY: deletion("Sure?", 3) }), policy: allow }, async (scene) => {
      await assertTalk(scene.client, LOOPBACK)
      const { questions, reply } = await answering(scene, `DELETE_KEY ${primary}`, ["yes", "yes", "no"])
      assert.strictEqual(reply, ERR.CANCELED)
      assert.lengthOf(questions, 3)
      const data = confirmations(scene.agent).map(({ data }) => data)
      assert.deepStrictEqual(data, [END, END, undefined])
    }))

  it("is no question of the policy's that a yes for longer could answer", () =>
    onScene(
      { agent: newerAgent({ DELETE_KEY: deletion() }), policy: ask },
      async (scene) => {
        await assertTalk(scene.client, LOOPBACK)
        // first whether it may, and then what the agent wants to know
        const { questions, reply } = await answering(scene, `DELETE_KEY ${primary}`, ["yes", "no"])
        assert.strictEqual(reply, ERR.CANCELED)
        assert.deepStrictEqual(questions.map(({ said }) => said?.by ?? null), [null, "agent"])
      }
    ))

  it("that is a mere message (CONFIRM 0) is answered for the client, and nobody is asked", () =>
    onScene(
      {
        agent: newerAgent({
          PKSIGN: { before: ["S SETDESC Note%0Athis"], inquire: "CONFIRM 0", next: () => ["D x", "OK"] }
        }),
        policy: allow
      },
      async (scene) => {
        await assertTalk(scene.client, LOOPBACK, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
        const { questions, reply } = await answering(scene, "PKSIGN", [])
        assert.strictEqual(reply, "OK")
        assert.deepStrictEqual(questions, [])
        assert.deepStrictEqual(confirmations(scene.agent), [{ inquire: "CONFIRM 0", data: END }])
      }
    ))

  for (
    const [what, asked] of [["CONFIRM", "CONFIRM"], ["another number", "CONFIRM 2"], ["words", "CONFIRM 0 1"]] as const
  ) {
    it(`is a question too where the agent says ${what}`, () =>
      onScene(
        { agent: newerAgent({ DELETE_KEY: { inquire: asked, next: () => ["OK"] } }), policy: allow },
        async (scene) => {
          await assertTalk(scene.client, LOOPBACK)
          const { questions, reply } = await answering(scene, `DELETE_KEY ${primary}`, ["no"])
          assert.strictEqual(reply, ERR.CANCELED)
          assert.lengthOf(questions, 1)
          assert.deepStrictEqual(confirmations(scene.agent).map(({ data }) => data), [undefined])
        }
      ))
  }
})

describe("GET_CONFIRMATION", () => {
  const passphrase = (verdict: string) => `${allow}\npassphrase = "${verdict}"`
  const sentTo = ({ agent }: Scene) => agent.commands().filter((line) => line.startsWith("GET_CONFIRMATION"))

  for (const verdict of ["allow", "ask"]) {
    for (const [answer, expected] of [["yes", "OK"], ["no", ERR.CANCELED]] as const) {
      it(`under passphrase = "${verdict}" has one question, and its answer is the owner's ${answer}`, () =>
        onScene({ policy: passphrase(verdict) }, async (scene) => {
          const { questions, reply } = await answering(scene, "GET_CONFIRMATION Go+on%3F", [answer])
          assert.strictEqual(reply, expected)
          assert.lengthOf(questions, 1)
          assert.deepStrictEqual(questions[0]!.said, { by: "client", text: "Go on?" })
          assert.deepStrictEqual(questions[0]!.offers, { forMs: null, always: false })
          assert.deepStrictEqual(sentTo(scene), [], "the agent has nothing to do with it")
        }))
    }

    it(`under passphrase = "${verdict}" in loopback mode is the owner's too, and no question to the client`, () =>
      onScene({ policy: passphrase(verdict) }, async (scene) => {
        await assertTalk(scene.client, LOOPBACK)
        const { questions, reply } = await answering(scene, "GET_CONFIRMATION Go+on%3F", ["no"])
        assert.strictEqual(reply, ERR.CANCELED)
        assert.lengthOf(questions, 1)
      }))

    for (const mode of ["cancel", "error"]) {
      it(`under passphrase = "${verdict}" with pinentry-mode=${mode} asks nobody`, () =>
        onScene(
          {
            // as the real one does in these modes
            agent: startBusyAgent({ handlers: { GET_CONFIRMATION: ["ERR 67108963 Operation cancelled <GPG Agent>"] } }),
            policy: passphrase(verdict)
          },
          async (scene) => {
            await assertTalk(scene.client, [`OPTION pinentry-mode=${mode}`, "OK"])
            const { questions, reply } = await answering(scene, "GET_CONFIRMATION Go+on%3F", ["yes"])
            assert.deepStrictEqual(questions.map(({ command }) => command), [])
            assert.strictEqual(reply, ERR.CANCELED)
          }
        ))
    }
  }

  it("under passphrase = \"forbid\" asks nobody", () =>
    onScene({ policy: passphrase("forbid") }, async (scene) => {
      const { questions, reply } = await answering(scene, "GET_CONFIRMATION Go+on%3F", [])
      assert.strictEqual(reply, ERR.FORBIDDEN)
      assert.deepStrictEqual(questions, [])
    }))

  it("that was answered with a yes is not answered by that for the next one", () =>
    onScene({ policy: passphrase("ask") }, async (scene) => {
      for (const answer of ["yes", "no", "yes"] as const) {
        const { questions, reply } = await answering(scene, "GET_CONFIRMATION Go+on%3F", [answer])
        assert.lengthOf(questions, 1)
        assert.strictEqual(reply, answer === "yes" ? "OK" : ERR.CANCELED)
      }
    }))
})

describe("a command whose dialogs at the agent name nobody", () => {
  const NONCE = "0123456789ABCDEF01234567"
  const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
  const cancelInquiry: Handler = ["OK"]
  const commands = [
    "GENKEY",
    `GENKEY ${NONCE}`,
    `GENKEY --passwd-nonce=${NONCE}`,
    `PASSWD ${primary}`,
    `EXPORT_KEY --openpgp ${primary}`,
    `KEYTOCARD --force ${primary} D2760001240102000005000012340000 OPENPGP.1`,
    `MARKTRUSTED ${FINGERPRINT} S CN=Your own bank`
  ]
  const agent = () =>
    startBusyAgent({ handlers: { GENKEY: cancelInquiry, PASSWD: cancelInquiry, EXPORT_KEY: cancelInquiry } })

  for (const [verdict, policy] of [["ask", ask], ["allow", allow]] as const) {
    for (const line of commands) {
      it(`has one question and not two under ${verdict}: ${line.split(" ", 2).join(" ")}`, () =>
        onScene({ agent: agent(), policy }, async (scene) => {
          const { client } = scene
          if (line.startsWith("EXPORT")) {
            // a question of its own
            const wrap = await answering(scene, "KEYWRAP_KEY --export", ["yes"])
            assert.strictEqual(wrap.reply, "OK")
          }
          const before = scene.agent.commands().length
          const refused = await answering(scene, line, ["no"])
          assert.lengthOf(refused.questions, 1, refused.reply)
          assert.strictEqual(refused.reply, ERR.CANCELED)
          const early = scene.agent.commands().slice(before).filter((sent) => !sent.startsWith("GETINFO "))
          assert.deepStrictEqual(early, [], "nothing got to the agent before a yes")
          const { questions, reply } = await answering(scene, line, ["yes"])
          assert.lengthOf(questions, 1)
          assert.strictEqual(reply, "OK")
          assert.deepStrictEqual(questions[0]!.offers, { forMs: null, always: false }, "each time anew")
          assert.include(questions[0]!.note ?? "", "gpg-agent")
          assert.lengthOf(scene.agent.commands().filter((sent) => sent.split(" ")[0] === line.split(" ")[0]), 1)
          assert.isEmpty(await scene.control.asks())
          client.send("NOP\n")
          assert.deepStrictEqual(await outcomes(client, 1), ["OK"])
        }))
    }
  }

  for (const mode of ["cancel", "error"]) {
    it(`asks nobody under allow with pinentry-mode=${mode}, for the agent shows nothing`, () =>
      onScene({ agent: agent(), policy: allow }, async (scene) => {
        await assertTalk(scene.client, [`OPTION pinentry-mode=${mode}`, "OK"])
        const { questions, reply } = await answering(scene, "GENKEY", [])
        assert.strictEqual(reply, "OK")
        assert.deepStrictEqual(questions, [])
      }))
  }
})
