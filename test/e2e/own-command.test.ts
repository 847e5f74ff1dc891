// GRIPGATE over a socket, before a real agent: an app learns who it is, asks its owner for a token and uses it with stock gpg, and
// gives it back. The owner is a scripted pinentry: of the gate's question, then of its passphrase dialog.
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { PinentryAnswer } from "@gripgate/testkit/pinentry"
import { waitGone } from "@gripgate/testkit/processes"
import type { RawClient, RawReply } from "@gripgate/testkit/raw-client"
import { setTimeout as sleep } from "node:timers/promises"
import { dialogsIn } from "../support/dialogs.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { environmentOption, loopback, sign } from "../support/tokens.ts"
import { assertTalk, ERR, outcome } from "../support/wire.ts"

const { plain: alice, protected: bob } = fixtureKeys
const yes: PinentryAnswer = { confirm: true }
const right: PinentryAnswer = { pin: bob.passphrase! }
const wrong: PinentryAnswer = { pin: "not this one" }

/** `web` sees the same key and may not decrypt; Alice's key is nobody's. */
const policy = `default = "forbid"
[apps.mail]
socket = "mail"
keys = ["bob@example.org"]
sign = "token"
decrypt = "token"
loopback = "token"
[apps.web]
socket = "web"
keys = ["bob@example.org"]
sign = "ask"
[anyone]
keys = ["*"]
sign = "ask"
`

let home: Homedir
let gate: TestGate

beforeEach(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
  for (const key of ["plain", "protected"] as const) await importKey(home, key)
  await home.launchAgent()
  gate = await startTestGate({
    agent: await home.agentSocket(),
    homedir: home.path,
    policy,
    apps: ["mail", "web"],
    approve: ["approvers = [\"pinentry\"]", "timeout = \"20s\"", "pause = \"1ms\""]
  })
})
afterEach(async () => {
  await gate.close()
  await home.close()
})

/** What the owner does, one after the other. */
const owner = (...answers: ReadonlyArray<PinentryAnswer>): Promise<void> => home.pinentry.script({ answers })

const request = (client: RawClient, what = "bob@example.org"): Promise<RawReply> =>
  client.command(`GRIPGATE REQUEST ${what}`, 15_000)

const dialogs = async () => dialogsIn(await home.pinentry.log())

/** Grants that hold. */
const inForce = () => gate.inside.grants.tokens.all().filter(gate.inside.grants.tokens.isLive)

const grantIn = ({ status }: RawReply): ReadonlyMap<string, string> => {
  const [word, id, ...fields] = status.find((line) => line.startsWith("GRANT "))!.split(" ")
  assert.strictEqual(word, "GRANT")
  return new Map([["id", id!], ...fields.map((field) => field.split("=", 2) as [string, string])])
}

describe("GRIPGATE WHOAMI", () => {
  it("tells an app its name, how it is known, and what it may do", async () => {
    await using client = await gate.client("mail")
    const { last, status } = await client.command("GRIPGATE WHOAMI")
    assert.strictEqual(last, "OK")
    assert.deepStrictEqual(status.slice(0, 2), ["APP mail", "RECOGNISED socket"])
    assert.lengthOf(status, 3)
    const [word, ...verdicts] = status[2]!.split(" ")
    assert.strictEqual(word, "MAY")
    for (const verdict of ["list=allow", "sign=token", "decrypt=token", "loopback=token", "export=forbid"]) {
      assert.include(verdicts, verdict)
    }
  })

  it("tells of the keys that it names and sees, and of no other", async () => {
    await using client = await gate.client("web")
    const { primary } = bob.keygrips
    const { status } = await client.command(`GRIPGATE WHOAMI ${alice.keygrips.primary} ${primary} ${"0".repeat(40)}`)
    const keys = status.filter((line) => line.startsWith("KEY "))
    assert.lengthOf(keys, 1)
    assert.match(keys[0]!, new RegExp(`^KEY ${primary} sign=ask certify=ask .*decrypt=forbid`))
  })

  it("tells whoever is no app that he is none", async () => {
    await using client = await gate.client()
    const { status } = await client.command("GRIPGATE WHOAMI")
    assert.strictEqual(status[0], "RECOGNISED anyone")
    assert.notInclude(status.join("\n"), "APP ")
  })

  it("tells of a grant to whoever has presented its token, and to nobody else", async () => {
    const { grant, token } = await gate.grant({ app: "mail", keys: [bob.fingerprint] }, Buffer.from(bob.passphrase!), {
      maxUses: 5
    })
    await using client = await gate.client("mail")
    await client.command(environmentOption(token))
    const told = grantIn(await client.command("GRIPGATE WHOAMI"))
    assert.deepStrictEqual([told.get("id"), told.get("left"), told.get("until")], [grant.id, "5", "revoked"])
    await using other = await gate.client("mail")
    assert.lengthOf((await other.command("GRIPGATE WHOAMI")).status, 3)
  })
})

