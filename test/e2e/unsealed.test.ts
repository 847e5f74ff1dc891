// Grants that keep no passphrase, with stock gpg and a real agent: a token that permits a use, for which the agent asks the owner; and
// the weaker one, without which an app that knows the passphrase may not hand it over.
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run } from "@gripgate/testkit/run"
import { startTestGate, type TestGate } from "../support/gate.ts"

const { fingerprint, passphrase } = fixtureKeys.protected
const policy = `default = "forbid"
[apps.mail]
socket = "mail"
keys = ["bob@example.org"]
sign = "token"
[apps.weak]
socket = "weak"
keys = ["bob@example.org"]
sign = "allow"
loopback = "token"
`

let home: Homedir
let gate: TestGate
beforeEach(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  home = await makeHomedir({ agentConf: ["disable-scdaemon", "default-cache-ttl 0", "max-cache-ttl 0"] })
  await importKey(home, "protected")
  await home.launchAgent()
  gate = await startTestGate({ agent: await home.agentSocket(), homedir: home.path, policy, apps: ["mail", "weak"] })
})
afterEach(async () => {
  await gate.close()
  await home.close()
})

/** gpg of an app signs, with this token in its environment, and a passphrase in band where there is one. */
const sign = async (app: string, token: Buffer | undefined, inBand?: string) => {
  await using client = await makeClientHome({ owner: home, socket: gate.socketOf(app) })
  const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
  return await run(["gpg", "--batch", ...inBand === undefined ? [] : loopback, "--clearsign"], {
    env: { ...client.env, ...token !== undefined && { PINENTRY_USER_DATA: `gripgate:${token.toString("latin1")}` } },
    input: `${inBand === undefined ? "" : `${inBand}\n`}a text\n`
  })
}

describe("a grant without a seal", () => {
  it("permits the use, and the agent asks the owner for the passphrase", async () => {
    const { token } = await gate.grant({ app: "mail", keys: [fingerprint], operations: ["sign"], seal: false })
    await home.pinentry.script({ answers: [{ pin: passphrase! }] })
    const signed = await sign("mail", token)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.strictEqual(await home.pinentry.questions(), 1)
    const refused = await sign("mail", undefined)
    assert.include(refused.stderr, "signing failed: Forbidden")
    assert.strictEqual(await home.pinentry.questions(), 1, "without the token he is not even asked")
  })

  it("for loopback alone lets an app hand over the passphrase that it knows, and nothing does without", async () => {
    const { token } = await gate.grant({ app: "weak", keys: [fingerprint], operations: ["loopback"], seal: false })
    const signed = await sign("weak", token, passphrase)
    assert.strictEqual(signed.code, 0, signed.stderr)
    const wrong = await sign("weak", token, "not this one")
    assert.include(wrong.stderr, "signing failed: Bad passphrase")
    const without = await sign("weak", undefined, passphrase)
    assert.include(without.stderr, "signing failed: Bad passphrase")
    assert.include(gate.log().join("\n"), "what was given is no token")
    assert.strictEqual(await home.pinentry.questions(), 0)
  })
})
