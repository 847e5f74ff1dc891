// The ledger of grants, written anew with its own key: whoever can do that is the gate's own user, and can grant himself what he
// likes. What he cannot do is open a seal for anything but what it was made for.
import { assert, describe, it } from "@effect/vitest"
import { dataLines } from "@gripgate/testkit/assuan-data"
import { cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { encryption, granted, primary } from "../support/refused-tokens.ts"
import { type GrantFields, newWorld, use, type World } from "../support/state.ts"
import { decrypt, environmentOption, sign } from "../support/tokens.ts"
import { ERR } from "../support/wire.ts"

const another = fixtureKeys.rsa.keygrips.primary

/** What the agent was answered: a passphrase, or nothing. */
const given = ({ agent }: World): ReadonlyArray<string> =>
  agent.connections.flatMap(({ answers }) => answers).flatMap(({ data }) => data === undefined ? [] : [String(data)])

/** Two grants, both of which sign; then the ledger is changed. What the agent was given before does not count. */
const changed = async (change: (first: GrantFields, second: GrantFields) => void) => {
  const world = await newWorld()
  const [first, second] = await world.run(async (gate) => {
    const made = [await granted(gate), await granted(gate, { keys: [primary, another], operations: ["sign"] })] as const
    for (const { token } of made) assert.strictEqual(await use(gate, token), "OK")
    return made
  })
  await world.rewriteGrants((records) => change(records[0]!, records[1]!))
  const before = given(world).length
  return { world, first, second, since: () => given(world).slice(before) }
}

const swapped: Readonly<Record<string, (first: GrantFields, second: GrantFields) => void>> = {
  "another grant's seal": (first, { token }) => {
    first.token.seals[primary] = token.seals[primary]!
  },
  "the seal of another key": ({ token }) => {
    token.seals[primary] = token.seals[encryption]!
  },
  "one operation more": (first) => {
    first.operations = ["sign", "decrypt", "authenticate"]
  },
  "one operation less": (first) => {
    first.operations = ["sign"]
  },
  "a seal with a bit changed": ({ token }) => {
    const seal = token.seals[primary]!
    seal.box = `${seal.box.slice(0, -1)}${seal.box.endsWith("0") ? "1" : "0"}`
  },
  "a seal that is cut": ({ token }) => {
    token.seals[primary]!.box = token.seals[primary]!.box.slice(0, 64)
  },
  "another nonce": ({ token }) => {
    token.seals[primary]!.nonce = "00".repeat(12)
  },
  "a nonce that is none": ({ token }) => {
    token.seals[primary]!.nonce = "00"
  }
}

describe("a grant that was written anew with the key of the chain", () => {
  for (const [what, change] of Object.entries(swapped)) {
    it(`with ${what}: the seal does not open, the agent gets nothing, and the grant is stale`, async () => {
      const { first, second, since, world } = await changed(change)
      await using _ = world
      await world.run(async (gate) => {
        assert.strictEqual(await use(gate, first.token), ERR.BAD_PASSPHRASE)
        assert.deepStrictEqual(since(), [])
        assert.match(gate.log().join("\n"), /the seal does not open/)
        assert.isTrue(gate.inside.grants.tokens.get(first.grant.id)!.stale.has(first.grant.keygrips[0]!))
        assert.strictEqual(await use(gate, second.token), "OK")
      })
    })
  }

  it("and a key that the agent has unlocked: there is no signature either", async () => {
    const { first, world } = await changed(swapped["another grant's seal"]!)
    await using _ = world
    world.agent.handle("PKSIGN", [...dataLines(cannedSignature), "OK"])
    await world.run(async (gate) => {
      await using client = await gate.client("mail")
      await client.command(environmentOption(first.token))
      assert.strictEqual(await sign(client, primary), ERR.BAD_PASSPHRASE)
      assert.notInclude(client.received().toString("latin1"), "sig-val")
      assert.match(gate.log().join("\n"), /the seal does not open/)
    })
  })

  it("with the verifier of another grant: that one's token passes for it, and opens no seal", async () => {
    const { first, second, since, world } = await changed(({ token }, other) => {
      token.salt = other.token.salt
      token.verifier = other.token.verifier
    })
    await using _ = world
    await world.run(async (gate) => {
      assert.strictEqual(await use(gate, first.token), ERR.BAD_PASSPHRASE)
      assert.deepStrictEqual(since(), [])
      assert.strictEqual(await use(gate, second.token), "OK")
    })
  })

  it("with a token moved to another grant: the token of that grant does not pass", async () => {
    const { first, second, since, world } = await changed((one, other) => {
      one.token = other.token
    })
    await using _ = world
    await world.run(async (gate) => {
      assert.strictEqual(await use(gate, first.token), ERR.BAD_PASSPHRASE)
      assert.deepStrictEqual(since(), [])
      assert.strictEqual(await use(gate, second.token), "OK")
    })
  })

  it("for a key that it was not for, and for decryption: neither opens", async () => {
    const { second, since, world } = await changed((_, other) => {
      other.keys.push(encryption)
      other.operations.push("decrypt")
      other.token.seals[encryption] = other.token.seals[primary]!
    })
    await using _ = world
    await world.run(async (gate) => {
      await using client = await gate.client("mail")
      await client.command(environmentOption(second.token))
      assert.strictEqual(await decrypt(client, encryption), ERR.BAD_PASSPHRASE)
      assert.deepStrictEqual(since().filter((data) => !data.startsWith("(")), [])
    })
  })
})
