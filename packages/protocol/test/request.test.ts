// Single lines: how commands may be spelt, what is refused, what is the end, and what is written. What agents make of
// these lines was seen with GnuPG 2.2.40, 2.4.7 and 2.5.12. Single commands are in request.commands.test.ts.
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "../src/gpg-error.ts"
import { writeOption } from "../src/request.ts"
import { command, latin1, plain, request } from "./plain.ts"
import { assertRefused, assertSent, refusal, sent } from "./spelling.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"
const other = "C1C2A1C275854C0BBAA96D528EF6D0216EA564F0"
const digest = "0123456789ABCDEF".repeat(4)

describe("a command's word", () => {
  it("is taken in any case", () => {
    assertSent({
      NOP: "NOP",
      nop: "NOP",
      nOp: "NOP",
      "getinfo version": "GETINFO version",
      "keyinfo --list": "KEYINFO --list"
    })
    assertSent({ "scd serialno": "SCD SERIALNO", "Scd GetInfo version": "SCD GETINFO version" })
  })

  it("is the whole word, of ASCII", () => {
    const unknown = ["NOPE", "NO", "QUIT", "CAN", "OK", "AGENT_ID", "%4EOP", "G\xc9TINFO x", "PKSIGN,", "x".repeat(41)]
    assertRefused(gpgError.ASS_UNKNOWN_CMD, ...unknown, "d abc", "constructor", "__proto__ x", "\xa0NOP")
    assertRefused(gpgError.ASS_PARAMETER, "SCD pa\xdfwd 1", "SCD __proto__")
  })

  it("ends at a blank or a TAB, of which there may be many", () => {
    assertSent({ "GETINFO\tversion": "GETINFO version", "GETINFO  \t version": "GETINFO version" })
    assertSent({ "SCD\t \tSERIALNO\t\topenpgp": "SCD SERIALNO openpgp" })
  })

  it("may not have white space before it", () => {
    for (const line of [" NOP", "\tNOP", " ", "\t"]) {
      assert.deepStrictEqual(refusal(line), [gpgError.ASS_SYNTAX, "leading white-space"])
    }
  })
})

describe("lines that are no commands", () => {
  it("are ignored where they are empty or comments", () => {
    for (const line of ["", "#", "# GETINFO version", "#\0", "#\r"]) {
      assert.deepStrictEqual(request(line), { kind: "ignore" }, line)
    }
  })

  it("end the session with a NUL anywhere: the agent would stop reading there", () => {
    for (
      const line of [
        "\0",
        "NOP\0",
        "\0NOP",
        "GETINFO version\0 pid",
        "GETINFO version\0",
        `SIGKEY ${grip}\0`,
        "SETKEYDESC a\0b"
      ]
    ) {
      const parsed = request(line)
      assert.strictEqual(parsed.kind, "violation", line)
      assert.strictEqual(parsed.kind === "violation" ? parsed.error : undefined, gpgError.ASS_SYNTAX)
    }
  })

  it("end the session with a line feed inside, which no reader of lines gives out", () => {
    for (const line of ["NOP\n", "SETKEYDESC a\nKILLAGENT", "OPTION display=\nKILLAGENT"]) {
      assert.strictEqual(request(line).kind, "violation", line)
    }
  })

  it("are refused with a CR inside", () => {
    assertRefused(gpgError.ASS_SYNTAX, "NOP\r", "SETKEYDESC a\rb", "OPTION display=\r", "\rNOP")
  })

  it("are refused where they belong into an inquiry, as the agent does", () => {
    assertRefused(gpgError.NOT_IMPLEMENTED, "CANCEL", "AUTH", "END", "end", "END junk", "D abc", "D ", "D", "CANCEL x")
    assertRefused(gpgError.ASS_UNKNOWN_CMD, "d abc", "Dabc", "ENDX", "CANDY")
  })

  it("are refused where they would make the agent close its own files", () => {
    for (const name of ["INPUT", "OUTPUT", "input", "Output"]) {
      for (const line of [name, `${name} FD`, `${name} FD=4`, `${name}\tFD=4`]) {
        assert.deepStrictEqual(
          refusal(line),
          [gpgError.FORBIDDEN, `${name.toUpperCase()} is never sent to an agent`],
          line
        )
      }
    }
    assertRefused(gpgError.ASS_PARAMETER, "SCD INPUT FD=4", "SCD output FD=4")
  })
})

