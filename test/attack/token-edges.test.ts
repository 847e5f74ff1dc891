// Edges of what a token is for: a session that was restricted, a card, an owner who said never, a nonce beside a seal, grants that are
// over, and guesses at commands that use no key.
import { assert, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import type { Handlers } from "@gripgate/testkit/fake-agent/reply"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { NONCE } from "../support/agent.ts"
import { controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { journalIn } from "../support/journal.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { allKeys, encryption, granted, PASSPHRASE, primary, twoApps } from "../support/refused-tokens.ts"
import { appPolicy, ask, decrypt, environmentOption, loopback, needsToken, sign } from "../support/tokens.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const by = { through: "test" }
const atTerminal = ["approvers = [\"terminal\"]", "timeout = \"20s\"", "pause = \"1ms\""]

interface Around {
  readonly policy: string
  readonly handlers?: Handlers
  readonly approve?: ReadonlyArray<string>
}

const withGate = async (
  { approve, handlers, policy }: Around,
  check: (gate: TestGate, fake: FakeAgent) => Promise<void>
): Promise<void> => {
  await using fake = await startProtectedAgent({
    keys: allKeys,
    passphrase: PASSPHRASE,
    ...handlers !== undefined && { handlers }
  })
  await using gate = await startTestGate({
    agent: fake.socket,
    policy,
    apps: ["mail", "other"],
    logLevel: 7,
    ...approve !== undefined && { approve }
  })
  await check(gate, fake)
}

const policyOf = (verdicts: Readonly<Record<string, string>>): string =>
  `default = "forbid"\n${appPolicy("mail", verdicts)}\n${appPolicy("other", {})}\n`
const heard = (fake: FakeAgent): string =>
  Buffer.concat(fake.connections.map((each) => each.received())).toString("latin1")
const stateOf = ({ control }: TestGate): string => join(dirname(control), "state")

const variable = (token: Buffer): Buffer =>
  Buffer.concat([Buffer.from("OPTION putenv=PINENTRY_USER_DATA=gripgate:"), token])

describe("in a session that was restricted", () => {
  for (const [what, option] of [["option", environmentOption], ["variable", variable]] as const) {
    it(`a token in the pinentry's ${what} never reaches the agent`, () =>
      withGate(
        { policy: policyOf({ sign: "token", admin: "allow" }), handlers: { OPTION: ["OK"] } },
        async (gate, fake) => {
          const { token } = await granted(gate, { operations: ["sign"] })
          await using client = await gate.client("mail")
          await assertTalk(client, ["OPTION pretend-request-origin=remote", "OK"])
          assert.strictEqual(await ask(client, option(token)), "OK")
          await ask(client, "GRIPGATE WHOAMI")
          await sign(client, primary)
          assert.include(heard(fake), "OPTION pretend-request-origin=remote", "the agent knows that it is")
          assert.notMatch(heard(fake), /gripgate:|gg1-|pinentry-user-data|PINENTRY_USER_DATA/i)
        }
      ))
  }
})

describe("a token that is given after a session was restricted", () => {
  it("is presented: in the pinentry's option", () =>
    withGate(
      { policy: policyOf({ sign: "token", admin: "allow" }) },
      (gate) => assertPresented(gate, environmentOption)
    ))

  it("is presented: in a variable of the pinentry", () =>
    withGate({ policy: policyOf({ sign: "token", admin: "allow" }) }, (gate) => assertPresented(gate, variable)))
})

/** Its grant is told, and opens its key. */
const assertPresented = async (gate: TestGate, option: (token: Buffer) => Buffer): Promise<void> => {
  const { grant, token } = await granted(gate, { operations: ["sign"] })
  await using client = await gate.client("mail")
  await assertTalk(client, ["OPTION pretend-request-origin=remote", "OK"])
  assert.strictEqual(await ask(client, option(token)), "OK")
  await assertTalk(client, ["GRIPGATE WHOAMI", "OK"])
  assert.include(client.received().toString("latin1"), `S GRANT ${grant.id} `)
  assert.strictEqual(await sign(client, primary), "OK")
  assert.strictEqual(grant.uses, 1)
}

describe("a token for a key on disk", () => {
  const SETDATA = `SCD SETDATA ${"AB".repeat(32)}`
  const lines = [SETDATA, "SCD PKSIGN --hash=sha256 OPENPGP.1", "SCD PKAUTH OPENPGP.3", "SCD PKDECRYPT OPENPGP.2"]
  const uses = { sign: "token", authenticate: "token", decrypt: "token", card: "allow", prompt: "allow" } as const

  for (const [where, more] of [["", {}], [", in loopback mode", { loopback: "token" }]] as const) {
    it(`does not stand for a card${where}`, () =>
      withGate({ policy: policyOf({ ...uses, ...more }), handlers: { SCD: ["D x", "OK"] } }, async (gate, fake) => {
        const operations = ["sign", "authenticate", "decrypt", ...where === "" ? [] : ["loopback" as const]] as const
        const { grant, token } = await granted(gate, { operations, keys: [primary] })
        await using client = await gate.client("mail")
        await ask(client, environmentOption(token))
        if (where !== "") await loopback(client)
        for (const line of lines) assert.notStrictEqual(await ask(client, line), "OK", line)
        assert.notInclude(heard(fake), "SCD")
        assert.strictEqual(grant.uses, 0)
        assert.strictEqual(await sign(client, primary), "OK", "its own key is as it was")
      }))
  }

  it("and where the policy allows those uses, a card does them", () =>
    withGate(
      {
        policy: policyOf({ sign: "allow", authenticate: "allow", decrypt: "allow", card: "allow", prompt: "allow" }),
        handlers: { SCD: ["D x", "OK"] }
      },
      async (gate) => {
        await using client = await gate.client("mail")
        for (const line of lines) assert.strictEqual(await ask(client, line), "OK", line)
      }
    ))
})

describe("an owner's never", () => {
  it("holds against a token", () =>
    withGate({ policy: policyOf({ sign: "ask" }), approve: atTerminal }, async (gate, fake) => {
      const { grant, token } = await granted(gate, { operations: ["sign"], keys: [primary] })
      const control = controlOf(gate.control)
      await using watcher = await control.watch()
      await using asking = await gate.client("mail")
      const refused = sign(asking, primary)
      const [question] = await watcher.open()
      await control.answer(question!.id, "no", "always")
      assert.strictEqual(await refused, ERR.CANCELED)

      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      assert.strictEqual(await sign(client, primary), ERR.CANCELED)
      assert.strictEqual(grant.uses, 0)
      assert.notInclude(heard(fake), "PKSIGN")
      assert.match(gate.log().at(-1)!, /the owner said never/)
    }))

  it("and without it the token is good", () =>
    withGate({ policy: policyOf({ sign: "ask" }), approve: atTerminal }, async (gate) => {
      const { token } = await granted(gate, { operations: ["sign"], keys: [primary] })
      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      assert.strictEqual(await sign(client, primary), "OK")
    }))
})

describe("a nonce in a use with a seal", () => {
  const NAMING = `S CACHE_NONCE ${NONCE}`

  for (const [whose, gets] of [["somebody else's", false], ["the client's own", true]] as const) {
    it(`never reaches the agent: ${whose}`, () =>
      withGate(
        { policy: policyOf({ ...needsToken, passwd: "allow" }), handlers: { PASSWD: passwd } },
        async (gate, fake) => {
          const { token } = await granted(gate)
          await using client = await gate.client("mail")
          if (gets) await assertTalk(client, [`PASSWD ${primary}`, "OK"])
          assert.strictEqual(client.received().toString("latin1").includes(NAMING), gets)
          await ask(client, environmentOption(token))
          await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
          assert.strictEqual(await ask(client, `PKSIGN -- ${NONCE}`), "OK")
          const sent = fake.commands().filter((line) => line.startsWith("PKSIGN"))
          assert.deepStrictEqual(sent, ["PKSIGN"])
          assert.notInclude(heard(fake), NONCE)
        }
      ))
  }
})

/** A change of passphrase tells a nonce, and a check of one takes the right one. */
const passwd: Handlers[string] = (line) =>
  line.toString("latin1").includes("--verify")
    ? { inquire: "PASSPHRASE", maxlen: 255, next: (given) => given.equals(PASSPHRASE) ? ["OK"] : ["ERR 67108875 Bad"] }
    : [`S CACHE_NONCE ${NONCE}`, "OK"]

describe("a token that only WHOAMI or an OPTION looks at", () => {
  /** Wrong ones that are answered at once, and milliseconds of what is a wait at all. */
  const FREE = 3
  const WAITED = 500
  const WRONG = Buffer.from("no token")
  const ways = { "GRIPGATE WHOAMI": "OK", "OPTION pretend-request-origin=remote": ERR.BAD_PASSPHRASE }

  for (const [line, answer] of Object.entries(ways)) {
    it(`is written down and slowed down where it is wrong: ${line}`, () =>
      withGate({ policy: policyOf({ ...needsToken, admin: "token" }) }, async (gate) => {
        await using client = await gate.client("mail")
        const refusedAfter = async (): Promise<number> => {
          await ask(client, environmentOption(WRONG))
          const before = performance.now()
          assert.strictEqual(await ask(client, line), answer)
          return performance.now() - before
        }
        for (let i = 0; i < FREE; i++) await refusedAfter()
        const written = () => journalIn(stateOf(gate)).filter((entry) => JSON.stringify(entry).includes("no token"))
        for (let i = 0; i < 100 && written().length === 0; i++) await sleep(20)
        assert.isAbove(written().length, 0)
        assert.isAtLeast(await refusedAfter(), WAITED)
        // and the guesses count for keys too
        await using another = await gate.client("mail")
        await ask(another, environmentOption(WRONG))
        const before = performance.now()
        assert.strictEqual(await sign(another, primary), ERR.BAD_PASSPHRASE)
        assert.isAtLeast(performance.now() - before, WAITED)
      }))
  }

  it("is asked about once: who says WHOAMI again with the same one is not slowed down", () =>
    withGate({ policy: twoApps }, async (gate) => {
      await using client = await gate.client("mail")
      await ask(client, environmentOption(WRONG))
      for (let i = 0; i < 3 * FREE; i++) await assertTalk(client, ["GRIPGATE WHOAMI", "OK"])
      assert.strictEqual(gate.log().filter((text) => text.includes("what was given is no token")).length, 1)
    }))
})

describe("a grant that no token can be of", () => {
  const rotate = (gate: TestGate, id: string) => {
    const { issuer } = gate.inside
    return Effect.runPromise(Effect.result(Effect.flatMap(
      issuer.planRotation(id),
      (plan) => issuer.rotate(id, plan, 0, new Map(plan.keys.map(({ info }) => [info.keygrip, PASSPHRASE])), by)
    )))
  }

  it("is not rotated when its time is up, which says what to do; renewed, its token is as good as it was", () =>
    withGate({ policy: twoApps }, async (gate) => {
      const { grant, token } = await granted(gate, {}, { time: 2_000 })
      const { issuer, grants } = gate.inside
      const plan = await Effect.runPromise(issuer.planRotation(grant.id))
      while (grants.tokens.isLive(grant)) await sleep(5)
      const late = await Effect.runPromise(Effect.result(
        issuer.rotate(grant.id, plan, 0, new Map(plan.keys.map(({ info }) => [info.keygrip, PASSPHRASE])), by)
      ))
      for (const rotated of [await rotate(gate, grant.id), late]) {
        if (Result.isSuccess(rotated)) throw new Error("expected that it is not rotated")
        assert.strictEqual(rotated.failure.message, `the time of the grant ${grant.id} is up`)
        assert.include(rotated.failure.hint, `gripgate renew ${grant.id}`)
      }
      await Effect.runPromise(issuer.renew(grant.id, { time: 86_400_000 }, by))
      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      assert.strictEqual(await sign(client, primary), "OK")
      assert.strictEqual(await decrypt(client, encryption), "OK")
    }))

  it("is not rotated for an app that has another socket, which says what to do; its token is as it was", () =>
    withGate({ policy: twoApps }, async (gate) => {
      const { grant, token } = await granted(gate)
      await gate.changePolicy(twoApps.replace("socket = \"mail\"", "socket = \"mail\"\nsocket-mode = \"0660\""))
      const rotated = await rotate(gate, grant.id)
      if (Result.isSuccess(rotated)) throw new Error("expected that it is not rotated")
      assert.include(rotated.failure.message, "another match or socket")
      assert.include(rotated.failure.hint, "gripgate grant mail")
      await gate.changePolicy(twoApps)
      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      assert.strictEqual(await sign(client, primary), "OK")
    }))

  it("and one that is in force is rotated", () =>
    withGate({ policy: twoApps }, async (gate) => {
      const { grant, token } = await granted(gate)
      const rotated = Result.getOrThrow(await rotate(gate, grant.id))
      await using client = await gate.client("mail")
      await ask(client, environmentOption(rotated.token))
      assert.strictEqual(await sign(client, primary), "OK")
      await using old = await gate.client("mail")
      await ask(old, environmentOption(token))
      await assertTalk(old, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      assert.strictEqual(outcome(await old.command("PKSIGN")), ERR.BAD_PASSPHRASE)
    }))
})
