// What hinders a grant is said before anybody types a passphrase, or when it is tried: a real agent, as it is configured, and nothing
// of its configuration is changed.
import { assert, describe, it } from "@effect/vitest"
import type { NotIssued, Plan, Wish } from "@gripgate/proxy/grant/issue"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { runOk } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { DIGEST, ERR, outcome } from "../support/wire.ts"

const { fingerprint, keygrips } = fixtureKeys.protected
const policy = `default = "forbid"
[apps.mail]
socket = "mail"
keys = ["${fingerprint}"]
sign = "token"
decrypt = "token"
loopback = "token"
[apps.other]
socket = "other"
keys = ["${fixtureKeys.plain.fingerprint}"]
sign = "token"
decrypt = "allow"
`

const homeWith = async (...agentConf: ReadonlyArray<string>): Promise<Homedir> => {
  const home = await makeHomedir({ agentConf })
  for (const name of ["protected", "plain"] as const) await importKey(home, name)
  await home.launchAgent()
  return home
}

const gateOf = async (home: Homedir, agent?: string): Promise<TestGate> =>
  startTestGate({ agent: agent ?? await home.agentSocket(), homedir: home.path, policy, apps: ["mail", "other"] })

const plan = (gate: TestGate, wish: Partial<Wish> = {}): Promise<Plan> =>
  Effect.runPromise(gate.inside.issuer.plan({ app: "mail", keys: [fingerprint], seal: true, ...wish }))

/** Why there is no plan. */
const hindrance = (gate: TestGate, wish: Partial<Wish> = {}): Promise<NotIssued> =>
  Effect.runPromise(Effect.flip(gate.inside.issuer.plan({ app: "mail", keys: [fingerprint], seal: true, ...wish })))

describe("a grant with an agent that allows no loopback", () => {
  it("is not made, which says why and what to do; without a seal it is, and the agent's configuration stays as it is", async () => {
    await using home = await homeWith("no-allow-loopback-pinentry")
    const conf = await readFile(join(home.path, "gpg-agent.conf"), "utf8")
    await using gate = await gateOf(home)
    const { hint, message } = await hindrance(gate)
    assert.match(message, /allows no loopback \(no-allow-loopback-pinentry\)/)
    assert.match(hint ?? "", /gpg-agent\.conf.*--no-seal/)
    assert.isFalse((await plan(gate, { seal: false })).keys.some(({ sealed }) => sealed))
    assert.deepStrictEqual(gate.inside.grants.tokens.all(), [])
    assert.strictEqual(await readFile(join(home.path, "gpg-agent.conf"), "utf8"), conf)
  })

  it("that was made before cannot be used, and the client hears so", async () => {
    await using home = await homeWith()
    await using gate = await gateOf(home)
    const { token } = await gate.grant({ app: "mail", keys: [fingerprint] }, Buffer.from("abc"))
    await home.killAgent()
    await runOk(["sh", "-c", "echo no-allow-loopback-pinentry >> \"$GNUPGHOME/gpg-agent.conf\""], { env: home.env })
    await home.launchAgent()
    await using client = await gate.client("mail")
    await client.command(`OPTION pinentry-user-data=gripgate:${token.toString("latin1")}`)
    await client.command(`SIGKEY ${keygrips.primary}`)
    await client.command(`SETHASH 8 ${DIGEST}`)
    assert.strictEqual(outcome(await client.command("PKSIGN")), "ERR 67108924")
    assert.include(gate.log().join("\n"), "allows no loopback")
  })
})

describe("a grant at the agent's restricted socket", () => {
  it("is not made with a seal: nothing can be checked there", async () => {
    await using home = await homeWith()
    const { stdout } = await runOk(["gpgconf", "--list-dirs", "agent-extra-socket"], { env: home.env })
    await using gate = await gateOf(home, stdout.toString().trim())
    assert.match((await hindrance(gate)).message, /restricted socket|does not have the key/)
  })
})

describe("a grant that cannot be", () => {
  it("says which app, key or operation is in the way", async () => {
    await using home = await homeWith()
    await using gate = await gateOf(home)
    const cases: ReadonlyArray<readonly [Partial<Wish>, RegExp, RegExp]> = [
      [{ app: "mial" }, /no app "mial"/, /did you mean "mail"/],
      [{ keys: [fixtureKeys.plain.fingerprint] }, /does not see the key/, /\[apps\.mail\]/],
      [{ keys: ["nobody@example.org"] }, /no secret key is "nobody@example\.org"/, /--list-secret-keys/],
      [{ keys: [] }, /at least one key/, /--key/],
      [
        { operations: ["export"] },
        /the policy forbids export .* default = "forbid" \(.*policy\.toml:1:1\)/,
        /change it first/
      ],
      [{ operations: ["authenticate"] }, /none of these keys is one to authenticate with/, /what each is for/]
    ]
    for (const [wish, message, hint] of cases) {
      const no = await hindrance(gate, wish)
      assert.match(no.message, message)
      assert.match(no.hint ?? "", hint)
    }
  })

  it("is told from one that can, with what the owner should know", async () => {
    await using home = await homeWith()
    await using gate = await gateOf(home)
    const plain = await plan(gate, {
      app: "other",
      keys: [fixtureKeys.plain.fingerprint],
      operations: ["sign", "decrypt"]
    })
    assert.isFalse(plain.keys.some(({ sealed }) => sealed))
    assert.match(plain.notes.join("\n"), /has no passphrase/)
    assert.match(plain.notes.join("\n"), /decrypt .* is allowed without the token too/)
    const sealed = await plan(gate)
    assert.isTrue(sealed.keys.every((key) => key.sealed))
    assert.sameMembers([...sealed.operations], ["sign", "certify", "decrypt"])
  })

  it("needs the right passphrase for each key, and names those for which it was wrong", async () => {
    await using home = await homeWith()
    await using gate = await gateOf(home)
    const no = await gate.grant({ app: "mail", keys: [fingerprint] }, Buffer.from("abd")).catch((error: NotIssued) =>
      error
    )
    assert.strictEqual("_tag" in no && no._tag, "NotIssued")
    if ("_tag" in no) assert.sameMembers([...no.wrong ?? []], [keygrips.primary, keygrips.encryption])
    assert.deepStrictEqual(gate.inside.grants.tokens.all(), [])
    // and what was wrong is nowhere in the agent: the key is as locked as before
    await using client = await gate.client("mail")
    await client.command(`SIGKEY ${keygrips.primary}`)
    await client.command(`SETHASH 8 ${DIGEST}`)
    assert.strictEqual(outcome(await client.command("PKSIGN")), ERR.FORBIDDEN)
  })
})