describe("words behind a command", () => {
  it("may have blanks and TABs around them", () => {
    assertSent({
      [`SIGKEY   ${grip}`]: `SIGKEY ${grip}`,
      [`SIGKEY\t${grip}\t `]: `SIGKEY ${grip}`,
      "GETINFO version ": "GETINFO version",
      [`PASSWD  --verify ${grip}`]: `PASSWD --verify ${grip}`,
      [`EXPORT_KEY --openpgp  ${grip}`]: `EXPORT_KEY --openpgp ${grip}`
    })
  })

  it("are the ones that the command takes, and no others behind them", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      `SIGKEY ${grip} garbage`,
      `SIGKEY ${grip} ${other}`,
      "PKDECRYPT x",
      "KILLAGENT now"
    )
    assertRefused(gpgError.ASS_PARAMETER, "GETINFO version version", "GET_CONFIRMATION a b", "LISTTRUSTED x")
    assertRefused(
      gpgError.ASS_PARAMETER,
      "SIGKEY",
      "SETKEYDESC",
      "SETKEYDESC  ",
      "GETINFO",
      "SCD",
      "SCD ",
      "GET_PASSPHRASE X X X"
    )
  })

  it("of BYE, RESET and NOP are taken and mean nothing", () => {
    assertSent({ BYE: "BYE", "BYE now": "BYE now", "RESET x y": "RESET x y", "nop\t1": "NOP 1" })
  })

  it("do not appear in the reason of a refusal", () => {
    assert.deepStrictEqual(refusal("PRESET_PASSPHRASE X -1 hunter2"), [
      gpgError.ASS_PARAMETER,
      "PRESET_PASSPHRASE needs HEXPASSPHRASE"
    ])
    assert.deepStrictEqual(refusal("hunter2 x"), [gpgError.ASS_UNKNOWN_CMD, "a command that is not known"])
    assert.deepStrictEqual(refusal("KEYINFO --hunter2"), [gpgError.ASS_PARAMETER, "KEYINFO has no such option"])
    assert.deepStrictEqual(refusal("SCD hunter2"), [gpgError.ASS_PARAMETER, "SCD: a command that is not known"])
  })
})

describe("a keygrip", () => {
  it("is taken in either case and written in upper case", () => {
    assertSent({
      [`SIGKEY ${grip.toLowerCase()}`]: `SIGKEY ${grip}`,
      [`SETKEY 23bb44${grip.slice(6)}`]: `SETKEY ${grip}`
    })
  })

  it("is forty digits, with nothing glued to them", () => {
    const wrong = [
      grip.slice(1),
      `${grip}0`,
      `${grip}x`,
      `&${grip.slice(1)}`,
      `0x${grip.slice(2)}`,
      `"${grip}"`,
      grip.replace("B", "G")
    ]
    for (
      const name of [
        "SIGKEY",
        "SETKEY",
        "HAVEKEY",
        "KEYINFO",
        "READKEY",
        "PASSWD",
        "EXPORT_KEY",
        "DELETE_KEY",
        "KEYTOTPM"
      ]
    ) {
      assertRefused(gpgError.ASS_PARAMETER, ...wrong.map((text) => `${name} ${text}`))
    }
  })
})

