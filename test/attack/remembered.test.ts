// The gate remembers for a moment that a key exists. Whatever takes a key away through it must end that at once, and no
// app may learn from it of a key that it cannot see.
import { assert, describe, it } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { startTestGate } from "../support/gate.ts"

const OK = "OK"
const NO_SECKEY = "ERR 67108881 No secret key <GPG Agent>"

describe("a key that was there a moment ago", () => {
  it("is gone for everybody as soon as one client has deleted it", async () => {
    await using home = await makeHomedir({})
    const { keygrips } = await importKey(home, "plain")
    await home.launchAgent()
    await using gate = await startTestGate({ agent: await home.agentSocket() })
    const first = await gate.client()
    const second = await gate.client()
    const ask = async (client: typeof first) => (await client.command(`HAVEKEY ${keygrips.primary}`)).lines.map(String)
    assert.deepStrictEqual(await ask(first), [OK])
    assert.deepStrictEqual(await ask(second), [OK])
    assert.deepStrictEqual((await second.command(`DELETE_KEY --force ${keygrips.primary}`)).lines.map(String), [OK])
    assert.deepStrictEqual(await ask(second), [NO_SECKEY])
    assert.deepStrictEqual(await ask(first), [NO_SECKEY])
    first.destroy()
    second.destroy()
  })

  it("does not exist for an app that may not see it, however lately another asked", async () => {
    await using home = await makeHomedir({})
    const { keygrips } = await importKey(home, "plain")
    await home.launchAgent()
    const policy = "default = \"allow\"\n[apps.blind]\nsocket = \"blind\"\nkeys = []\n"
    await using gate = await startTestGate({ agent: await home.agentSocket(), policy, apps: ["blind"] })
    const seeing = await gate.client()
    const blind = await gate.client("blind")
    assert.deepStrictEqual((await seeing.command(`HAVEKEY ${keygrips.primary}`)).lines.map(String), [OK])
    assert.deepStrictEqual((await blind.command(`HAVEKEY ${keygrips.primary}`)).lines.map(String), [NO_SECKEY])
    seeing.destroy()
    blind.destroy()
  })
})
