// The table held against a list of gpg-agent's commands, inquiries and statuses by name (GnuPG 2.2.40, 2.4.8 and 2.5.12:
// agent/command.c register_commands; libassuan assuan-handler.c).
import { assert, describe, it } from "@effect/vitest"
import type { InquirySpec } from "../../src/grammar/command.ts"
import { operations } from "../../src/operation.ts"
import { scdCommands } from "../../src/table/card.ts"
import { commands, commandSpec, scdSpec } from "../../src/table/index.ts"
import { command } from "../plain.ts"

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

/** The 34 commands that gpg-agent 2.2.40 registers. */
const agent22 = words(
  `GETEVENTCOUNTER ISTRUSTED HAVEKEY KEYINFO SIGKEY SETKEY SETKEYDESC SETHASH PKSIGN PKDECRYPT GENKEY
  READKEY GET_PASSPHRASE PRESET_PASSPHRASE CLEAR_PASSPHRASE GET_CONFIRMATION LISTTRUSTED MARKTRUSTED LEARN PASSWD INPUT
  OUTPUT SCD KEYWRAP_KEY IMPORT_KEY EXPORT_KEY DELETE_KEY GETVAL PUTVAL UPDATESTARTUPTTY KILLAGENT RELOADAGENT GETINFO
  KEYTOCARD`
)

/** And those that came later. */
const later: Record<string, string> = { GET_SECRET: "2.3.0", PUT_SECRET: "2.3.0", KEYTOTPM: "2.3.0", KEYATTR: "2.3.7" }

/** What libassuan adds to every server. */
const standard = words("NOP CANCEL OPTION BYE AUTH RESET END HELP D")

/** The gate's own, which no agent has. */
const own = ["GRIPGATE"]

const spec = (name: string) => {
  const found = commandSpec(name)
  assert.isDefined(found, name)
  return found!
}

const sorted = (list: Iterable<string>): ReadonlyArray<string> => [...list].toSorted()

/** The operations of a line. */
const amountsTo = (line: string): string => {
  const parsed = command(line)
  const found = parsed.spec.operations(parsed)
  for (const one of found) assert.include(parsed.spec.mayBe, one, line)
  return found.join(" ")
}

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"

describe("the table", () => {
  it("has every command of GnuPG 2.2, 2.4 and 2.5, each once, and no other but the gate's own", () => {
    assert.strictEqual(agent22.length, 34)
    assert.deepStrictEqual(
      sorted(commands.map(({ name }) => name)),
      sorted([...agent22, ...Object.keys(later), ...standard, ...own])
    )
  })

  it("knows which came after 2.2", () => {
    const since = commands.filter((one) => one.since !== undefined).map(({ name, since }) => [name, since])
    assert.deepStrictEqual<unknown>(Object.fromEntries(since), later)
  })

  it("never sends INPUT and OUTPUT, nor what belongs into an inquiry", () => {
    assert.deepStrictEqual(
      sorted(commands.filter(({ fate }) => fate === "never").map(({ name }) => name)),
      sorted(words("INPUT OUTPUT CANCEL AUTH END D"))
    )
    for (const name of ["INPUT", "OUTPUT", "OPTION", "BYE", "CAN", "END"]) assert.isUndefined(scdSpec(name), name)
  })

  it("answers by itself what needs no agent, and holds what only sets state", () => {
    assert.deepStrictEqual(
      sorted(commands.filter(({ fate }) => fate === "gate").map(({ name }) => name)),
      words("BYE GRIPGATE HELP NOP RESET")
    )
    assert.deepStrictEqual(
      sorted(commands.filter(({ fate }) => fate === "hold").map(({ name }) => name)),
      words("OPTION SETHASH SETKEY SETKEYDESC SIGKEY")
    )
  })

  it("names each option of a command once, and arguments that may be missing last", () => {
    for (const { args, name, options } of [...commands, ...scdCommands]) {
      assert.strictEqual(new Set(options.map((option) => option.name)).size, options.length, name)
      for (const option of options) assert.match(option.name, /^--[a-z0-9]+(?:-[a-z0-9]+)*$/)
      const firstOptional = args.findIndex(({ optional }) => optional !== undefined)
      if (firstOptional >= 0) assert.isTrue(args.slice(firstOptional).every(({ optional }) => optional === true), name)
      for (const { field, repeated } of args.slice(0, -1)) {
        assert.deepStrictEqual([field.rest, repeated], [undefined, undefined], name)
      }
    }
  })

  it("writes an option before all in whose name its own name stands: the agent looks for the first place", () => {
    for (const { name, options } of [...commands, ...scdCommands]) {
      options.forEach((option, index) => {
        for (const later of options.slice(index + 1)) {
          assert.isFalse(option.name.startsWith(later.name), `${name} ${later.name}`)
        }
      })
    }
  })

  it("has a note for people, and operations in the policy's words", () => {
    for (const { mayBe, name, note } of [...commands, ...scdCommands]) {
      assert.match(note, /^[^A-Z.][^.]*$/, name)
      for (const operation of mayBe) assert.include(operations, operation, name)
    }
  })

  it("is looked up in any case of ASCII, and by nothing that every object has", () => {
    assert.strictEqual(commandSpec("pkSign"), spec("PKSIGN"))
    assert.strictEqual(scdSpec("pkSign"), scdCommands.find(({ name }) => name === "PKSIGN"))
    for (const name of ["", "constructor", "__proto__", "PKSIGN ", "pa\xdfwd", "\u017fetkey"]) {
      assert.isUndefined(commandSpec(name), name)
      assert.isUndefined(scdSpec(name), name)
    }
  })
})

