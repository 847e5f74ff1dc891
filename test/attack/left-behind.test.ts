// What a use with a seal leaves behind in a real agent: nothing that anybody else could use a key with. The app's token opened a key;
// whoever has no passphrase tries that key, and another that has the same passphrase, in every way that leads to the agent.
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it } from "@effect/vitest"
import { operations } from "@gripgate/protocol/operation"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { appPolicy, ask, decrypt, environmentOption, loopback, needsToken, sign } from "../support/tokens.ts"
import { assertTalk, ERR } from "../support/wire.ts"

const PASSPHRASE = Buffer.from("abc")
const ours = { ...fixtureKeys.protected.keygrips }

const policy = [
  "default = \"forbid\"",
  appPolicy("mail", needsToken),
  appPolicy("other", needsToken),
  appPolicy("friend", Object.fromEntries(operations.map((operation) => [operation, "allow"])))
].join("\n")

let home: Homedir
let gate: TestGate
let theirs: { readonly primary: string; readonly encryption: string }
let token: Buffer

beforeAll(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  home = await makeHomedir({ agentConf: ["allow-preset-passphrase", "disable-scdaemon"] })
  await importKey(home, "protected")
  const made = await makeKey(home, {
    userId: "Second <second@example.org>",
    passphrase: PASSPHRASE,
    algo: "ed25519",
    subkey: "cv25519"
  })
  theirs = { primary: made.keygrips.primary, encryption: made.keygrips.encryption! }
  await home.launchAgent()
})
afterAll(() => home.close())

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}
const socketNamed = async (name: string): Promise<string> =>
  (await home.run(["gpgconf", "--list-dirs", name])).stdout.toString().trim()
const direct = async (): Promise<RawClient> => greeted(await home.agentSocket())

// the agent forgets what it has unlocked, and another gate knows of no wrong answers
beforeEach(async () => {
  await using owner = await direct()
  await assertTalk(owner, ["RELOADAGENT", "OK"])
  gate = await startTestGate({
    agent: await home.agentSocket(),
    homedir: home.path,
    policy,
    apps: ["mail", "other", "friend"]
  })
  const keys = Object.values(ours)
  token = (await gate.grant({ app: "mail", keys, operations: ["sign", "decrypt"] }, PASSPHRASE)).token
})
afterEach(() => gate.close())

/** What the app does with its token. */
const uses = {
  "a signature": (client: RawClient) => sign(client, ours.primary, token),
  "a decryption": (client: RawClient) => decrypt(client, ours.encryption, token),
  "both, and again": async (client: RawClient) => {
    const done = new Set<string>()
    for (let round = 0; round < 2; round++) {
      done.add(await sign(client, ours.primary, token))
      done.add(await decrypt(client, ours.encryption, token))
    }
    return [...done].join()
  }
} as const

/** How somebody without a passphrase gets to the agent. */
const ways: Readonly<Record<string, () => Promise<RawClient>>> = {
  "directly, in loopback mode": async () => {
    const client = await direct()
    await loopback(client)
    return client
  },
  "directly, with a pinentry that nobody answers": direct,
  "directly, as a remote client in loopback mode": async () => {
    const client = await direct()
    await loopback(client)
    await assertTalk(client, ["OPTION pretend-request-origin=remote", "OK"])
    return client
  },
  "through the agent's extra socket": async () => greeted(await socketNamed("agent-extra-socket")),
  "through the gate, as an app that may do everything": async () => {
    const client = await gate.client("friend")
    await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"])
    return client
  },
  ...Object.fromEntries(["browser", "remote"].map((origin) => [
    `through the gate, as that app in loopback mode and as a ${origin}`,
    async () => {
      const client = await gate.client("friend")
      await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"])
      await assertTalk(client, [`OPTION pretend-request-origin=${origin}`, "OK"])
      return client
    }
  ]))
}

