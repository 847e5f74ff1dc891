// Whatever is wrong with a token, a client hears the same, and the agent hears nothing; the log has the true reason, and no part of a
// secret.
import { assert, describe, it } from "@effect/vitest"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import {
  allKeys,
  encryption,
  granted,
  PASSPHRASE,
  primary,
  twoApps,
  verbs,
  wrongTokens
} from "../support/refused-tokens.ts"
import { ask, decrypt, environmentOption, loopback, sign } from "../support/tokens.ts"
import { assertTalk, DIGEST, ERR } from "../support/wire.ts"

/** What gpg takes for "Bad passphrase", byte for byte. */
const REFUSED = "ERR 67108875 Bad passphrase <GPG Agent>"

const choose = { sign: `SIGKEY ${primary}`, decrypt: `SETKEY ${encryption}` } as const
const command = { sign: "PKSIGN", decrypt: "PKDECRYPT" } as const

/** The ways to present one; what is said to the command comes back, byte for byte. */
const presenting: Readonly<Record<string, (client: RawClient, token: Buffer, line: string) => Promise<string>>> = {
  "in band": async (client, token, line) => {
    await loopback(client)
    await assertTalk(client, [line, "INQUIRE PASSPHRASE"])
    return (await client.answer(token)).last
  },
  "in the environment": async (client, token, line) => {
    await ask(client, environmentOption(token))
    return (await client.command(line)).last
  },
  "in the environment, as a variable": async (client, token, line) => {
    await ask(client, Buffer.concat([Buffer.from("OPTION putenv=PINENTRY_USER_DATA=gripgate:"), token]))
    return (await client.command(line)).last
  },
  "in the environment, with text behind it": async (client, token, line) => {
    await ask(client, Buffer.concat([environmentOption(token), Buffer.from(" text of its own")]))
    return (await client.command(line)).last
  }
}

const withGate = async (
  policy: string,
  check: (gate: TestGate, heard: () => string) => Promise<void>
): Promise<void> => {
  await using fake = await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE })
  await using gate = await startTestGate({ agent: fake.socket, policy, apps: ["mail", "other"], logLevel: 7 })
  await check(gate, () => Buffer.concat(fake.connections.map((each) => each.received())).toString("latin1"))
}

/** Whether a text has eight letters in a row of a secret. */
const leaks = (text: string, token: Buffer): boolean => {
  const secret = /^gg1-[^-]+-([^-]+)/.exec(token.toString("latin1"))?.[1]
  if (secret === undefined) return false
  const upper = text.toUpperCase()
  return Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8)).some((part) =>
    upper.includes(part)
  )
}

describe("what does not hold is refused with the same bytes", () => {
  for (const { logged, make, what } of wrongTokens) {
    for (const [way, present] of Object.entries(presenting)) {
      for (const verb of verbs) {
        it(`${what}, ${way}: ${verb}`, () =>
          withGate(twoApps, async (gate, heard) => {
            const token = await make(gate, verb, "mail")
            const before = heard().split("\n").length
            await using client = await gate.client("mail")
            await assertTalk(client, [choose[verb], "OK"])
            if (verb === "sign") await assertTalk(client, [`SETHASH 8 ${DIGEST}`, "OK"])
            assert.strictEqual(await present(client, token, command[verb]), REFUSED)
            const since = heard().split("\n").slice(before - 1).join("\n")
            assert.notMatch(since, /SIGKEY|SETKEY|SETHASH|PKSIGN|PKDECRYPT|PASSWD|gripgate|gg1-|passphrase/)
            const log = gate.log().join("\n")
            assert.match(log, logged)
            assert.isFalse(leaks(`${log}${heard()}${client.received().toString("latin1")}`, token))
            if (token.length > 0) assert.notInclude(log, token.toString("latin1"))
          }))
      }
    }
  }

  it("and a right token is served in each of these ways", () =>
    withGate(twoApps, async (gate, heard) => {
      const { token } = await granted(gate)
      for (const present of Object.values(presenting)) {
        for (const verb of verbs) {
          await using client = await gate.client("mail")
          await assertTalk(client, [choose[verb], "OK"])
          if (verb === "sign") await assertTalk(client, [`SETHASH 8 ${DIGEST}`, "OK"])
          assert.match(await present(client, token, command[verb]), verb === "sign" ? /^OK/ : /^INQUIRE CIPHERTEXT/)
        }
      }
      assert.isFalse(leaks(`${gate.log().join("\n")}${heard()}`, token))
      assert.isTrue(leaks(`x${token.toString("latin1").toLowerCase()}`, token), "and it would be found")
    }))

  it("letters in either case are one token", () =>
    withGate(twoApps, async (gate) => {
      const { token } = await granted(gate)
      await using client = await gate.client("mail")
      await loopback(client)
      assert.strictEqual(await sign(client, primary, Buffer.from(token.toString("latin1").toLowerCase())), "OK")
    }))
})

