// Attempts to get at passphrases, at what others have unlocked, and at the owner's screen.
import { assert } from "@effect/vitest"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { createHash } from "node:crypto"
import { NONCE } from "../support/agent.ts"
import { type Attack, describeAttacks, grips, type Target } from "../support/attack.ts"
import { assertTalk, DIGEST, ecdhCiphertext, ERR, outcome, outcomes } from "../support/wire.ts"

const { plain, protected: locked } = grips

/** The passphrase of the protected key, and another one; as the agent writes them in an OK line too. */
const PASSPHRASE = "abc"
const OTHER = "correct horse"
const hex = (text: string): string => Buffer.from(text).toString("hex").toUpperCase()

/** An app that may do as it likes, and one for which something is forbidden. */
const twoApps = (forbidden: string): string =>
  `default = "allow"
  [apps.friend]
  socket = "friend"
  keys = ["*"]
  [apps.stranger]
  socket = "stranger"
  keys = ["*"]
  ${forbidden} = "forbid"
`
const apps = ["friend", "stranger"]

const sign = async (client: RawClient, command = "PKSIGN"): Promise<string> => {
  await assertTalk(client, ["RESET", "OK"], [`SIGKEY ${locked.primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  return outcome(await client.command(command))
}

const decrypt = async (client: RawClient): Promise<string> => {
  await assertTalk(client, [`SETKEY ${locked.encryption}`, "OK"])
  const asked = outcome(await client.command("PKDECRYPT"))
  return asked === "INQUIRE CIPHERTEXT" ? outcome(await client.answer(ecdhCiphertext)) : asked
}

/** Empties the real agent's cache, which all attempts share. */
const emptyCache = async ({ direct, home }: Target): Promise<void> => {
  if (home !== undefined) await assertTalk(await direct(), ["RELOADAGENT", "OK"])
}

const countOf = (target: Target, command: string): number | undefined =>
  target.fake?.commands().filter((line) => line.split(" ", 1)[0] === command).length

const attacks: ReadonlyArray<Attack> = [
  {
    item: "after any client unlocked a key no inquiry is made for others: an app needs its own verdict on every use",
    policy: twoApps("sign"),
    apps,
    attempt: async (target) => {
      await emptyCache(target)
      const friend = await target.client("friend")
      await assertTalk(friend, ["OPTION pinentry-mode=loopback", "OK"])
      assert.strictEqual(await sign(friend), "INQUIRE PASSPHRASE")
      assert.strictEqual(outcome(await friend.answer(Buffer.from(PASSPHRASE))), "OK")
      if (target.home !== undefined) {
        assert.strictEqual(await sign(await target.direct()), "OK", "anyone could sign now")
      }
      assert.strictEqual(await sign(await target.client("stranger")), ERR.FORBIDDEN)
      if (target.fake !== undefined) assert.strictEqual(countOf(target, "PKSIGN"), 1)
    }
  },
  {
    item: "a loopback decryption unlocks for everyone, and other keys with the same passphrase too",
    policy: twoApps("decrypt").replace("decrypt =", "sign = \"forbid\"\n  decrypt ="),
    apps,
    attempt: async (target) => {
      await emptyCache(target)
      const friend = await target.client("friend")
      await assertTalk(friend, ["OPTION pinentry-mode=loopback", "OK"])
      assert.strictEqual(await decrypt(friend), "INQUIRE PASSPHRASE")
      assert.strictEqual(outcome(await friend.answer(Buffer.from(PASSPHRASE))), "OK")
      if (target.home !== undefined) {
        const anyone = await target.direct()
        assert.strictEqual(await decrypt(anyone), "OK", "anyone could decrypt now")
        assert.strictEqual(await sign(anyone), "OK", "and sign, with another key")
      }
      const stranger = await target.client("stranger")
      assert.strictEqual(await decrypt(stranger), ERR.FORBIDDEN)
      assert.strictEqual(await sign(stranger), ERR.FORBIDDEN)
      if (target.fake !== undefined) assert.strictEqual(countOf(target, "PKDECRYPT"), 1)
    }
  },
  {
    item:
      "GET_PASSPHRASE --no-ask with a keygrip returns the clear passphrase that was preset, and without --no-ask too",
    policy: "default = \"allow\"\n[operations]\ncache = \"forbid\"\n",
    attempt: async (target) => {
      const owner = await target.direct()
      await assertTalk(owner, [`PRESET_PASSPHRASE ${locked.primary} -1 ${hex(OTHER)}`, "OK"])
      if (target.home !== undefined) {
        const stolen = (await owner.command(`GET_PASSPHRASE --no-ask ${locked.primary} X X D`)).last
        assert.strictEqual(stolen, `OK ${hex(OTHER)}`)
      }
      const thief = await target.client()
      for (const grip of [locked.primary, locked.primary.toLowerCase()]) {
        for (const options of ["--no-ask ", "", "--data ", "--data --no-ask ", "--repeat=1 "]) {
          await assertTalk(thief, [`GET_PASSPHRASE ${options}${grip} X X D`, ERR.FORBIDDEN])
        }
      }
      await assertTalk(thief, ["GET_PASSPHRASE --no-ask S0011223344556677 X X D", ERR.FORBIDDEN])
      assert.notInclude(thief.received().toString("latin1"), hex(OTHER))
      assert.notInclude(thief.received().toString("latin1"), OTHER)
      await emptyCache(target)
      if (target.fake !== undefined) assert.strictEqual(countOf(target, "GET_PASSPHRASE"), 0)
    }
  },
  {
    item: "GET_PASSPHRASE returns other clients' symmetric passphrases by cache id",
    policy: twoApps("passphrase"),
    apps,
    attempt: async (target) => {
      await emptyCache(target)
      const id = "S0011223344556677"
      const friend = await target.client("friend")
      await assertTalk(friend, [`GET_PASSPHRASE --data ${id} X X Please`, "OK"])
      if (target.home !== undefined) {
        const stolen = (await (await target.direct()).command(`GET_PASSPHRASE ${id} X X D`)).last
        assert.strictEqual(stolen, `OK ${hex(PASSPHRASE)}`)
      }
      const stranger = await target.client("stranger")
      for (const options of ["", "--data ", "--repeat=1 --data ", "-- "]) {
        await assertTalk(stranger, [`GET_PASSPHRASE ${options}${id} X X D`, ERR.FORBIDDEN])
      }
      assert.notMatch(stranger.received().toString("latin1"), /616263|abc/)
      if (target.fake !== undefined) assert.strictEqual(countOf(target, "GET_PASSPHRASE"), 1)
    }
  },
  {
    item: "the gate's own cache ids can be told from an app's name: nobody else names one, however much he may",
    policy: twoApps("export"),
    apps,
    attempt: async (target) => {
      await emptyCache(target)
      const asked = "S1234567812345678"
      const digest = createHash("sha256").update(`app friend\0${asked}`).digest("hex").toUpperCase().slice(0, 32)
      const id = `gripgate-${digest}`
      const friend = await target.client("friend")
      await assertTalk(friend, ["OPTION pinentry-mode=loopback", "OK"])
      const first = outcome(await friend.command(`GET_PASSPHRASE --data ${asked} X X X`))
      if (target.home !== undefined) {
        assert.strictEqual(first, "INQUIRE PASSPHRASE")
        assert.strictEqual(outcome(await friend.answer(Buffer.from(OTHER))), "OK")
        const stolen = await (await target.direct()).command(`GET_PASSPHRASE --no-ask --data ${id} X X X`)
        assert.strictEqual(stolen.data.toString(), OTHER, "it is the id under which the agent has it")
      }
      for (const app of [undefined, "stranger"]) {
        const thief = await target.client(app)
        for (const whose of [id, id.toLowerCase(), `gripgate-${"0".repeat(32)}`, "gripgate-"]) {
          for (const options of ["--no-ask ", "--no-ask --data ", "--data --no-ask --repeat=0 "]) {
            const { data, last } = await thief.command(`GET_PASSPHRASE ${options}${whose} X X X`)
            if (target.home !== undefined) assert.strictEqual(`${last.slice(0, 3)}${data.length}`, "ERR0", whose)
          }
          await assertTalk(thief, [`PRESET_PASSPHRASE ${whose} -1 ${hex("poison")}`, "OK"])
          await assertTalk(thief, [`CLEAR_PASSPHRASE ${whose}`, "OK"])
        }
        assert.notInclude(thief.received().toString("latin1"), OTHER)
        assert.notInclude(thief.received().toString("latin1"), hex(OTHER))
      }
      if (target.home !== undefined) {
        const { data } = await friend.command(`GET_PASSPHRASE --no-ask --data ${asked} X X X`)
        assert.strictEqual(data.toString(), OTHER, "nobody has cleared it, nor put another one in its place")
      }
      if (target.fake === undefined) return
      const withIt = target.fake.commands().filter((line) => line.toLowerCase().includes(id.toLowerCase()))
      assert.deepStrictEqual(withIt.map((line) => line.split(" ", 1)[0]), ["GET_PASSPHRASE"], "the friend's own")
      assert.isAbove(countOf(target, "CLEAR_PASSPHRASE")!, 0)
    }
  },
  {
    item: "CACHE_NONCE values are bearer tokens valid on any connection: a nonce of somebody else is not sent",
    attempt: async (target) => {
      await emptyCache(target)
      const { client, direct, fake, home } = target
      const keysBefore = home === undefined ? "" : (await (await direct()).command("KEYINFO --list")).status.join("\n")
      const maker = await client()
      await assertTalk(maker, ["OPTION pinentry-mode=loopback", "OK"], ["GENKEY", "INQUIRE KEYPARAM"])
      const param = Buffer.from("(genkey(ecc(curve Ed25519)(flags eddsa)))")
      assert.strictEqual(outcome(await maker.answer(param)), "INQUIRE NEW_PASSPHRASE")
      const made = await maker.answer(Buffer.from(OTHER))
      const nonce = made.status.find((line) => line.startsWith("CACHE_NONCE "))!.slice(12)
      const listed = home === undefined ? [] : (await (await direct()).command("KEYINFO --list")).status
      const grip = listed.find((line) => !keysBefore.includes(line))?.split(" ")[1] ?? plain.primary

      const use = async (user: RawClient, how: string) => {
        await assertTalk(user, ["OPTION pinentry-mode=loopback", "OK"], [`SIGKEY ${grip}`, "OK"], [
          `SETHASH 8 ${DIGEST}`,
          "OK"
        ])
        return outcome(await user.command(how))
      }
      const thief = await client()
      assert.strictEqual(await use(thief, `PKSIGN -- ${nonce}`), "INQUIRE PASSPHRASE")
      thief.send("CAN\n")
      assert.deepStrictEqual(await outcomes(thief, 1), [ERR.ASS_CANCELED])
      await assertTalk(thief, ["KEYWRAP_KEY --export", "OK"])
      for (
        const line of [`EXPORT_KEY --openpgp --cache-nonce=${nonce} ${grip}`, `PASSWD --passwd-nonce=${nonce} ${grip}`]
      ) {
        await assertTalk(thief, [line, "INQUIRE PASSPHRASE"], ["CAN", ERR.ASS_CANCELED])
      }
      if (home !== undefined) {
        assert.strictEqual(await use(await direct(), `PKSIGN -- ${nonce}`), "OK", "it would have done")
      }
      if (fake === undefined) return
      assert.strictEqual(await use(maker, `PKSIGN -- ${nonce}`), "INQUIRE PASSPHRASE")
      assert.deepStrictEqual(
        fake.commands().filter((line) => line.includes(NONCE)),
        [`PKSIGN ${NONCE}`],
        "the maker's own"
      )
    }
  },
  {
    item: "GENKEY --inq-passwd and PRESET_PASSPHRASE --inquire take a passphrase from the client without loopback mode",
    policy: "default = \"allow\"\n[operations]\nloopback = \"forbid\"\n",
    attempt: async (target) => {
      await assertTalk(
        await target.client(),
        ["GENKEY --inq-passwd", ERR.FORBIDDEN],
        ["genkey --no-protection --inq-passwd", ERR.FORBIDDEN],
        [`PRESET_PASSPHRASE --inquire ${locked.primary} -1`, ERR.FORBIDDEN],
        ["GETINFO pid", "OK"]
      )
      if (target.fake !== undefined) {
        assert.strictEqual(countOf(target, "GENKEY")! + countOf(target, "PRESET_PASSPHRASE")!, 0)
      }
    }
  },
  {
    item:
      "denying pinentry-mode=loopback does not stop gpg in all paths: the refusal holds until another mode is accepted",
    policy: "default = \"allow\"\n[operations]\nloopback = \"forbid\"\n",
    attempt: async (target) => {
      await emptyCache(target)
      const stubborn = await target.client()
      await assertTalk(stubborn, ["OPTION pinentry-mode=loopback", ERR.FORBIDDEN])
      assert.strictEqual(await sign(stubborn), ERR.FORBIDDEN)
      assert.strictEqual(await decrypt(stubborn), ERR.FORBIDDEN)
      await assertTalk(
        stubborn,
        [`EXPORT_KEY ${plain.primary}`, ERR.FORBIDDEN],
        ["GENKEY", ERR.FORBIDDEN],
        ["RESET", "OK"],
        ["OPTION pinentry-mode=nosuch", ERR.INV_VALUE]
      )
      assert.strictEqual(await sign(stubborn), ERR.FORBIDDEN, "RESET and an unknown mode do not forget it")
      if (target.fake !== undefined) assert.strictEqual(countOf(target, "PKSIGN"), 0)
      await assertTalk(stubborn, ["OPTION pinentry-mode=cancel", "OK"])
      // the real agent cancels at once in this mode
      assert.strictEqual(await sign(stubborn), target.home === undefined ? "OK" : ERR.CANCELED)
    }
  },
  {
    item:
      "environment OPTIONs steer where the pinentry shows up: answered OK, not forwarded, the owner's own in their place",
    policy: "default = \"allow\"\n[operations]\nprompt = \"forbid\"\n",
    env: { DISPLAY: ":7", LANG: "C.UTF-8" },
    attempt: async (target) => {
      await emptyCache(target)
      const client = await target.client()
      const environment = [
        "display=:9",
        "ttyname=/dev/pts/99",
        "ttytype=evil",
        "xauthority=/tmp/evil",
        "lc-ctype=evil",
        "lc-messages=evil",
        "putenv=DBUS_SESSION_BUS_ADDRESS=evil",
        "putenv=GTK_IM_MODULE=evil",
        "pinentry-user-data=evil"
      ]
      for (const option of environment) {
        await assertTalk(client, [`OPTION ${option}`, "OK"], [`option  --${option}`, "OK"])
      }
      assert.strictEqual(await sign(client), "OK")
      if (target.fake !== undefined) {
        const sent = target.fake.commands().filter((line) => line.startsWith("OPTION"))
        assert.deepStrictEqual(sent, ["OPTION display=:7", "OPTION lc-ctype=C.UTF-8", "OPTION lc-messages=C.UTF-8"])
      }
      if (target.home === undefined) return
      const started = (await target.home.pinentry.log()).filter(({ event }) => event === "start").at(-1)
      assert.notMatch(JSON.stringify(started), /evil|":9"|pts\/99/)
      assert.match(JSON.stringify(started), /"DISPLAY":":7"/)
    }
  },
  {
    item: "a passphrase is in D lines, in OK lines and in commands: none of it is logged, whatever becomes of the line",
    policy: "default = \"allow\"\n[operations]\nstore = \"forbid\"\n",
    attempt: async (target) => {
      await emptyCache(target)
      const secret = "Tr0ub4dor"
      const client = await target.client()
      await assertTalk(
        client,
        [`PRESET_PASSPHRASE X1 -1 ${hex(secret)}`, "OK"],
        [`PRESET_PASSPHRASE X1 -1 ${hex(secret)} more`, ERR.PARAMETER],
        [`PRESET_PASSPHRASE X1 -1 ${hex(secret)}Z`, ERR.PARAMETER],
        [`PUT_SECRET name 0 ${secret}`, ERR.FORBIDDEN],
        [`OPTION pinentry-user-data=gripgate:${secret}`, "OK"],
        [`${secret} 1 2`, ERR.UNKNOWN_CMD],
        [`OPTION ${secret}=1`, ERR.UNKNOWN_OPTION],
        [`GETINFO ${secret}`, ERR.PARAMETER],
        ["OPTION pinentry-mode=loopback", "OK"]
      )
      if (target.home !== undefined) {
        assert.include((await client.command("GET_PASSPHRASE --no-ask X1 X X D")).last, hex(secret))
      }
      assert.strictEqual(await sign(client), "INQUIRE PASSPHRASE")
      client.send(`D ${secret}\n${secret}\n`)
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.UNEXPECTED_CMD])
      const log = target.gate.log()
      assert.isAbove(log.length, 5)
      const told = log.filter((line) => line.toLowerCase().includes(secret.toLowerCase()) || line.includes(hex(secret)))
      assert.deepStrictEqual(told, [])
    }
  }
]

describeAttacks("passphrases", attacks)
