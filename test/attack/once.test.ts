// A yes to this once is good for one signature of the digest that the owner saw, and for nothing else that anybody says before, behind
// or beside it. In front of a real agent, whose signatures are checked, and of a fake one, which must have heard nothing before the yes.
import { assert, describe, it } from "@effect/vitest"
import { dataLines } from "@gripgate/testkit/assuan-data"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { writePinentry } from "@gripgate/testkit/pinentry"
import type { RawClient, RawReply } from "@gripgate/testkit/raw-client"
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto"
import { startBusyAgent } from "../support/agent.ts"
import { type Attack, describeAttacks, grips, type Target } from "../support/attack.ts"
import { type AskedQuestion, controlOf } from "../support/control.ts"
import { dialogsIn } from "../support/dialogs.ts"
import { startTestGate } from "../support/gate.ts"
import { assertTalk, ERR, outcome, outcomes } from "../support/wire.ts"

const { primary } = grips.plain

/** The digest of a number, as SETHASH takes it. */
const digestOf = (n: number): string => createHash("sha256").update(String(n)).digest("hex").toUpperCase()
const [A, B] = [digestOf(1), digestOf(2)] as const

const policy = "default = \"ask\"\n[anyone]\nkeys = [\"*\"]"
const approve = ["approvers = [\"terminal\"]", "timeout = \"30s\"", "pause = \"1ms\""]

/** The fake agent's signature names its digest, so that it can be told from every other. */
const signDigest = (fake: FakeAgent): void =>
  fake.handle("PKSIGN", (_, { commands }) => [
    ...dataLines(Buffer.from(`signed ${commands.findLast((line) => line.startsWith("SETHASH "))}`)),
    "OK"
  ])

const prepare = async (target: Target) => {
  if (target.fake !== undefined) signDigest(target.fake)
  const control = controlOf(target.gate.control)
  return { control, watcher: await control.watch(), isSigned: await checker(target) }
}

/** Whether a reply is a signature of this digest. */
const checker = async ({ direct, fake }: Target): Promise<(reply: RawReply, digest: string) => boolean> => {
  if (fake !== undefined) return ({ data }, digest) => data.toString() === `signed SETHASH 8 ${digest}`
  const key = publicKeyIn((await (await direct()).command(`READKEY ${primary}`)).data)
  return ({ data }, digest) => verify(null, Buffer.from(digest, "hex"), key, signatureIn(data))
}

/** The point of `(public-key(ecc...(q33:@...)))`, and r and s of `(sig-val(eddsa(r...)(s...)))`. */
const publicKeyIn = (sexp: Buffer): KeyObject => {
  const at = sexp.indexOf("(1:q33:@") + "(1:q33:@".length
  const x = sexp.subarray(at, at + 32).toString("base64url")
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
}
const signatureIn = (sexp: Buffer): Buffer =>
  Buffer.concat(["r", "s"].map((name) => {
    const at = sexp.indexOf(`(1:${name}32:`) + "(1:r32:".length
    return sexp.subarray(at, at + 32)
  }))

const signatures = ({ fake }: Target): number => fake?.commands().filter((line) => line === "PKSIGN").length ?? 0

/** What the gate says for itself, to be ready for whoever comes and to know which keys there are. */
const ofTheGate: ReadonlySet<string> = new Set(["GETINFO version", "GETINFO restricted", "KEYINFO --list"])

/** Not one line, nor part of one, but those. */
const assertHeardNothing = ({ fake }: Target): void => {
  for (const connection of fake?.connections ?? []) {
    const lines = connection.received().toString("latin1").split("\n")
    assert.deepStrictEqual(lines.filter((line) => line !== "" && !ofTheGate.has(line)), [])
  }
}

const choose = (client: RawClient, digest: string): void => client.send(`SIGKEY ${primary}\nSETHASH 8 ${digest}\n`)

