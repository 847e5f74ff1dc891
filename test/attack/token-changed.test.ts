// What changes between an owner's word and the token that comes of it: the policy while he is asked, and the passphrase before a
// rotation, whose old token goes on for a while.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import * as Effect from "effect/Effect"
import { controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { BAD, startProtectedAgent } from "../support/protected-agent.ts"
import { allKeys, granted, PASSPHRASE, primary, twoApps } from "../support/refused-tokens.ts"
import { ask, environmentOption, sign } from "../support/tokens.ts"
import { ERR, outcome } from "../support/wire.ts"

const by = { through: "test" }
const atTerminal = ["approvers = [\"terminal\"]", "timeout = \"20s\"", "pause = \"1ms\""]

interface Terms {
  readonly keys: string
  readonly decrypt: string
  readonly socket?: string
}

const policyOf = ({ decrypt, keys, socket = "" }: Terms): string =>
  `default = "forbid"\n[apps.mail]\nsocket = "mail"\n${socket}keys = ["${keys}"]\nsign = "token"\ndecrypt = "${decrypt}"\n`

describe("GRIPGATE REQUEST, with a policy that is read anew while the owner is asked", () => {
  let home: Homedir
  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent"] as const) needs(program)
    home = await makeHomedir()
    await importKey(home, "protected")
    await home.launchAgent()
  })
  afterAll(() => home.close())

  const ours = `grip:${primary}`
  const cases: Readonly<Record<string, { readonly before: Terms; readonly after: Terms }>> = {
    "more operations": { before: { keys: "*", decrypt: "forbid" }, after: { keys: "*", decrypt: "token" } },
    "fewer operations": { before: { keys: "*", decrypt: "token" }, after: { keys: "*", decrypt: "forbid" } },
    "more keys": { before: { keys: ours, decrypt: "forbid" }, after: { keys: "*", decrypt: "forbid" } },
    "another app of that name": {
      before: { keys: "*", decrypt: "forbid" },
      after: { keys: "*", decrypt: "forbid", socket: "socket-mode = \"0660\"\n" }
    }
  }

  const requested = async (
    before: Terms,
    after: Terms
  ): Promise<{ said: string; gate: TestGate } & AsyncDisposable> => {
    const gate = await startTestGate({
      agent: await home.agentSocket(),
      homedir: home.path,
      policy: policyOf(before),
      apps: ["mail"],
      logLevel: 7,
      approve: atTerminal
    })
    await using client = await gate.client("mail")
    const control = controlOf(gate.control)
    await using watcher = await control.watch()
    const replied = client.command(`GRIPGATE REQUEST --no-seal ${fixtureKeys.protected.fingerprint}`, 20_000).then(
      outcome
    )
    const [question] = await watcher.open()
    await gate.changePolicy(policyOf(after))
    await control.answer(question!.id, "yes")
    return { said: await replied, gate, [Symbol.asyncDispose]: () => gate.close() }
  }

  for (const [what, { after, before }] of Object.entries(cases)) {
    it(`grants nothing where that means ${what}`, async () => {
      await using done = await requested(before, after)
      assert.strictEqual(done.said, ERR.FORBIDDEN)
      assert.deepStrictEqual(done.gate.inside.grants.tokens.all(), [])
    })
  }

  it("grants what the owner said yes to where it means the same", async () => {
    const terms = { keys: "*", decrypt: "forbid" }
    await using done = await requested(terms, { ...terms })
    assert.strictEqual(done.said, "OK")
    const [grant] = done.gate.inside.grants.tokens.all()
    assert.deepStrictEqual([...grant!.operations], ["sign", "certify"])
  })
})

describe("a rotation with an overlap, after a change of the passphrase", () => {
  const NEW = Buffer.from("the passphrase after that")

  it("tries the old token's seal once and no more, and its successor's is good, after a restart too", async () => {
    await using using = new AsyncDisposableStack()
    const fake = using.use(await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE }))
    const state = await makeFolder("ts")
    using.defer(() => removeFolder(state))
    const start = () =>
      startTestGate({ agent: fake.socket, policy: twoApps, apps: ["mail", "other"], logLevel: 7, state })
    const signWith = async (gate: TestGate, token: Buffer): Promise<string> => {
      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      return await sign(client, primary)
    }
    let wrong = 0
    let right = 0
    const unlocked = {
      inquire: "PASSPHRASE",
      maxlen: 255,
      next: (given: Buffer) => {
        const isRight = given.equals(NEW)
        if (isRight) right++
        else wrong++
        return isRight ? ["D x", "OK"] : BAD
      }
    }
    let old: Buffer
    let next: Buffer
    {
      await using gate = await start()
      const { grant, token } = await granted(gate)
      old = token
      // the owner changes the passphrase of his keys, and gives the app another token
      fake.handle("PASSWD", {
        inquire: "PASSPHRASE",
        maxlen: 255,
        next: (given) => given.equals(NEW) ? ["OK"] : BAD
      })
      fake.handle("PKSIGN", unlocked)
      const { issuer } = gate.inside
      const rotated = await Effect.runPromise(Effect.flatMap(
        issuer.planRotation(grant.id),
        (plan) => issuer.rotate(grant.id, plan, 600_000, new Map(plan.keys.map(({ info }) => [info.keygrip, NEW])), by)
      ))
      next = rotated.token
      await using client = await gate.client("mail")
      await ask(client, environmentOption(old))
      for (let i = 0; i < 3; i++) assert.strictEqual(await sign(client, primary), ERR.BAD_PASSPHRASE)
      assert.strictEqual(wrong, 1)
      assert.strictEqual(await signWith(gate, old), ERR.BAD_PASSPHRASE)
      assert.strictEqual(await signWith(gate, next), "OK")
      assert.deepStrictEqual([wrong, right], [1, 1])
    }
    await using gate = await start()
    assert.strictEqual(await signWith(gate, old), ERR.BAD_PASSPHRASE)
    assert.strictEqual(await signWith(gate, next), "OK")
    assert.deepStrictEqual([wrong, right], [1, 2])
  })
})
