// Attempts to use, take away, destroy or overwrite keys by ways that look like something else.
import { assert } from "@effect/vitest"
import { type Attack, describeAttacks, grips } from "../support/attack.ts"
import { assertTalk, DIGEST, ecdhCiphertext, ERR, outcome } from "../support/wire.ts"

const { plain, rsa } = grips

const allowAllBut = (...operations: ReadonlyArray<string>): string =>
  `default = "allow"\n[operations]\n${operations.map((operation) => `${operation} = "forbid"\n`).join("")}`

/** An RSA ciphertext that is a digest padded as PKCS#1 wants it: its decryption is a signature. */
const paddedDigest: Buffer = Buffer.concat([
  Buffer.from("(7:enc-val(3:rsa(1:a512:"),
  Buffer.from([0, 1]),
  Buffer.alloc(458, 0xff),
  Buffer.from([0]),
  Buffer.from("3031300d060960864801650304020105000420", "hex"),
  Buffer.from(DIGEST, "hex"),
  Buffer.from(")))")
])

const attacks: ReadonlyArray<Attack> = [
  {
    item: "DELETE_KEY --force needs no confirmation, even if the connection is not in loopback mode",
    policy: allowAllBut("delete"),
    attempt: async ({ client, direct, fake, home }) => {
      const attacker = await client()
      for (const options of ["--force ", "--stub-only ", "--force --stub-only ", "-- ", "", "  --force\t"]) {
        await assertTalk(attacker, [`DELETE_KEY ${options}${plain.primary}`, ERR.FORBIDDEN])
      }
      await assertTalk(attacker, ["IMPORT_KEY --force", ERR.FORBIDDEN], ["GETINFO pid", "OK"])
      if (home !== undefined) await assertTalk(await direct(), [`HAVEKEY ${plain.primary}`, "OK"])
      assert.notMatch(fake?.commands().join("\n") ?? "", /DELETE_KEY|IMPORT_KEY/)
    }
  },
  {
    item:
      "EXPORT_KEY of an unprotected key needs no inquiry, nor does --mode1003; the key that wraps it is on the same wire",
    policy: allowAllBut("export"),
    attempt: async ({ client, direct, fake, home }) => {
      if (home !== undefined) {
        const owner = await direct()
        await assertTalk(owner, ["KEYWRAP_KEY --export", "OK"], [`EXPORT_KEY ${plain.primary}`, "OK"])
      }
      const attacker = await client()
      await assertTalk(
        attacker,
        ["KEYWRAP_KEY --export", ERR.FORBIDDEN],
        ["KEYWRAP_KEY --clear --export", ERR.FORBIDDEN],
        ["KEYWRAP_KEY --export --import", ERR.PARAMETER],
        [`EXPORT_KEY ${plain.primary}`, ERR.FORBIDDEN],
        [`EXPORT_KEY --openpgp  ${plain.primary}`, ERR.FORBIDDEN],
        [`EXPORT_KEY --mode1003 ${plain.primary}`, ERR.FORBIDDEN],
        [`KEYTOCARD ${plain.primary} D276 OPENPGP.1`, ERR.FORBIDDEN],
        [`KEYTOTPM ${plain.primary}`, ERR.FORBIDDEN],
        ["GETINFO pid", "OK"]
      )
      assert.notMatch(fake?.commands().join("\n") ?? "", /KEYWRAP|EXPORT|KEYTO/)
    }
  },
  {
    item: "SCD SETDATA, SCD PKSIGN, SCD PKAUTH and SCD PKDECRYPT use card keys directly, past SIGKEY and PKSIGN",
    policy: allowAllBut("sign", "decrypt"),
    attempt: async ({ client, fake }) => {
      const attacker = await client()
      for (
        const inner of [
          "SETDATA 00FF",
          "PKSIGN OPENPGP.1",
          "pkauth\tOPENPGP.3",
          "PkDecrypt  OPENPGP.2",
          "PKSIGN --hash=sha256 X"
        ]
      ) {
        await assertTalk(attacker, [`SCD ${inner}`, ERR.FORBIDDEN], [`scd\t ${inner}`, ERR.FORBIDDEN])
      }
      for (
        const inner of ["PKSIGN OPENPGP.1 more", "NOSUCH", "", " PKSIGN --nosuch X", "INPUT FD=4", "OUTPUT FD=4", "BYE"]
      ) {
        assert.match(outcome(await attacker.command(`SCD ${inner}`)), /^ERR /, inner)
      }
      await assertTalk(attacker, ["GETINFO pid", "OK"])
      assert.notMatch(fake?.commands().join("\n") ?? "", /SCD/)
    }
  },
  {
    item: "RSA: decrypting is signing, the agent does not look at a key's purpose",
    policy: allowAllBut("sign"),
    attempt: async ({ client, direct, fake, home }) => {
      const use = [[`SETKEY ${rsa.primary}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"]] as const
      if (home !== undefined) {
        const owner = await direct()
        await assertTalk(owner, ...use)
        assert.strictEqual(outcome(await owner.answer(paddedDigest)), "OK", "the agent would have signed")
      }
      const attacker = await client()
      await assertTalk(attacker, ...use)
      assert.strictEqual(outcome(await attacker.answer(paddedDigest)), ERR.FORBIDDEN)
      await assertTalk(attacker, [`SETKEY ${plain.encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
      assert.strictEqual(
        outcome(await attacker.answer(ecdhCiphertext)),
        "OK",
        "what cannot be a signature is decrypted"
      )
      const answers = fake?.connections.flatMap((connection) => connection.answers) ?? []
      if (fake !== undefined) assert.deepStrictEqual(answers.map(({ data }) => data), [undefined, ecdhCiphertext])
    }
  },
  {
    item: "IMPORT_KEY tells what exists, and --force overwrites a private key",
    policy: allowAllBut("import"),
    attempt: async ({ client, fake }) => {
      await assertTalk(
        await client(),
        ["KEYWRAP_KEY --import", ERR.FORBIDDEN],
        ["IMPORT_KEY", ERR.FORBIDDEN],
        ["IMPORT_KEY --force --unattended", ERR.FORBIDDEN],
        ["IMPORT_KEY --timestamp=20261123T055141 ABCDEF", ERR.FORBIDDEN],
        ["GETINFO pid", "OK"]
      )
      assert.notMatch(fake?.commands().join("\n") ?? "", /IMPORT/)
    }
  },
  {
    item: "agents check their socket with GETINFO pid and commit suicide if the answer is not their own pid",
    policy: "forbid",
    attempt: async ({ client, direct, home }) => {
      const asked = await (await client()).command("GETINFO pid")
      assert.strictEqual(asked.data.toString(), (await (await direct()).command("GETINFO pid")).data.toString())
      if (home !== undefined) assert.strictEqual(Number(asked.data), await home.agentPid())
    }
  },
  {
    item:
      "what one client does to the agent of everybody: KILLAGENT, RELOADAGENT, pretend-request-origin, CLEAR_PASSPHRASE",
    policy: allowAllBut("admin", "cache"),
    attempt: async ({ client, fake }) => {
      await assertTalk(
        await client(),
        ["KILLAGENT", ERR.FORBIDDEN],
        ["killagent", ERR.FORBIDDEN],
        ["RELOADAGENT", ERR.FORBIDDEN],
        ["UPDATESTARTUPTTY", ERR.FORBIDDEN],
        ["OPTION pretend-request-origin=remote", ERR.FORBIDDEN],
        ["OPTION --pretend-request-origin = browser", ERR.FORBIDDEN],
        ["OPTION pretend-request-origin=nosuch", ERR.INV_VALUE],
        [`CLEAR_PASSPHRASE --mode=normal ${plain.primary}`, ERR.FORBIDDEN],
        ["GETINFO getenv HOME", ERR.FORBIDDEN],
        ["GETINFO restricted", "ERR 67109120"],
        ["GETINFO pid", "OK"]
      )
      assert.notMatch(fake?.commands().join("\n") ?? "", /KILL|RELOAD|UPDATE|pretend|CLEAR|getenv/)
    }
  }
]

describeAttacks("keys", attacks)
