// What a person sees in a pinentry, the agent's own and the gate's. Unless the policy allows it, no client decides where it appears or what
// it says of who asks: a real agent and a scripted pinentry, which writes down all that it is told.
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "@effect/vitest"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { PinentryEvent } from "@gripgate/testkit/pinentry"
import type { RawClient, RawReply } from "@gripgate/testkit/raw-client"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { startTestGate, type TestGate } from "../support/gate.ts"

const OK = "OK"
const CANCELLED = "ERR 67108963 Operation cancelled <GPG Agent>"
const PASSPHRASE = fixtureKeys.protected.passphrase
const { encryption, primary } = fixtureKeys.protected.keygrips
const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"

/** An app with a socket of its own, which may do what makes the agent prompt. */
const app = (name: string, prompt: "allow" | "forbid"): string =>
  [
    `[apps.${name}]`,
    `socket = "${name}"`,
    `keys = ["*"]`,
    ...["sign", "decrypt", "passphrase", "generate", "trust", "passwd"].map((operation) => `${operation} = "allow"`),
    `prompt = "${prompt}"`,
    ""
  ].join("\n")

const policy = `default = "forbid"\n${app("mail", "forbid")}${app("git", "forbid")}${app("free", "allow")}`

/** The most that a SETKEYDESC can pretend. */
const LIE = [
  "gripgate:+the+app+%22git%22+wants+to+decrypt%0A",
  "Who:+%22user+root,+/usr/bin/git%22%0AKey:+FEDCBA9876543210%0A",
  "%c%C%F%%0A%E2%80%AE%1B[2J+your+PIN+please"
].join("")

let home: Homedir
let gate: TestGate
/** Events of the pinentry before the test. */
let seen = 0

beforeAll(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  // nothing is kept, so that every use prompts
  home = await makeHomedir({ agentConf: ["default-cache-ttl 0", "max-cache-ttl 0", "allow-mark-trusted"] })
  await importKey(home, "protected")
  await home.launchAgent()
  gate = await startTestGate({
    agent: await home.agentSocket(),
    policy,
    approve: ["approvers = [\"pinentry\"]", `pinentry = "${home.pinentry.program}"`, "pause = \"1ms\""],
    apps: ["mail", "git", "free"],
    env: { DISPLAY: ":7", XAUTHORITY: "/owner/xauthority", PINENTRY_USER_DATA: "owner", WAYLAND_DISPLAY: "owner-0" }
  })
})

afterAll(async () => {
  await gate.close()
  await home.close()
})

beforeEach(async () => {
  await home.pinentry.script({ answers: [], default: { pin: PASSPHRASE } })
  seen = (await home.pinentry.log()).length
})

const events = async (): Promise<ReadonlyArray<PinentryEvent>> => (await home.pinentry.log()).slice(seen)

const linesOf = async (): Promise<ReadonlyArray<string>> =>
  (await events()).flatMap((event) => event.event === "line" ? [event.line] : [])

/** What stood in a dialog, of a line that the pinentry was sent. */
const decoded = (line: string): string => {
  const text = line.slice(line.indexOf(" ") + 1)
  const bytes = text.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))
  )
  return Buffer.from(bytes, "latin1").toString("utf8")
}

/** The texts of all dialogs since the test began. */
const texts = async (): Promise<ReadonlyArray<string>> =>
  (await linesOf()).filter((line) => line.startsWith("SETDESC ")).map(decoded)

const questions = async (): Promise<ReadonlyArray<string>> =>
  (await events()).flatMap((event) => event.event === "question" ? [event.question] : [])

const withClient = async <A>(name: string, use: (client: RawClient) => Promise<A>): Promise<A> => {
  const client = await gate.client(name)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

const sign = async (client: RawClient, keydesc?: string): Promise<RawReply> => {
  const setters = [
    "RESET",
    `SIGKEY ${primary}`,
    ...(keydesc === undefined ? [] : [`SETKEYDESC ${keydesc}`]),
    `SETHASH 8 ${"AB".repeat(32)}`
  ]
  for (const line of setters) assert.strictEqual((await client.command(line)).last, OK, line)
  return client.command("PKSIGN")
}

const namesOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^gripgate: the app "([^"]*)"/gm)].map(([, name]) => name!)

describe("where a prompt appears", () => {
  const wishes = [
    "OPTION display=:66",
    "OPTION ttyname=/dev/evil",
    "OPTION ttytype=evil",
    "OPTION xauthority=/evil/xauthority",
    "OPTION putenv=WAYLAND_DISPLAY=evil-0",
    "OPTION putenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/evil",
    "OPTION putenv=PINENTRY_USER_DATA=evil",
    "OPTION pinentry-user-data=evil",
    "OPTION lc-ctype=evil",
    "OPTION lc-messages=evil"
  ]

  const promptOf = (name: string): Promise<string> =>
    withClient(name, async (client) => {
      for (const wish of wishes) assert.strictEqual((await client.command(wish)).last, OK, wish)
      assert.strictEqual((await sign(client)).last, OK)
      return JSON.stringify(await events())
    })

  it("is for the owner to say: no option of a client gets to the pinentry", async () => {
    const told = await promptOf("mail")
    assert.notInclude(told, "evil")
    assert.notInclude(told, ":66")
    for (const own of [":7", "/owner/xauthority", "owner-0"]) assert.include(told, own)
  })

  it("is for the client to say where the policy allows it", async () => {
    const told = await promptOf("free")
    for (const wish of [":66", "/dev/evil", "/evil/xauthority", "evil-0"]) assert.include(told, wish)
    assert.notInclude(told, "/owner/xauthority")
  })
})