describe("inquiries", () => {
  /** `[ciphertext|keyparam|nothing] [secret] [loopback] limit [since]` as one word list. */
  const told = ({ grammar, limit, loopback, secret, since }: InquirySpec): string =>
    [
      grammar === "opaque" ? "" : grammar,
      secret === true ? "secret" : "",
      loopback === true ? "loopback" : "",
      limit,
      since ?? ""
    ]
      .filter((one) => one !== "").join(" ")

  const of = (name: string): Record<string, string> =>
    Object.fromEntries(spec(name).inquiries.map((inquiry) => [inquiry.keyword, told(inquiry)]))

  const launched = { PINENTRY_LAUNCHED: "nothing 0" }
  const unlocking = { ...launched, PASSPHRASE: "secret loopback 255", CONFIRM: "nothing loopback 0 2.3.0" }
  const protecting = { ...unlocking, NEW_PASSPHRASE: "secret loopback 255" }

  it("are those that the agent makes, with their limits, and which of them are secret", () => {
    assert.deepStrictEqual(of("PKSIGN"), unlocking)
    assert.deepStrictEqual(of("PKDECRYPT"), { ...unlocking, CIPHERTEXT: "ciphertext 4096", OPTION: "8192 2.5.0" })
    assert.deepStrictEqual(of("GENKEY"), { ...protecting, KEYPARAM: "keyparam 1024", NEWPASSWD: "secret 256" })
    assert.deepStrictEqual(of("PASSWD"), protecting)
    assert.deepStrictEqual(of("EXPORT_KEY"), protecting)
    assert.deepStrictEqual(of("IMPORT_KEY"), { ...protecting, KEYDATA: "secret 8192" })
    assert.deepStrictEqual(of("KEYTOCARD"), unlocking)
    assert.deepStrictEqual(of("KEYTOTPM"), unlocking)
    assert.deepStrictEqual(of("DELETE_KEY"), unlocking)
    assert.deepStrictEqual(of("GET_PASSPHRASE"), { ...launched, PASSPHRASE: "secret loopback 255" })
    assert.deepStrictEqual(of("GET_CONFIRMATION"), { ...launched, CONFIRM: unlocking.CONFIRM })
    assert.deepStrictEqual(of("CLEAR_PASSPHRASE"), launched)
    assert.deepStrictEqual(of("MARKTRUSTED"), launched)
    assert.deepStrictEqual(of("PRESET_PASSPHRASE"), { PASSPHRASE: "secret 480" })
    assert.deepStrictEqual(of("PUT_SECRET"), { SECRET: "secret 4096" })
    assert.deepStrictEqual(of("SETHASH"), { TBSDATA: "2048 2.3.0" })
    assert.deepStrictEqual(of("LEARN"), { ...unlocking, KNOWNCARDP: "8192", CERTDATA: "16384" })
    assert.deepStrictEqual(of("SCD"), launched)
  })

  it("belong to no other command", () => {
    const asking = words(
      `PKSIGN PKDECRYPT GENKEY PASSWD EXPORT_KEY IMPORT_KEY KEYTOCARD KEYTOTPM DELETE_KEY GET_PASSPHRASE
      GET_CONFIRMATION CLEAR_PASSPHRASE MARKTRUSTED PRESET_PASSPHRASE PUT_SECRET SETHASH LEARN SCD`
    )
    assert.deepStrictEqual(
      sorted(commands.filter(({ inquiries }) => inquiries.length > 0).map(({ name }) => name)),
      sorted(asking)
    )
  })

  it("for a passphrase or a key are secret wherever they stand, and each keyword stands once", () => {
    const secret = new Set(words("PASSPHRASE NEW_PASSPHRASE NEWPASSWD KEYDATA SECRET VALUE"))
    for (const { inquiries, name } of [...commands, ...scdCommands]) {
      assert.strictEqual(new Set(inquiries.map(({ keyword }) => keyword)).size, inquiries.length, name)
      for (const inquiry of inquiries) {
        assert.strictEqual(inquiry.secret === true, secret.has(inquiry.keyword), `${name} ${inquiry.keyword}`)
      }
    }
  })
})