describe("GRIPGATE REQUEST", () => {
  it("returns a token after the owner's yes and his passphrase, and stock gpg signs with it", async () => {
    await owner(yes, right)
    await using client = await gate.client("mail")
    const reply = await request(client, "--operations=sign --for=30d --uses=3 --limit=60/hour bob@example.org")
    assert.strictEqual(outcome(reply), "OK")
    const grant = grantIn(reply)
    assert.deepStrictEqual([grant.get("operations"), grant.get("left"), grant.get("limit")], ["sign", "3", "60/hour"])
    assert.isAbove(Date.parse(grant.get("until")!), Date.now() + 29 * 86_400_000)
    assert.match(reply.data.toString(), new RegExp(`^gg1-${grant.get("id")}-[0-9A-Z]{27}-[0-9A-Z]{4}$`))

    const [question, typed, ...more] = await dialogs()
    assert.deepStrictEqual([question!.question, typed!.question, more], ["CONFIRM", "GETPIN", []])
    assert.match(question!.text, /the app "mail" wants/)
    assert.include(
      question!.text.replace(/\n(?:\.\. )?/g, " "),
      "It may then sign without a question, for 30d, 3 times, at most 60/hour."
    )
    assert.include(typed!.text, "mail")

    await using homedir = await makeClientHome({ owner: home, socket: gate.socketOf("mail") })
    const signed = await homedir.run(
      ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--status-fd", "2", "--clearsign"],
      { input: Buffer.concat([reply.data, Buffer.from("\na text\n")]) }
    )
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.include(signed.stderr, "SIG_CREATED")
    assert.strictEqual(inForce()[0]!.uses, 1)
    const heard = client.received().toString("latin1") + gate.log().join("\n")
    assert.notInclude(heard, `:${bob.passphrase!}`)
    assert.notInclude(gate.log().join("\n"), reply.data.toString())
  })

  const refusals: ReadonlyArray<
    readonly [what: string, answers: ReadonlyArray<PinentryAnswer>, error: string, dialogs: number]
  > = [
    ["a no", ["cancel"], ERR.CANCELED, 1],
    ["a yes, and no passphrase", [yes, "cancel"], ERR.CANCELED, 2],
    ["a passphrase that is wrong three times", [yes, wrong, wrong, wrong], ERR.BAD_PASSPHRASE, 4]
  ]
  for (const [what, answers, error, asked] of refusals) {
    it(`is none after ${what}, and nothing is in force`, async () => {
      await owner(...answers)
      await using client = await gate.client("mail")
      assert.strictEqual(outcome(await request(client)), error)
      assert.lengthOf(await dialogs(), asked)
      assert.deepStrictEqual(inForce(), [])
      await assertTalk(client, ["NOP", "OK"])
    })
  }

  it("is good after a wrong passphrase and then the right one", async () => {
    await owner(yes, wrong, right)
    await using client = await gate.client("mail")
    const reply = await request(client)
    assert.strictEqual(outcome(reply), "OK")
    assert.lengthOf(inForce(), 1)
  })

  for (
    const [where, answers, count] of [
      ["the question", ["hang"], 1],
      ["the passphrase dialog", [yes, "hang"], 2]
    ] as const
  ) {
    it(`ends with a client that hangs up in ${where}: the dialog goes, and nothing is in force`, async () => {
      await owner(...answers)
      const client = await gate.client("mail")
      client.send("GRIPGATE REQUEST bob@example.org\n")
      while ((await dialogs()).length < count) await sleep(10)
      const pid = (await dialogs()).at(-1)!.pid
      client.destroy()
      assert.deepStrictEqual(await waitGone([pid], 10_000), [])
      await owner(yes, right)
      // and the next one is served
      await using next = await gate.client("mail")
      assert.strictEqual(outcome(await request(next)), "OK")
      assert.lengthOf(inForce(), 1)
    })
  }

  it("gives the same answer for a key that is hidden and one that is not there, and asks nobody", async () => {
    await using client = await gate.client("mail")
    const hidden = [alice.fingerprint, "alice@example.org", `grip:${alice.keygrips.primary}`]
    const absent = ["F".repeat(40), "nobody@example.org", `grip:${"0".repeat(40)}`]
    for (const [i, key] of hidden.entries()) {
      const [one, other] = [await request(client, key), await request(client, absent[i])]
      assert.strictEqual(outcome(one), ERR.NO_SECKEY, key)
      assert.deepStrictEqual(one.lines, other.lines, key)
    }
    assert.strictEqual(await home.pinentry.questions(), 0)
  })

  it("is not for whoever is no app, nor for what the policy forbids, and nobody is asked", async () => {
    await using nobody = await gate.client()
    assert.strictEqual(outcome(await request(nobody)), ERR.FORBIDDEN)
    await using web = await gate.client("web")
    assert.strictEqual(outcome(await request(web, "--operations=decrypt bob@example.org")), ERR.FORBIDDEN)
    assert.strictEqual(await home.pinentry.questions(), 0)
    assert.deepStrictEqual(inForce(), [])
  })

  it("says what is wrong with the line, and the session lives on", async () => {
    await using client = await gate.client("mail")
    const lines = [
      "",
      "--for=soon bob@example.org",
      "--uses=0 bob@example.org",
      "--uses=many bob@example.org",
      "--limit=often bob@example.org",
      "--operations=export bob@example.org",
      "--operations= bob@example.org",
      "--forever bob@example.org"
    ]
    for (const line of lines) assert.strictEqual(outcome(await request(client, line)), ERR.PARAMETER, line)
    await assertTalk(client, ["GRIPGATE", ERR.PARAMETER], ["GRIPGATE FOO", ERR.PARAMETER], ["NOP", "OK"])
    assert.strictEqual(await home.pinentry.questions(), 0)
  })
})