describe("options", () => {
  it("are written in the order of the table, whatever the client's", () => {
    assertSent({
      "GENKEY --timestamp=20261123T055149 --no-protection": "GENKEY --no-protection --timestamp=20261123T055149",
      [`EXPORT_KEY --openpgp --cache-nonce=39DD85 ${grip}`]: `EXPORT_KEY --cache-nonce=39DD85 --openpgp ${grip}`
    })
  })

  it("end at `--`, which is not written", () => {
    assertSent({ "PKSIGN -- 67C7E1E7CC1E03B10F689439": "PKSIGN 67C7E1E7CC1E03B10F689439", "PKSIGN --": "PKSIGN" })
    assertSent({ [`READKEY --no-data -- ${grip}`]: `READKEY --no-data ${grip}` })
    assertRefused(gpgError.ASS_PARAMETER, `DELETE_KEY -- --force ${grip}`, `DELETE_KEY -- -- ${grip}`)
  })

  it("that the table does not have are refused, where the agent skips them", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      `KEYINFO --foo ${grip}`,
      "PKSIGN --x",
      "KILLAGENT --force",
      `SIGKEY --x ${grip}`
    )
  })

  it("are whole words: `--forceX --force` would look like --force here and not to the agent", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      `DELETE_KEY --forceX --force ${grip}`,
      `DELETE_KEY --forceX ${grip}`,
      `DELETE_KEY --for ${grip}`
    )
    assertRefused(
      gpgError.ASS_PARAMETER,
      `DELETE_KEY --FORCE ${grip}`,
      `DELETE_KEY -force ${grip}`,
      `DELETE_KEY ---force ${grip}`
    )
  })

  it("hidden in a value would be taken for the option itself", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      `PASSWD --cache-nonce=x--verify --verify ${grip}`,
      `PASSWD --cache-nonce=--verify ${grip}`,
      `EXPORT_KEY --cache-nonce=a--openpgp ${grip}`,
      "GENKEY --passwd-nonce=x--no-protection",
      "PKSIGN a--b"
    )
  })

  it("stand before the arguments: the agent finds some of them behind as well", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      `HAVEKEY ${grip} --list`,
      `HAVEKEY ${grip} --list=1000`,
      `DELETE_KEY ${grip} --force`,
      `SETHASH 8 ${digest} --hash=sha256`,
      "GET_PASSPHRASE X X X D --repeat=1",
      "GET_PASSPHRASE X X --repeat D",
      "PKSIGN 67C7 --",
      "PUTVAL a b --c",
      "PUTVAL a b\t--c",
      "PUTVAL a --c",
      `MARKTRUSTED ${grip} S CN=x --y`
    )
    assertSent({ "PUTVAL a b-- c--d -e": "PUTVAL a b-- c--d -e" })
  })

  it("may not be given twice", () => {
    for (
      const line of [
        `DELETE_KEY --force --force ${grip}`,
        "GENKEY --passwd-nonce=a --passwd-nonce=b",
        "KEYWRAP_KEY --import --import"
      ]
    ) {
      assert.match(refusal(line)[1], /^--[a-z-]+ given twice$/, line)
    }
  })

  it("have a value exactly where they take one", () => {
    assert.strictEqual(refusal(`DELETE_KEY --force=1 ${grip}`)[1], "--force takes no value")
    assert.strictEqual(refusal(`DELETE_KEY --force= ${grip}`)[1], "--force takes no value")
    assert.strictEqual(refusal(`PASSWD --cache-nonce ${grip}`)[1], "--cache-nonce needs a value")
    assert.strictEqual(refusal(`PASSWD --cache-nonce= ${grip}`)[1], "--cache-nonce needs NONCE")
    assert.strictEqual(refusal("GENKEY --timestamp=now")[1], "--timestamp needs ISOTIME")
    assert.strictEqual(refusal("PKDECRYPT --kem=")[1], "--kem needs PQC-PGP|PGP|CMS")
    assert.strictEqual(refusal("PKDECRYPT --kem=cms")[1], "--kem needs PQC-PGP|PGP|CMS")
    assert.strictEqual(refusal("KEYINFO --list --need-attr")[1], "--need-attr needs a value")
  })

  it("that mean something without a value are written with it, where the agent would take the next word", () => {
    assertSent({
      "GET_PASSPHRASE --repeat X X X D": "GET_PASSPHRASE --repeat=1 X X X D",
      "GET_PASSPHRASE --repeat=0 X X X D": "GET_PASSPHRASE --repeat=0 X X X D",
      "GET_PASSPHRASE --repeat=007 X X X D": "GET_PASSPHRASE --repeat=7 X X X D",
      "PKDECRYPT --kem": "PKDECRYPT --kem=PQC-PGP",
      "PKDECRYPT --kem=CMS": "PKDECRYPT --kem=CMS",
      "HAVEKEY --list": "HAVEKEY --list",
      "HAVEKEY --list=1000": "HAVEKEY --list=1000",
      [`KEYINFO --ssh-fpr ${grip}`]: `KEYINFO --ssh-fpr ${grip}`,
      [`KEYINFO --ssh-fpr=sha256 ${grip}`]: `KEYINFO --ssh-fpr=sha256 ${grip}`
    })
    assert.deepStrictEqual(plain(command("GET_PASSPHRASE --repeat X X X D")).options, { "--repeat": "1" })
    assertRefused(
      gpgError.ASS_PARAMETER,
      "GET_PASSPHRASE --repeat=x X X X D",
      "HAVEKEY --list=",
      "HAVEKEY --list=-1",
      "HAVEKEY --list=1e3"
    )
  })
})

describe("writeRequest", () => {
  it("writes 1000 bytes and LF, and nothing where there would be more", () => {
    assert.strictEqual(sent(`SETKEYDESC ${"x".repeat(989)}`).length, 1000)
    assert.strictEqual(sent(`SETKEYDESC ${"x".repeat(990)}`), "nothing")
    // one that is longer only when it is written
    const words = `X ${"x".repeat(400)} y ${"z".repeat(571)}`
    assert.strictEqual(`GET_PASSPHRASE --repeat ${words}`.length, 1000)
    assert.strictEqual(sent(`GET_PASSPHRASE --repeat ${words}`), "nothing")
  })
})

describe("writeOption", () => {
  it("writes one spelling", () => {
    const written = (name: string, value: string): string => writeOption(name, latin1(value)).toString("latin1")
    assert.strictEqual(written("lc-ctype", "C.UTF-8"), "OPTION lc-ctype=C.UTF-8\n")
    assert.strictEqual(written("allow-pinentry-notify", ""), "OPTION allow-pinentry-notify\n")
    assert.strictEqual(written("putenv", "A="), "OPTION putenv=A=\n")
    assert.strictEqual(written("pinentry-user-data", "\xff x"), "OPTION pinentry-user-data=\xff x\n")
  })
})