describe("what a command amounts to", () => {
  it("follows its options", () => {
    assert.strictEqual(amountsTo(`READKEY ${grip}`), "list")
    assert.strictEqual(amountsTo("READKEY --card OPENPGP.1"), "list card")
    assert.strictEqual(amountsTo(`PASSWD ${grip}`), "passwd")
    assert.strictEqual(amountsTo(`PASSWD --verify ${grip}`), "generate")
    assert.strictEqual(amountsTo("KEYWRAP_KEY --import"), "import")
    assert.strictEqual(amountsTo("KEYWRAP_KEY --export"), "export")
    assert.strictEqual(amountsTo("IMPORT_KEY --unattended"), "import")
    assert.strictEqual(amountsTo("IMPORT_KEY --force"), "import delete")
  })

  it("follows the cache id of a passphrase", () => {
    assert.strictEqual(amountsTo("GET_PASSPHRASE S3D2533D879F31003 X X D"), "passphrase")
    assert.strictEqual(amountsTo(`GET_PASSPHRASE ${grip.toLowerCase()} X X D`), "passphrase cache")
    assert.strictEqual(amountsTo("GET_PASSPHRASE --no-ask S3D2533D879F31003 X X D"), "cache")
    assert.strictEqual(amountsTo(`GET_PASSPHRASE --no-ask ${grip} X X D`), "cache")
    assert.strictEqual(amountsTo(`PRESET_PASSPHRASE ${grip} -1 61`), "cache")
    assert.strictEqual(amountsTo(`CLEAR_PASSPHRASE ${grip}`), "cache")
  })

  it("is what it says for all others", () => {
    const all: Record<string, string> = {
      list: `HAVEKEY ${grip}|HAVEKEY --list|KEYINFO ${grip}|ISTRUSTED ${grip}|GETINFO version|GETINFO pid`,
      sign: "PKSIGN",
      decrypt: "PKDECRYPT",
      passphrase: "GET_CONFIRMATION X",
      generate: "GENKEY|GENKEY --inq-passwd",
      export: `EXPORT_KEY ${grip}|EXPORT_KEY --mode1003 ${grip}`,
      delete: `DELETE_KEY ${grip}|DELETE_KEY --stub-only ${grip}`,
      trust: `LISTTRUSTED|MARKTRUSTED ${grip} S X`,
      card: "LEARN|SCD SERIALNO|SCD LEARN --force|SCD GETATTR KEY-FPR",
      "card export": `KEYTOCARD ${grip} 1 OPENPGP.1|KEYTOTPM ${grip}`,
      "card sign": "SCD PKSIGN OPENPGP.1|SCD SETDATA 00",
      "card authenticate": "SCD PKAUTH OPENPGP.3",
      "card decrypt": "SCD PKDECRYPT OPENPGP.2",
      "card admin": "SCD APDU|SCD LOCK|SCD RESET|SCD KILLSCD|SCD RANDOM 8|SCD DISCONNECT|SCD SWITCHCARD",
      "card passwd": "SCD PASSWD 1|SCD CHECKPIN 1",
      "card store": "SCD SETATTR DISP-NAME x",
      "card import": "SCD WRITEKEY OPENPGP.1|SCD WRITECERT OPENPGP.3",
      "card generate": "SCD GENKEY 1",
      store: `GETVAL x|PUTVAL x y|GET_SECRET x|PUT_SECRET x 1 y|KEYATTR ${grip} Label:`,
      admin: "KILLAGENT|RELOADAGENT|UPDATESTARTUPTTY|GETEVENTCOUNTER|GETINFO socket_name|GETINFO getenv HOME",
      "": `RESET|NOP|BYE|HELP|SIGKEY ${grip}|SETKEY ${grip}|SETKEYDESC x|SETHASH 8 ${"00".repeat(32)}`
    }
    for (const [operation, lines] of Object.entries(all)) {
      for (const line of lines.split("|")) assert.strictEqual(amountsTo(line), operation, line)
    }
  })
})