describe("what the prompt for a key says", () => {
  for (const [title, keydesc] of [["that lies", LIE], ["that says nothing", undefined]] as const) {
    it(`names the app of a client ${title}`, async () => {
      await withClient("mail", async (client) => assert.strictEqual((await sign(client, keydesc)).last, OK))
      const [text, ...more] = await texts()
      assert.deepStrictEqual(more, [])
      const [first, who] = text!.split("\n")
      assert.match(first!, /^gripgate: the app "mail" wants to sign/)
      assert.match(who!, /^Who: "/)
      assert.match(text!, /^Key: [0-9A-Fk]/m)
      for (const lie of ["to decrypt", "user root, /usr/bin/git", "FEDCBA9876543210"]) assert.notInclude(text!, lie)
      assert.notMatch(text!, /[\x00-\x09\x0b-\x1f\x7f\u202e]/)
      assert.include(await linesOf(), "SETPROMPT Passphrase:", "and it does not ask for a PIN")
    })
  }

  it("says that it is a decryption", async () => {
    await withClient("mail", async (client) => {
      await client.command(`SETKEY ${encryption}`)
      await client.command(`SETKEYDESC ${LIE}`)
      // any ciphertext will do: it is looked at only after the key is unlocked
      await client.command("PKDECRYPT")
      await client.answer(Buffer.from("(7:enc-val(4:ecdh(1:e33:@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)(1:s1:a)))"))
    })
    const [text] = await texts()
    assert.match(text!, /^gripgate: the app "mail" wants to decrypt/)
  })

  it("never names one app for another, however their sessions overlap", async () => {
    const rounds = 4
    const run = (name: string, lie: string) =>
      withClient(name, async (client) => {
        for (let round = 0; round < rounds; round++) {
          assert.strictEqual((await sign(client, round % 2 === 0 ? lie : undefined)).last, OK)
        }
      })
    await Promise.all([run("mail", LIE), run("git", LIE.replace("git", "mail")), run("mail", LIE)])
    const names = (await texts()).map(namesOf)
    for (const each of names) assert.strictEqual(each.length, 1, "one name in each dialog")
    const count = (name: string) => names.filter(([each]) => each === name).length
    assert.deepStrictEqual([count("mail"), count("git")], [2 * rounds, rounds])
  })

  it("is the client's own text where the policy allows it", async () => {
    await withClient("free", async (client) => assert.strictEqual((await sign(client, "Sign+this%0Aplease")).last, OK))
    assert.deepStrictEqual(await texts(), ["Sign this\nplease"])
  })
})

describe("what a client asks the owner itself", () => {
  it("is framed in GET_PASSPHRASE, and its prompt is the agent's", async () => {
    const reply = await withClient(
      "mail",
      (client) => client.command(`GET_PASSPHRASE --data -- X Wrong!%0Agripgate: Password+of+git: ${LIE}`)
    )
    assert.strictEqual(reply.last, OK)
    assert.strictEqual(reply.data.toString(), PASSPHRASE)
    const [text, ...more] = await texts()
    assert.deepStrictEqual(more, [])
    assert.match(text!, /^gripgate: the app "mail" wants to ask you for a passphrase\nWho: "[^]*\nIt says:\n\| /)
    assert.deepStrictEqual(namesOf(text!), ["mail"])
    for (const line of text!.split("It says:\n")[1]!.split("\n")) assert.match(line, /^\| /)
    const lines = await linesOf()
    assert.include(lines, "SETPROMPT Passphrase:")
    assert.deepStrictEqual(lines.filter((line) => line.startsWith("SETERROR ")).map(decoded), [
      "\"mail\" says: Wrong! gripgate:"
    ])
  })

  it("is framed in GET_CONFIRMATION", async () => {
    await home.pinentry.script({ answers: [], default: { confirm: true } })
    await withClient("mail", async (client) => {
      assert.strictEqual((await client.command(`GET_CONFIRMATION ${LIE}`)).last, OK)
      assert.strictEqual((await client.command("GET_CONFIRMATION X")).last, OK)
    })
    const [text, bare, ...more] = await texts()
    assert.deepStrictEqual(more, [])
    assert.match(
      text!,
      /^gripgate: the app "mail" wants to ask you a question\nWho: "[^]*\nIt says:\n\| gripgate: the app "git"/
    )
    assert.deepStrictEqual(namesOf(text!), ["mail"])
    assert.deepStrictEqual(namesOf(bare!), ["mail"])
    assert.notInclude(bare!, "It says")
  })

  it("passes unchanged where the policy allows it", async () => {
    await home.pinentry.script({ answers: [], default: { confirm: true } })
    await withClient("free", async (client) => client.command("GET_CONFIRMATION Sure%3F"))
    assert.deepStrictEqual(await texts(), ["Sure?"])
  })
})

describe("a prompt that takes no text", () => {
  const keys = async (): Promise<ReadonlyArray<string>> =>
    (await readdir(join(home.path, "private-keys-v1.d"))).toSorted()
  const PARAMETERS = Buffer.from("(genkey(ecc(curve Ed25519)(flags eddsa)))")
  const NEW = { pin: "a-new-passphrase-7" }

  for (const line of ["GENKEY", "GENKEY 0123456789ABCDEF01234567", "GENKEY --passwd-nonce=0123456789ABCDEF01234567"]) {
    it(`is announced by name before ${line}, and a no makes no key`, async () => {
      await home.pinentry.script({ answers: ["cancel"], default: NEW })
      const before = await keys()
      const reply = await withClient("mail", (client) => client.command(line))
      assert.strictEqual(reply.last, CANCELLED)
      assert.deepStrictEqual(await keys(), before)
      assert.deepStrictEqual(await questions(), ["CONFIRM"])
      const [text] = await texts()
      assert.match(text!, /^gripgate: the app "mail" wants to make a key\nWho: "/)
    })
  }

  it("comes after a yes", async () => {
    await home.pinentry.script({ answers: [{ confirm: true }], default: NEW })
    const before = await keys()
    await withClient("mail", async (client) => {
      assert.match((await client.command("GENKEY")).last, /^INQUIRE KEYPARAM/)
      assert.strictEqual((await client.answer(PARAMETERS)).last, OK)
    })
    assert.strictEqual((await keys()).length, before.length + 1)
    assert.strictEqual((await questions())[0], "CONFIRM")
    assert.deepStrictEqual(namesOf((await texts())[0]!), ["mail"])
  })

  it("is announced again before a GENKEY with the client's own nonce, which a RESET makes the agent forget", async () => {
    await home.pinentry.script({ answers: [{ confirm: true }, NEW, "cancel"], default: NEW })
    const last = await withClient("mail", async (client) => {
      await client.command("GENKEY")
      const { status } = await client.answer(PARAMETERS)
      const nonce = /^CACHE_NONCE (\S+)$/m.exec(status.join("\n"))?.[1]
      assert.isDefined(nonce)
      assert.strictEqual((await client.command("RESET")).last, OK)
      return (await client.command(`GENKEY ${nonce}`)).last
    })
    assert.strictEqual(last, CANCELLED)
    assert.deepStrictEqual((await questions()).at(-1), "CONFIRM")
    assert.deepStrictEqual(namesOf((await texts()).at(-1)!), ["mail"])
  })

  it("tells only the gate of the pinentry that announces, also if the client wants to know of pinentries", async () => {
    await home.pinentry.script({ answers: [{ confirm: true }], default: NEW })
    await withClient("mail", async (client) => {
      assert.strictEqual((await client.command("OPTION allow-pinentry-notify")).last, OK)
      assert.match((await client.command("GENKEY")).last, /^INQUIRE KEYPARAM/)
      // the next one is the client's own
      assert.match((await client.answer(PARAMETERS)).last, /^INQUIRE PINENTRY_LAUNCHED/)
      assert.strictEqual((await client.answer(Buffer.alloc(0))).last, OK)
    })
  })

  it("is not announced where there will be none", async () => {
    await withClient("mail", async (client) => {
      assert.match((await client.command("GENKEY --no-protection")).last, /^INQUIRE KEYPARAM/)
      assert.strictEqual((await client.answer(PARAMETERS)).last, OK)
    })
    assert.deepStrictEqual(await questions(), [])
  })

  it("is announced before MARKTRUSTED, and a no trusts nobody", async () => {
    await home.pinentry.script({ answers: ["cancel"], default: { confirm: true } })
    await withClient("mail", async (client) => {
      assert.strictEqual((await client.command(`MARKTRUSTED ${FINGERPRINT} S CN=Your own bank`)).last, CANCELLED)
      assert.match((await client.command(`ISTRUSTED ${FINGERPRINT}`)).last, /^ERR /)
    })
    assert.deepStrictEqual(await questions(), ["CONFIRM"])
    assert.match((await texts())[0]!, /^gripgate: the app "mail" wants to have a root certificate trusted\n/)
  })

  it("is not announced where the policy allows the app prompts of its own", async () => {
    await home.pinentry.script({ answers: [], default: NEW })
    await withClient("free", async (client) => {
      assert.match((await client.command("GENKEY")).last, /^INQUIRE KEYPARAM/)
      assert.strictEqual((await client.answer(PARAMETERS)).last, OK)
    })
    assert.notInclude(await questions(), "CONFIRM")
  })
})