describe("GRIPGATE RETURN", () => {
  it("revokes a grant of this app, also for a session that is open", async () => {
    const { grant, token } = await gate.grant({ app: "mail", keys: [bob.fingerprint] }, Buffer.from(bob.passphrase!))
    await using user = await gate.client("mail")
    await loopback(user)
    assert.strictEqual(await sign(user, bob.keygrips.primary, token), "OK")
    await using client = await gate.client("mail")
    await assertTalk(client, [`GRIPGATE RETURN ${grant.id.toLowerCase()}`, "OK"])
    assert.deepStrictEqual(inForce(), [])
    assert.strictEqual(await sign(user, bob.keygrips.primary, token), ERR.BAD_PASSPHRASE)
    await assertTalk(client, [`GRIPGATE RETURN ${grant.id}`, ERR.NOT_FOUND])
  })

  it("knows no grant of another app, and none that is not there: the same answer", async () => {
    const { grant } = await gate.grant({ app: "mail", keys: [bob.fingerprint] }, Buffer.from(bob.passphrase!))
    for (const app of ["web", undefined]) {
      await using client = await gate.client(app)
      const other = await client.command(`GRIPGATE RETURN ${grant.id}`)
      const none = await client.command(`GRIPGATE RETURN ${grant.id === "ZZZZ" ? "YYYY" : "ZZZZ"}`)
      assert.strictEqual(outcome(other), ERR.NOT_FOUND)
      assert.deepStrictEqual(other.lines, none.lines)
    }
    assert.lengthOf(inForce(), 1)
  })
})