const attacks: ReadonlyArray<Attack> = [
  {
    item: "another SETHASH and PKSIGN right behind the first: each is asked by itself, and each yes is for its own",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const client = await target.client()
      choose(client, A)
      client.send(`PKSIGN\nSETHASH 8 ${B}\nPKSIGN\n`)
      assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
      const [first] = await watcher.open()
      assert.strictEqual(first!.digest!.hex, A)
      assertHeardNothing(target)
      await control.answer(first!.id, "yes")
      const signed = await client.readReply()
      assert.isTrue(isSigned(signed, A) && !isSigned(signed, B))
      assert.deepStrictEqual(await outcomes(client, 1), ["OK"])
      const next = await watcher.until("the other", ({ asks }) => asks.some(({ id }) => id !== first!.id))
      const second = next.asks.find(({ id }) => id !== first!.id)!
      assert.strictEqual(second.digest!.hex, B)
      await control.answer(second.id, "no")
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.CANCELED])
      if (target.fake !== undefined) assert.strictEqual(signatures(target), 1)
    }
  },
  {
    item: "the same PKSIGN twice, in one write: two questions, and one yes makes one signature",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const client = await target.client()
      choose(client, A)
      client.send("PKSIGN\nPKSIGN\n")
      assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
      const [first] = await watcher.open()
      await control.answer(first!.id, "yes")
      assert.isTrue(isSigned(await client.readReply(), A))
      const { asks } = await watcher.until("the other", ({ asks }) => asks.some(({ id }) => id !== first!.id))
      const second = asks.find(({ id }) => id !== first!.id)!
      const late = await control.answer(first!.id, "yes").then(() => "answered", String)
      assert.include(late, "has ended already")
      await control.answer(second.id, "no")
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.CANCELED])
      if (target.fake !== undefined) assert.strictEqual(signatures(target), 1)
    }
  },
  {
    item:
      "SETHASH, SIGKEY and RESET while the question is open: they are looked at afterwards, and change nothing of it",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const client = await target.client()
      choose(client, A)
      client.send("PKSIGN\n")
      assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
      const [question] = await watcher.open()
      const before = client.received().length
      const meanwhile = [
        "RESET",
        `SIGKEY ${grips.rsa.primary}`,
        `SETHASH 8 ${B}`,
        `SETHASH --hash=sha512 ${"EE".repeat(64)}`
      ]
      for (const line of meanwhile) client.send(`${line}\n`)
      // in pieces too
      for (const piece of `SETHASH 8 ${B}\n`) client.send(piece)
      const other = await target.client()
      for (let i = 0; i < 20; i++) await assertTalk(other, [`HAVEKEY ${primary}`, "OK"])
      assert.strictEqual(client.received().length, before, "nothing is answered out of turn")
      assert.deepStrictEqual((await control.asks()).map(({ digest, key }) => [digest!.hex, key]), [[A, primary]])
      await control.answer(question!.id, "yes")
      const signed = await client.readReply()
      assert.isTrue(isSigned(signed, A) && !isSigned(signed, B))
      assert.deepStrictEqual(await outcomes(client, 5), ["OK", "OK", "OK", "OK", "OK"])
      // and now they hold
      client.send("PKSIGN\n")
      const { asks } = await watcher.until("the next", ({ asks }) => asks.some(({ id }) => id !== question!.id))
      const next = asks.find(({ id }) => id !== question!.id)!
      assert.deepStrictEqual([next.key, next.digest!.hex], [grips.rsa.primary, B])
      await control.answer(next.id, "no")
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.CANCELED])
      if (target.fake === undefined) return
      assert.strictEqual(signatures(target), 1)
      const told = target.fake.commands().filter((line) => /^(?:SIGKEY|SETHASH|PKSIGN)\b/.test(line))
      assert.deepStrictEqual(told, [`SIGKEY ${primary}`, `SETHASH 8 ${A}`, "PKSIGN"])
    }
  },
  {
    item: "others with the same digest and with another one at the same time: the yes is for the one that was answered",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const [one, same, other] = [await target.client(), await target.client(), await target.client()]
      const asked: Array<AskedQuestion> = []
      for (const [client, digest] of [[one, A], [same, A], [other, B]] as const) {
        choose(client, digest)
        client.send("PKSIGN\n")
        assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
        asked.push((await watcher.open(asked.length + 1)).at(-1)!)
      }
      assert.deepStrictEqual(asked.map(({ digest }) => digest!.hex), [A, A, B])
      assertHeardNothing(target)
      const before = [one, other].map((client) => client.received().length)
      await control.answer(asked[1]!.id, "yes")
      const signed = await same.readReply()
      assert.isTrue(isSigned(signed, A))
      await watcher.open(2)
      assert.deepStrictEqual([one, other].map((client) => client.received().length), before)
      assert.deepStrictEqual((await control.asks()).map(({ id }) => id), [asked[0]!.id, asked[2]!.id])
      await control.answer(asked[2]!.id, "yes")
      assert.isTrue(isSigned(await other.readReply(), B))
      await control.answer(asked[0]!.id, "no")
      assert.deepStrictEqual(await outcomes(one, 1), [ERR.CANCELED])
      if (target.fake !== undefined) assert.strictEqual(signatures(target), 2)
    }
  },
  {
    item: "a client that comes again for the same digest is asked for again, and an answer to what it left is none",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const first = await target.client()
      choose(first, A)
      first.send("PKSIGN\n")
      const [left] = await watcher.open()
      await first.close()
      await watcher.open(0)
      const late = await control.answer(left!.id, "yes").then(() => "answered", String)
      assert.include(late, `${left!.id} has ended already`)
      const second = await target.client()
      choose(second, A)
      second.send("PKSIGN\n")
      assert.deepStrictEqual(await outcomes(second, 2), ["OK", "OK"])
      const [question] = await watcher.open()
      assert.notStrictEqual(question!.id, left!.id)
      assertHeardNothing(target)
      await control.answer(question!.id, "yes")
      assert.isTrue(isSigned(await second.readReply(), A))
      // also right after a yes
      const third = await target.client()
      choose(third, A)
      third.send("PKSIGN\n")
      const { asks } = await watcher.until("the third", ({ asks }) => asks.some(({ id }) => id !== question!.id))
      await control.answer(asks.find(({ id }) => id !== question!.id)!.id, "no")
      assert.deepStrictEqual(await outcomes(third, 3), ["OK", "OK", ERR.CANCELED])
      if (target.fake !== undefined) assert.strictEqual(signatures(target), 1)
    }
  },
  {
    item:
      "fifty clients that ask at once: all are answered, in the order of asking, none twice, each with its own signature",
    policy,
    approve,
    attempt: async (target) => {
      const { control, isSigned, watcher } = await prepare(target)
      await using _ = watcher
      const crowd = await Promise.all(Array.from({ length: 50 }, () => target.client()))
      crowd.forEach((client, n) => {
        choose(client, digestOf(n))
        client.send("PKSIGN\n")
      })
      const { asks } = await watcher.until("all of them", (now) => now.asks.length === crowd.length)
      const inOrder = asks.map(({ digest }) => digest!.hex)
      assert.strictEqual(new Set(inOrder).size, crowd.length)
      assertHeardNothing(target)
      const answered: Array<string> = []
      while (answered.length < crowd.length) {
        const open = (await control.asks()).filter(({ id, state }) => state === "open" && !answered.includes(id))
        assert.isAtMost(open.length, 3)
        for (const { id } of open) {
          await control.answer(id, "yes")
          answered.push(id)
        }
      }
      for (const [n, client] of crowd.entries()) {
        assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
        const signed = await client.readReply()
        assert.isTrue(isSigned(signed, digestOf(n)), `client ${n}`)
        assert.isFalse(isSigned(signed, digestOf(n + 1)))
        await assertTalk(client, ["NOP", "OK"])
      }
      const put = target.gate.log().flatMap((line) => / asked (\w+): /.exec(line)?.[1] ?? [])
      assert.deepStrictEqual(put, asks.map(({ id }) => id), "they were put in the order in which they were asked")
      assert.strictEqual(new Set(answered).size, crowd.length)
      if (target.fake !== undefined) assert.strictEqual(signatures(target), crowd.length)
    }
  }
]

