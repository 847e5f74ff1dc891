// IMPORT_KEY by an app that sees only some keys: it tells nothing of hidden ones, changes none of them, and what an app proves to
// have becomes its own. The same is done before an agent that has the keys and before one that has not.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { createCipheriv, createDiffieHellman, createHash, generateKeyPairSync, getDiffieHellman } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const { plain, protected: locked, rsa } = fixtureKeys
const entry = (app: string): string => `[apps.${app}]\nsocket = "${app}"\nkeys = ["grip:${rsa.keygrips.primary}"]\n`
const policy = `default = "allow"\n${entry("one")}${entry("two")}[anyone]\nkeys = ["grip:${rsa.keygrips.primary}"]\n`

/** gpg-agent's `File exists` (libgpg-error err-codes.h: 0x8000 | 35, from gpg-agent). */
const EXISTS = "ERR 67141667"

const atom = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${bytes.length}:`), bytes])

/** A key in the form of gpg's own imports (GnuPG g10/import.c transfer_secret_keys), filled up to 8 bytes. */
const keyData = (algo: string, values: ReadonlyArray<Uint8Array>, curve?: string): Buffer => {
  const text = (word: string): Buffer => atom(Buffer.from(word))
  const form = Buffer.concat([
    Buffer.from("(19:openpgp-private-key(7:version1:4)(4:algo"),
    text(algo),
    Buffer.from(")"),
    ...(curve === undefined ? [] : [Buffer.from("(5:curve"), text(curve), Buffer.from(")")]),
    Buffer.from("(4:skey"),
    ...values.flatMap((value) => [Buffer.from("1:_"), atom(value)]),
    Buffer.from(")(4:csum1:0)(10:protection4:none))")
  ])
  return Buffer.concat([form, Buffer.alloc(8 - form.length % 8)])
}

const transfer = (point: Uint8Array, secret: Uint8Array): Buffer => keyData("EDDSA", [point, secret], "Ed25519")

const freshKey = (): { readonly point: Buffer; readonly secret: Buffer } => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return {
    point: Buffer.concat([Buffer.from("@"), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]),
    secret: privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32)
  }
}

/** Wraps key data as gpg does (RFC 3394). */
const wrapped = (key: Buffer, data: Buffer): Buffer =>
  createCipheriv("id-aes128-wrap", key, Buffer.alloc(8, 0xa6)).update(data)

/** All that is said in one import, but for the wrapping key, which is random. */
const importing = async (
  socket: string,
  command: string,
  data: (key: Buffer) => Buffer
): Promise<ReadonlyArray<string>> => {
  await using client = await connectRaw(socket)
  await client.readReply()
  const key = await client.command("KEYWRAP_KEY --import")
  const asked = await client.command(command)
  const answered = asked.last.startsWith("INQUIRE") ? [await client.answer(data(key.data))] : []
  return [asked, ...answered].flatMap(({ lines }) => lines.map((line) => line.toString("latin1")))
}

const filesOf = async (home: Homedir): Promise<ReadonlyArray<string>> => {
  const folder = join(home.path, "private-keys-v1.d")
  const names = (await readdir(folder)).toSorted()
  return await Promise.all(
    names.map(async (name) =>
      `${name} ${createHash("sha256").update(await readFile(join(folder, name))).digest("hex")}`
    )
  )
}

interface Place extends AsyncDisposable {
  readonly home: Homedir
  readonly gate: TestGate
}

const makePlace = async (...names: ReadonlyArray<keyof typeof fixtureKeys>): Promise<Place> => {
  const home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
  for (const name of names) await importKey(home, name)
  await home.launchAgent()
  const gate = await startTestGate({
    agent: await home.agentSocket(),
    homedir: home.path,
    env: home.env,
    policy,
    apps: ["one", "two"]
  })
  return {
    home,
    gate,
    [Symbol.asyncDispose]: async () => {
      await gate.close()
      await home.close()
    }
  }
}

describe("IMPORT_KEY by an app that sees only some keys", () => {
  let has: Place
  let lacks: Place
  let before: ReadonlyArray<string>
  /** A key of the first agent that gpg knows nothing of. */
  const bare = freshKey()
  const good = (key: Buffer): Buffer => wrapped(key, transfer(bare.point, bare.secret))

  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent"] as const) needs(program)
    has = await makePlace("rsa", "plain", "protected")
    lacks = await makePlace("rsa")
    const agent = await has.home.agentSocket()
    assert.deepStrictEqual(await importing(agent, "IMPORT_KEY --unattended", good), ["INQUIRE KEYDATA", "OK"])
    before = await filesOf(has.home)
  })
  afterAll(async () => {
    await has[Symbol.asyncDispose]()
    await lacks[Symbol.asyncDispose]()
  })

  /** What gpg says and does as an app in front of each of the two agents. */
  const asApp = async (
    place: Place,
    app: string,
    ...calls: ReadonlyArray<readonly [ReadonlyArray<string>, string?]>
  ) => {
    await using client = await makeClientHome({ owner: lacks.home, socket: place.gate.socketOf(app) })
    const said: Array<string> = []
    for (const [args, input = ""] of calls) {
      const { code, stderr, stdout } = await client.run(["gpg", "--status-fd", "1", ...args], { input })
      said.push(`${code}\n${stdout.toString()}\n${stderr}`.replaceAll(client.path, "HOME"))
    }
    return said
  }

  const same = async (...calls: ReadonlyArray<readonly [ReadonlyArray<string>, string?]>) => {
    const said = await asApp(has, "one", ...calls)
    assert.deepStrictEqual(said, await asApp(lacks, "one", ...calls))
    return said
  }

  it("is answered with `File exists` by the agent itself", async () => {
    const said = await importing(await has.home.agentSocket(), "IMPORT_KEY --unattended", good)
    assert.match(said[1] ?? "", new RegExp(`^${EXISTS} `))
  })

  it("of a key with a passphrase is forbidden, whether the agent has it or not", async () => {
    const [said] = await same([["--batch", "--import"], locked.armored])
    assert.match(said ?? "", /error sending to agent: Forbidden/)
  })

  it("without --batch is forbidden before the agent hears of it, and the log says what to do", async () => {
    for (const { armored } of [plain, locked]) {
      const [said] = await same([["--no-tty", "--yes", "--import"], armored])
      assert.match(said ?? "", /error sending to agent: Forbidden/)
    }
    assert.match(has.gate.log().join("\n"), /refused IMPORT_KEY of app one .*gpg --batch --import/)
  })

  it("in any form with anything but a proof is forbidden, and the session lives on", async () => {
    const other = freshKey()
    const data: Readonly<Record<string, (key: Buffer) => Buffer>> = {
      nothing: () => Buffer.alloc(0),
      garbage: () => Buffer.alloc(64, 7),
      "wrapped garbage": (key) => wrapped(key, Buffer.alloc(64, 7)),
      "under another key": () => good(Buffer.alloc(16)),
      "the public part of a hidden key with another secret": (key) => wrapped(key, transfer(bare.point, other.secret)),
      "the agent's own form": (key) =>
        wrapped(key, Buffer.from("(11:private-key(3:rsa(1:n2:\0\x8f)(1:e1:\x03)))0".padEnd(48, "\0"), "latin1"))
    }
    for (const [name, make] of Object.entries(data)) {
      for (const place of [has, lacks]) {
        const said = await importing(place.gate.socketOf("one"), "IMPORT_KEY --unattended", make)
        assert.deepStrictEqual(said, ["INQUIRE KEYDATA", `${ERR.FORBIDDEN} Forbidden <GPG Agent>`], name)
      }
    }
    for (const command of ["IMPORT_KEY", "IMPORT_KEY --force", "IMPORT_KEY --unattended --force", "IMPORT_KEY ABCD"]) {
      for (const place of [has, lacks]) {
        const said = await importing(place.gate.socketOf("one"), command, good)
        assert.deepStrictEqual(said, [`${ERR.FORBIDDEN} Forbidden <GPG Agent>`], command)
      }
    }
    await using client = await has.gate.client("one")
    await assertTalk(client, ["KEYWRAP_KEY --import", "OK"], ["IMPORT_KEY --unattended", "INQUIRE KEYDATA"])
    assert.strictEqual(outcome(await client.answer(Buffer.alloc(32))), ERR.FORBIDDEN)
    await assertTalk(client, [`HAVEKEY ${rsa.keygrips.primary}`, "OK"])
  })

  it("is forbidden to whoever is no app", async () => {
    for (const place of [has, lacks]) {
      const said = await importing(place.gate.socket, "IMPORT_KEY --unattended", good)
      assert.deepStrictEqual(said, [`${ERR.FORBIDDEN} Forbidden <GPG Agent>`])
    }
  })

  it("did not change any of it, nor show a key", async () => {
    assert.deepStrictEqual(await filesOf(has.home), before)
    const grips = [plain.keygrips.primary, plain.keygrips.encryption, locked.keygrips.primary]
    await using client = await has.gate.client("one")
    for (const keygrip of grips) await assertTalk(client, [`HAVEKEY ${keygrip}`, ERR.NO_SECKEY])
    assert.strictEqual((await filesOf(lacks.home)).length, 2)
  })

  it("of a key that the app has is OK in the same words, and the key is its own from then on", async () => {
    for (const place of [has, lacks]) {
      assert.deepStrictEqual(
        await importing(place.gate.socketOf("one"), "IMPORT_KEY --unattended --timestamp=20261123T055141", good),
        ["INQUIRE KEYDATA", "OK"]
      )
    }
    const said = await same(
      [["--batch", "--import"], plain.armored],
      [["--batch", "-K", "--with-colons"]]
    )
    assert.match(said[0] ?? "", /secret keys imported: 1/)
    assert.match(said[1] ?? "", new RegExp(`^grp:+${plain.keygrips.primary}:`, "m"))
    // later it may: the agent writes a key that came with --unattended anew when it is first used
    assert.deepStrictEqual(await filesOf(has.home), before)
    for (const place of [has, lacks]) {
      const [imported, signed] = await asApp(
        place,
        "one",
        [["--batch", "--import"], plain.armored],
        [["--batch", "--trust-model", "always", "-u", plain.fingerprint, "--clearsign"], "text\n"]
      )
      assert.match(imported ?? "", /^0\n/)
      assert.match(signed ?? "", /^0\n[^]*SIG_CREATED/)
    }
  })

  it("makes it the own key of that app and of nobody else", async () => {
    for (const place of [has, lacks]) {
      for (const keygrip of [plain.keygrips.primary, plain.keygrips.encryption]) {
        await using one = await place.gate.client("one")
        await assertTalk(one, [`HAVEKEY ${keygrip}`, "OK"])
        for (const app of ["two", undefined]) {
          await using other = await place.gate.client(app)
          await assertTalk(other, [`HAVEKEY ${keygrip}`, ERR.NO_SECKEY])
        }
      }
    }
  })
})

/** A number as libgcrypt writes it. */
const standard = (number: bigint): Buffer => {
  const hex = number.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + hex.length % 2, "0"), "hex")
  return bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
}
const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`)