describe("what is not about the token has numbers of its own", () => {
  it("a hidden key is none, before a token is asked for", () =>
    withGate(
      `default = "forbid"\n[apps.mail]\nsocket = "mail"\nkeys = ["grip:${encryption}"]\nsign = "token"\nloopback = "token"\n`,
      async (gate) => {
        await using client = await gate.client("mail")
        await loopback(client)
        await ask(client, environmentOption(Buffer.from("gg1-XXXX-YYYY-ZZZZ")))
        assert.strictEqual(await sign(client, primary), ERR.NO_SECKEY)
        assert.strictEqual(await decrypt(client, primary), ERR.NO_SECKEY)
        await assertTalk(client, [`HAVEKEY ${primary}`, ERR.NO_SECKEY])
        await assertTalk(client, [`KEYINFO ${primary}`, ERR.NOT_FOUND])
        assert.notInclude(client.received().toString("latin1"), "INQUIRE")
      }
    ))

  it("over the policy's own limit: Limit reached, and only with a right token", () =>
    withGate(
      `default = "forbid"\n[apps.mail]\nsocket = "mail"\nkeys = ["*"]\nloopback = "token"\n`
        + "sign = { verdict = \"token\", limit = \"1/hour\" }\n",
      async (gate) => {
        const { token } = await granted(gate, { operations: ["sign"] })
        await using client = await gate.client("mail")
        await loopback(client)
        assert.strictEqual(await sign(client, primary, token), "OK")
        assert.strictEqual(await sign(client, primary), ERR.LIMIT_REACHED)
        await using another = await gate.client("mail")
        await loopback(another)
        assert.strictEqual(await sign(another, primary, Buffer.from("no token")), ERR.BAD_PASSPHRASE)
        assert.strictEqual(await sign(another, primary, token), ERR.LIMIT_REACHED)
      }
    ))

  it("no token and no loopback, and no answer at the gate's inquiry: Forbidden", () =>
    withGate(twoApps, async (gate, heard) => {
      await using client = await gate.client("mail")
      assert.strictEqual(await sign(client, primary), ERR.FORBIDDEN)
      assert.strictEqual(await decrypt(client, encryption), ERR.FORBIDDEN)
      await loopback(client)
      assert.strictEqual(await sign(client, primary, "CAN"), ERR.FORBIDDEN)
      assert.strictEqual(await decrypt(client, encryption, "CAN"), ERR.FORBIDDEN)
      assert.notMatch(heard(), /SIGKEY|SETKEY|PKSIGN|PKDECRYPT/)
    }))

  it("whoever is no app has no token, and nobody else's", () =>
    withGate(`${twoApps}[anyone]\nkeys = ["*"]\nsign = "token"\nloopback = "token"\n`, async (gate) => {
      const { token } = await granted(gate)
      await using client = await gate.client()
      assert.strictEqual(await sign(client, primary), ERR.FORBIDDEN)
      await loopback(client)
      assert.strictEqual(await sign(client, primary, token), ERR.BAD_PASSPHRASE)
    }))
})