describe("what a command does to keys and secrets", () => {
  const named = (test: (spec: typeof commands[number]) => boolean): ReadonlyArray<string> =>
    sorted(commands.filter(test).map(({ name }) => name))

  it("is a change for those that write to disk, to a card or for other clients", () => {
    const changing = "KEYATTR GENKEY PASSWD IMPORT_KEY EXPORT_KEY DELETE_KEY KEYTOCARD KEYTOTPM MARKTRUSTED"
    assert.deepStrictEqual(
      named(({ changes }) => changes === true),
      sorted([...words(changing), "PUTVAL", "PUT_SECRET"])
    )
    assert.deepStrictEqual(
      sorted(scdCommands.filter(({ changes }) => changes === true).map(({ name }) => name)),
      sorted(words("SETATTR WRITECERT WRITEKEY GENKEY PASSWD CHECKPIN APDU"))
    )
  })

  it("is a secret in the answer of those that hand out passphrases and keys", () => {
    assert.deepStrictEqual(named(({ secretOk }) => secretOk === true), words("GET_PASSPHRASE GET_SECRET"))
    assert.deepStrictEqual(
      named(({ secretData }) => secretData === true),
      words("EXPORT_KEY GET_PASSPHRASE GET_SECRET KEYWRAP_KEY")
    )
  })

  it("is asking about keys for HAVEKEY and KEYINFO, and a use for all others that name one", () => {
    assert.deepStrictEqual(named(({ keys }) => keys === "ask"), words("HAVEKEY KEYINFO"))
    assert.deepStrictEqual(named(({ keys }) => keys === "session"), words("PKDECRYPT PKSIGN"))
    const using = `SIGKEY SETKEY READKEY PASSWD EXPORT_KEY DELETE_KEY KEYTOCARD KEYTOTPM KEYATTR GET_PASSPHRASE
      PRESET_PASSPHRASE CLEAR_PASSPHRASE`
    assert.deepStrictEqual(named(({ keys }) => keys === "use"), sorted(words(using)))
  })
})
