import { assert, describe, it } from "@effect/vitest"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { chosenBy, isHeld, optionOf, parseLine, targetOf } from "../../../src/upstream/merged/line.ts"

const A = "A".repeat(40) as Keygrip
const B = "B".repeat(40) as Keygrip
const parse = (text: string) => parseLine(Buffer.from(`${text}\n`, "latin1"))
const target = (text: string, chosen?: Keygrip) => targetOf(parse(text), chosen)

describe("where a line goes", () => {
  it("is the agent that has the key which it names, or which was chosen for it", () => {
    for (
      const text of [
        `KEYINFO ${A}`,
        `KEYINFO --data ${A}`,
        `READKEY -- ${A}`,
        `PASSWD --verify ${A}`,
        `PASSWD --cache-nonce=X --passwd-nonce=Y ${A}`,
        `EXPORT_KEY --openpgp --cache-nonce=X ${A}`,
        `DELETE_KEY --force ${A}`,
        `KEYATTR ${A} Label: x`,
        `KEYTOCARD --force ${A} D27 OPENPGP.1 20200101T000000`,
        `CLEAR_PASSPHRASE --mode=normal ${A}`,
        `GET_PASSPHRASE --data --no-ask ${A} X X X`,
        `SIGKEY ${A}`,
        `SETKEY ${A}`
      ]
    ) assert.deepStrictEqual(target(text), { kind: "key", keygrip: A }, text)
    for (const text of ["PKSIGN", "PKSIGN -- NONCE", "PKDECRYPT --kem=PQC-PGP", "SETHASH --hash=sha3 00"]) {
      assert.deepStrictEqual(target(text, B), { kind: "key", keygrip: B }, text)
      assert.deepStrictEqual(target(text), { kind: "default" }, text)
    }
  })

  it("is all of them for what lists keys, and the first for all else", () => {
    assert.deepStrictEqual(target(`HAVEKEY ${A} ${B}`), { kind: "any" })
    for (
      const text of [
        "HAVEKEY --list",
        "HAVEKEY --list=1000",
        "KEYINFO --list",
        "KEYINFO --list --data",
        "KEYINFO --ssh-list"
      ]
    ) {
      assert.deepStrictEqual(target(text), { kind: "list" }, text)
    }
    for (
      const text of [
        "GENKEY --preset",
        "IMPORT_KEY --unattended",
        "GETINFO pid",
        "SCD SERIALNO",
        "LEARN",
        "KEYWRAP_KEY --export",
        "GET_PASSPHRASE S3D0102 X X X",
        "READKEY --card OPENPGP.1",
        "NOP"
      ]
    ) assert.deepStrictEqual(target(text, B), { kind: "default" }, text)
  })

  it("looks at nothing behind the first argument, which may be a secret", () => {
    const { argument, values } = parse(`PRESET_PASSPHRASE --inquire ${A} -1 736563726574`)
    assert.strictEqual(argument, A)
    assert.deepStrictEqual(values, [A])
    assert.deepStrictEqual(parse("OPTION pinentry-user-data=secret"), {
      word: "OPTION",
      options: new Set<string>(),
      argument: undefined,
      values: []
    })
  })

  it("finds what may be a nonce", () => {
    assert.deepStrictEqual(parse(`PKSIGN -- N1`).values, ["N1"])
    assert.deepStrictEqual(parse(`GENKEY --passwd-nonce=N1 --preset N2`).values, ["N1", "N2"])
  })

  it("tells the lines that wait for a command, the key that one chooses, and which option one sets", () => {
    for (const text of [`SIGKEY ${A}`, `SETKEY --another ${A}`, "SETKEYDESC x"]) assert.isTrue(isHeld(parse(text)))
    for (const text of ["SETHASH 8 00", "PKSIGN", "OPTION display=:0"]) assert.isFalse(isHeld(parse(text)))
    assert.strictEqual(chosenBy(parse(`SIGKEY ${A}`)), A)
    assert.isUndefined(chosenBy(parse(`SIGKEY --another ${A}`)))
    const option = (text: string) => optionOf(Buffer.from(`${text}\n`))
    assert.strictEqual(option("OPTION display=:0"), "display")
    assert.strictEqual(option("OPTION putenv=DISPLAY=:0"), "putenv DISPLAY")
    assert.strictEqual(option("OPTION putenv=DISPLAY"), "putenv DISPLAY")
    assert.strictEqual(option("OPTION allow-pinentry-notify"), "allow-pinentry-notify")
    assert.isUndefined(option("OPTIONS x"))
    assert.isUndefined(option("PKSIGN"))
  })
})