/** The keys that a client without a passphrase can use, and the passphrases that it is told. */
const loot = async (client: RawClient): Promise<ReadonlyArray<string>> => {
  const got: Array<string> = []
  const note = (what: string, said: string) => void (said === "OK" && got.push(what))
  for (const [whose, { encryption, primary }] of [["the key", ours], ["another key", theirs]] as const) {
    for (const grip of [primary, encryption]) {
      note(`the passphrase of ${whose}`, await ask(client, `GET_PASSPHRASE --no-ask ${grip} X X X`))
    }
    note(`a signature with ${whose}`, await sign(client, primary))
    note(`a decryption with ${whose}`, await decrypt(client, encryption))
  }
  return got
}

const everything = ["the key", "another key"].flatMap((whose) => [
  `a signature with ${whose}`,
  `a decryption with ${whose}`
])

describe("a use with a seal leaves nothing behind", () => {
  for (const [name, use] of Object.entries(uses)) {
    for (const presented of ["in band", "in the environment"]) {
      describe(`${name}, the token ${presented}`, () => {
        for (const [way, open] of Object.entries(ways)) {
          it(`nothing is to be had ${way}`, async () => {
            // the app is still there when the others try
            await using mail = await gate.client("mail")
            if (presented === "in band") await loopback(mail)
            else await ask(mail, environmentOption(token))
            assert.strictEqual(await use(mail), "OK")
            await using thief = await open()
            assert.deepStrictEqual(await loot(thief), [])
            assert.notMatch(thief.received().toString("latin1"), /616263/, "no passphrase")
          })
        }
      })
    }
  }

  it("the same tries get at both keys after a decryption with the passphrase, directly", async () => {
    await using owner = await direct()
    await loopback(owner)
    assert.strictEqual(await decrypt(owner, ours.encryption, PASSPHRASE), "OK")
    await using thief = await ways["directly, in loopback mode"]!()
    assert.includeMembers([...await loot(thief)], everything)
    await using friend = await ways["through the gate, as an app that may do everything"]!()
    assert.includeMembers([...await loot(friend)], everything)
  })

  const browsers: Readonly<Record<string, () => Promise<RawClient>>> = {
    "at its browser socket": async () => greeted(await socketNamed("agent-browser-socket")),
    "at its standard socket": async () => {
      const client = await direct()
      await assertTalk(client, ["OPTION pretend-request-origin=browser", "OK"])
      return client
    }
  }
  it.each(Object.keys(browsers))(
    "the one exception: a browser %s, past the gate, shares the cache of a decryption",
    async (where) => {
      const open = browsers[where]!
      await using mail = await gate.client("mail")
      await loopback(mail)
      assert.strictEqual(await sign(mail, ours.primary, token), "OK")
      await using before = await open()
      assert.deepStrictEqual(await loot(before), [], "a signature leaves nothing there either")
      assert.strictEqual(await decrypt(mail, ours.encryption), "OK")
      await using after = await open()
      assert.includeMembers([...await loot(after)], everything)
    }
  )
})

describe("an app that needs a token, and a key that somebody else has unlocked", () => {
  const unlock = async (): Promise<void> => {
    await using owner = await direct()
    await loopback(owner)
    assert.strictEqual(await decrypt(owner, ours.encryption, PASSPHRASE), "OK")
    await using anyone = await direct()
    assert.strictEqual(await sign(anyone, ours.primary), "OK", "it is unlocked for everybody")
  }

  it("without loopback it is refused, and with it is asked for a token, for which a passphrase is none", async () => {
    await unlock()
    await using other = await gate.client("other")
    assert.strictEqual(await sign(other, ours.primary), ERR.FORBIDDEN)
    assert.strictEqual(await decrypt(other, ours.encryption), ERR.FORBIDDEN)
    await loopback(other)
    for (const answer of [PASSPHRASE, token, Buffer.alloc(0)]) {
      await using another = await gate.client("other")
      await loopback(another)
      assert.strictEqual(await sign(another, ours.primary, answer), ERR.BAD_PASSPHRASE)
    }
    assert.strictEqual(await decrypt(other, ours.encryption, "CAN"), ERR.FORBIDDEN)
  })

  it("with its token it is served", async () => {
    await unlock()
    await using mail = await gate.client("mail")
    await loopback(mail)
    assert.strictEqual(await decrypt(mail, ours.encryption, token), "OK")
    assert.strictEqual(await sign(mail, ours.primary), "OK")
  })
})