describeAttacks("a yes to this once", attacks)

describe("several clients at once, before a pinentry", () => {
  it("are asked for one after the other, in the order of asking, and each has its own signature", async () => {
    await using using = new AsyncDisposableStack()
    const folder = await makeFolder("gp")
    using.defer(() => removeFolder(folder))
    // a yes that comes sooner is nobody's
    const pinentry = await writePinentry(folder, { answers: [{ confirm: true }], readingMs: 260 })
    const agent = using.use(await startBusyAgent())
    signDigest(agent)
    const gate = using.use(
      await startTestGate({
        agent: agent.socket,
        policy,
        approve: ["approvers = [\"pinentry\"]", `pinentry = "${pinentry.program}"`]
      })
    )
    const crowd = await Promise.all(Array.from({ length: 8 }, () => gate.client()))
    using.defer(() => crowd.forEach((client) => client.destroy()))
    crowd.forEach((client, n) => {
      choose(client, digestOf(n))
      client.send("PKSIGN\n")
    })
    const control = controlOf(gate.control)
    let order: ReadonlyArray<string> = []
    while (order.length < crowd.length) order = (await control.asks()).map(({ digest }) => digest!.hex)
    for (const [n, client] of crowd.entries()) {
      assert.deepStrictEqual(await outcomes(client, 2), ["OK", "OK"])
      const { data } = await client.readReply(20_000)
      assert.strictEqual(data.toString(), `signed SETHASH 8 ${digestOf(n)}`)
    }
    const shown = dialogsIn(await pinentry.log()).map(({ text }) =>
      text.replaceAll("\n.. ", " ").split("SHA256 digest: ")[1]!.replaceAll(" ", "")
    )
    assert.deepStrictEqual(shown, order)
  })
})