/** The value of a part in the public key that an agent names, as anybody reads it in a certificate. */
const publicValue = async (socket: string, grip: string, name: "n" | "q"): Promise<Buffer> => {
  await using client = await connectRaw(socket)
  await client.readReply()
  const { data } = await client.command(`READKEY ${grip}`)
  const found = new RegExp(`\\(1:${name}(\\d+):`).exec(data.toString("latin1"))
  if (found === null) throw new Error(`expected a value ${name}, got ${data.toString("latin1")}`)
  const start = found.index + found[0].length
  return data.subarray(start, start + Number(found[1]))
}

const ONE = Buffer.from([1])
/** Keys whose public value is this one, as its power by 1: the group is chosen for that. */
const forgedKeys = (value: Buffer): ReadonlyArray<Buffer> =>
  [1n, 2n, 3n].flatMap((step) => {
    const p = standard(numberOf(value) + 2n * step)
    return [
      keyData("ELG", [p, value, value, ONE]),
      keyData("elg", [p, standard(step + 1n), value, ONE]),
      keyData("DSA", [p, standard(2n ** 160n + step), value, value, ONE]),
      keyData("DSA", [p, value, value, value, ONE])
    ]
  })

describe("IMPORT_KEY of keys whose public value proves nothing", () => {
  const hidden = [
    [rsa.keygrips.encryption, "n"],
    [plain.keygrips.primary, "q"],
    [plain.keygrips.encryption, "q"]
  ] as const
  let place: Place
  let agent: string
  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent"] as const) needs(program)
    place = await makePlace("rsa", "plain")
    agent = await place.home.agentSocket()
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const importAs = (socket: string, data: Buffer) =>
    importing(socket, "IMPORT_KEY --unattended", (key) => wrapped(key, data))
  const FORBIDDEN = ["INQUIRE KEYDATA", `${ERR.FORBIDDEN} Forbidden <GPG Agent>`]

  /** What an app gets with a key. */
  const useOf = async (grip: string): Promise<ReadonlyArray<string>> => {
    await using client = await place.gate.client("one")
    const said: Array<string> = []
    for (
      const line of [
        `HAVEKEY ${grip}`,
        `READKEY ${grip}`,
        `KEYINFO ${grip}`,
        `SIGKEY ${grip}`,
        `SETHASH 8 ${DIGEST}`,
        "PKSIGN",
        "KEYWRAP_KEY --export",
        `EXPORT_KEY ${grip}`,
        `EXPORT_KEY --openpgp ${grip}`
      ]
    ) {
      const reply = await client.command(line)
      said.push(`${line.split(" ", 1)[0]}: ${outcome(reply)}`)
      if (!line.startsWith("KEYWRAP_KEY")) assert.strictEqual(reply.data.length, 0, line)
    }
    return said
  }

  it("a DSA or Elgamal key with the public value of a hidden key: it is refused, and the hidden key stays hidden", async () => {
    const one = place.gate.socketOf("one")
    const own = freshKey()
    assert.deepStrictEqual(await importAs(one, transfer(own.point, own.secret)), ["INQUIRE KEYDATA", "OK"])
    const nobodys = await useOf("0123456789".repeat(4))
    assert.include(nobodys, `HAVEKEY: ${ERR.NO_SECKEY}`)
    for (const [grip, name] of hidden) {
      const value = await publicValue(agent, grip, name)
      let taken = 0
      for (const data of forgedKeys(value)) {
        assert.deepStrictEqual(await importAs(one, data), FORBIDDEN)
        // nor where the agent has it already, which takes most of them as they are
        if ((await importAs(agent, data)).at(-1) === "OK") taken++
        assert.deepStrictEqual(await importAs(one, data), FORBIDDEN)
      }
      assert.isAbove(taken, 0, "the agent itself takes such keys")
      assert.deepStrictEqual(await useOf(grip), nobodys)
    }
    const made = await readFile(join(dirname(place.gate.socket), "state", "made-keys.jsonl"), "utf8")
    assert.lengthOf(made.trim().split("\n"), 1, "its own key and no other")
    for (const [grip] of hidden) assert.notInclude(made, grip)
    assert.match(place.gate.log().join("\n"), /IMPORT_KEY of app one .*does not prove that the client has the key/)
  })

  it("a DSA or Elgamal key of the app's own: it is refused too, whatever the key", async () => {
    const group = getDiffieHellman("modp14")
    group.generateKeys()
    const prime = group.getPrime()
    const elgamal = [prime, group.getGenerator(), group.getPublicKey(), group.getPrivateKey()]
    const squares = createDiffieHellman(prime, Buffer.from([4]))
    squares.generateKeys()
    const order = standard((numberOf(prime) - 1n) / 2n)
    const dsa = [prime, order, squares.getGenerator(), squares.getPublicKey(), squares.getPrivateKey()]
    for (const [algo, values] of [["ELG", elgamal], ["DSA", dsa]] as const) {
      const data = keyData(algo, values.map((value) => standard(numberOf(value))))
      assert.deepStrictEqual(await importAs(place.gate.socketOf("one"), data), FORBIDDEN, algo)
      assert.deepStrictEqual(await importAs(place.gate.socketOf("two"), data), FORBIDDEN, algo)
      assert.deepStrictEqual(await importAs(place.gate.socket, data), FORBIDDEN.slice(1), algo)
      assert.deepStrictEqual(await importAs(agent, data), ["INQUIRE KEYDATA", "OK"], algo)
    }
  })
})