describe("what is sent after a yes", () => {
  const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
  const lines = [
    `PRESET_PASSPHRASE some-id -1 ${Buffer.from("a passphrase").toString("hex").toUpperCase()}`,
    `MARKTRUSTED ${FINGERPRINT} S CN=Alice,O=Example`,
    "PUTVAL a-name a-value-that-is-not-short",
    "GET_PASSPHRASE --data -- some-id an+error a+prompt a+description",
    "GENKEY --preset 0123456789ABCDEF01234567"
  ]

  for (const line of lines) {
    it(`is what was asked, byte for byte, however much comes meanwhile: ${line.split(" ")[0]}`, async () => {
      const sent = async (noise: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
        await using using = new AsyncDisposableStack()
        const agent = using.use(await startBusyAgent({ handlers: { GENKEY: ["OK"] } }))
        const gate = using.use(await startTestGate({ agent: agent.socket, policy, approve }))
        const client = using.use(await gate.client())
        const control = controlOf(gate.control)
        const watcher = using.use(await control.watch())
        client.send(`${line}\n`)
        const [question] = await watcher.open()
        for (const piece of noise) {
          client.send(piece)
          // each piece is a read of its own
          await control.asks()
        }
        await control.answer(question!.id, "yes")
        assert.strictEqual(outcome(await client.readReply()), "OK")
        return agent.commands().filter((command) => !ofTheGate.has(command) && !/^(?:OPTION|RESET)\b/.test(command))
      }
      const other = line.replaceAll(/[a-z]/g, "z").replaceAll(/[0-9A-F]{8,}/g, (hex) => "7".repeat(hex.length))
      const quiet = await sent([])
      assert.lengthOf(quiet, 1)
      const noise = [`${other}\n`, "NOP\n", `${"N".repeat(900)}\n`.repeat(30), `${other}\n`.repeat(40)]
      assert.deepStrictEqual((await sent(noise)).slice(0, 1), quiet)
    })
  }
})
