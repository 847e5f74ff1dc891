// Commands whose words go together in ways of their own (GnuPG agent/command.c and scd/command.c, 2.2.40 to 2.5.12).
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "../src/gpg-error.ts"
import { command, plain, request } from "./plain.ts"
import { assertRefused, assertSent } from "./spelling.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"
const other = "C1C2A1C275854C0BBAA96D528EF6D0216EA564F0"
const digest = "0123456789ABCDEF".repeat(4)

describe("HAVEKEY", () => {
  it("asks for keygrips, or lists", () => {
    assertSent({
      [`HAVEKEY ${grip} ${other.toLowerCase()}`]: `HAVEKEY ${grip} ${other}`,
      "HAVEKEY --list": "HAVEKEY --list"
    })
    assertSent({ [`HAVEKEY --info ${grip}`]: `HAVEKEY --info ${grip}` })
    assertSent({ [`HAVEKEY${` ${grip}`.repeat(24)}`]: `HAVEKEY${` ${grip}`.repeat(24)}` })
    assertRefused(
      gpgError.ASS_PARAMETER,
      "HAVEKEY",
      `HAVEKEY --list ${grip}`,
      "HAVEKEY --info",
      `HAVEKEY --info ${grip} ${other}`,
      "HAVEKEY --list --info",
      `HAVEKEY ${grip} x ${other}`
    )
  })
})

describe("KEYINFO", () => {
  it("asks for one keygrip, or lists", () => {
    assertSent({
      [`KEYINFO ${grip}`]: `KEYINFO ${grip}`,
      "KEYINFO --list": "KEYINFO --list",
      "KEYINFO --ssh-list --data": "KEYINFO --ssh-list --data",
      "KEYINFO --ssh-fpr=md5 --with-ssh --list": "KEYINFO --list --ssh-fpr=md5 --with-ssh",
      "KEYINFO --list --need-attr=Use-for-ssh": "KEYINFO --list --need-attr=Use-for-ssh"
    })
    assertRefused(
      gpgError.ASS_PARAMETER,
      "KEYINFO",
      `KEYINFO --list ${grip}`,
      `KEYINFO ${grip} ${other}`,
      "KEYINFO --data",
      "KEYINFO --list=1"
    )
  })
})

describe("READKEY", () => {
  it("names a key by keygrip, or on a card by any name", () => {
    assertSent({
      [`READKEY ${grip.toLowerCase()}`]: `READKEY ${grip}`,
      "READKEY --card --no-data -- $SIGNKEYID": "READKEY --no-data --card $SIGNKEYID",
      "READKEY --card OPENPGP.1": "READKEY --card OPENPGP.1",
      [`READKEY --format=ssh ${grip}`]: `READKEY --format=ssh ${grip}`
    })
    assertRefused(gpgError.ASS_PARAMETER, "READKEY OPENPGP.1", "READKEY --card", `READKEY --format=pem ${grip}`)
  })
})

describe("SETKEYDESC", () => {
  it("ends at the first blank: what the agent drops is dropped", () => {
    assertSent({
      "SETKEYDESC Please+enter": "SETKEYDESC Please+enter",
      "SETKEYDESC  Please enter": "SETKEYDESC Please",
      "SETKEYDESC Please --x": "SETKEYDESC Please"
    })
  })

  it("carries any byte, raw UTF-8 and percent escapes included", () => {
    const text = "%22Bj\xc3\xb6rn\"<b@x.org>%0A\x1b\x01\xff+%zz%"
    assertSent({ [`SETKEYDESC ${text}`]: `SETKEYDESC ${text}` })
    assertRefused(gpgError.ASS_PARAMETER, "SETKEYDESC --x", "SETKEYDESC a\tb")
  })
})

describe("SETHASH", () => {
  it("takes a number and a digest, or the name of an algorithm and a digest", () => {
    assertSent({
      [`SETHASH 8 ${digest}`]: `SETHASH 8 ${digest}`,
      [`SETHASH 008 ${digest.toLowerCase()}`]: `SETHASH 8 ${digest}`,
      [`SETHASH --hash=sha256 ${digest}`]: `SETHASH --hash=sha256 ${digest}`,
      [`SETHASH --hash=tls-md5sha1 ${"AB".repeat(36)}`]: `SETHASH --hash=tls-md5sha1 ${"AB".repeat(36)}`,
      [`SETHASH --hash=md5 ${"1".repeat(32)}`]: `SETHASH --hash=md5 ${"1".repeat(32)}`,
      "SETHASH --inquire": "SETHASH --inquire",
      "SETHASH --pss --inquire": "SETHASH --inquire --pss",
      "SETHASH --hash=none --inquire": "SETHASH --hash=none --inquire"
    })
  })

  it("takes digests of these lengths only, as the agent does", () => {
    for (let bytes = 1; bytes <= 70; bytes++) {
      const good = [16, 20, 24, 28, 32, 48, 64].includes(bytes)
      assert.strictEqual(request(`SETHASH 8 ${"AB".repeat(bytes)}`).kind, good ? "command" : "refused", String(bytes))
      assert.strictEqual(
        request(`SETHASH --hash=sha512 ${"AB".repeat(bytes)}`).kind,
        good ? "command" : "refused",
        String(bytes)
      )
    }
    assertRefused(
      gpgError.ASS_PARAMETER,
      `SETHASH 8 ${digest}0`,
      `SETHASH 8 ${digest}xx`,
      `SETHASH 8 ${"AB".repeat(36)}`
    )
  })

  it("takes nothing that leaves open which of both it is", () => {
    assertRefused(
      gpgError.ASS_PARAMETER,
      "SETHASH",
      "SETHASH 8",
      `SETHASH ${digest}`,
      `SETHASH AB ${digest}`,
      `SETHASH sha256 ${digest}`,
      `SETHASH --hash=sha256 8 ${digest}`,
      "SETHASH --hash=sha256",
      `SETHASH --hash=none 8 ${digest}`,
      `SETHASH --hash=none ${digest}`,
      `SETHASH --hash=SHA256 ${digest}`,
      `SETHASH --hash=sha3 ${digest}`,
      `SETHASH --hash ${digest}`,
      "SETHASH --inquire --hash=sha256",
      `SETHASH --inquire ${digest}`,
      `SETHASH --inquire 8 ${digest}`,
      `SETHASH -8 ${digest}`,
      `SETHASH 0x8 ${digest}`
    )
  })
})

describe("KEYWRAP_KEY", () => {
  it("is for one direction", () => {
    assertSent({
      "KEYWRAP_KEY --import": "KEYWRAP_KEY --import",
      "KEYWRAP_KEY --export --clear": "KEYWRAP_KEY --clear --export"
    })
    assertRefused(gpgError.ASS_PARAMETER, "KEYWRAP_KEY", "KEYWRAP_KEY --clear", "KEYWRAP_KEY --import --export")
  })
})

describe("PRESET_PASSPHRASE", () => {
  it("has the one time that the agent takes, which reads what is glued to it as the passphrase", () => {
    assertSent({ [`PRESET_PASSPHRASE ${grip} -1 616263`]: `PRESET_PASSPHRASE ${grip} -1 616263` })
    assertSent({
      [`PRESET_PASSPHRASE --restricted --inquire ${grip} -1`]: `PRESET_PASSPHRASE --inquire --restricted ${grip} -1`
    })
    assertRefused(
      gpgError.ASS_PARAMETER,
      `PRESET_PASSPHRASE ${grip} -1616263`,
      `PRESET_PASSPHRASE ${grip} 600 616263`,
      `PRESET_PASSPHRASE ${grip}`
    )
    assertRefused(gpgError.ASS_PARAMETER, `PRESET_PASSPHRASE ${grip} -1 61626`, `PRESET_PASSPHRASE ${grip} -1 61 62`)
  })

  it("keeps a passphrase in bytes that can be wiped", () => {
    assert.deepStrictEqual(plain(command(`PRESET_PASSPHRASE ${grip} -1 616263`)).args, [grip, "-1", {
      bytes: "616263"
    }])
  })
})

describe("certificates", () => {
  it("have fingerprints of 16 or 20 bytes, which 2.5 also takes with colons", () => {
    const colons = grip.match(/../g)!.join(":")
    assertSent({
      [`ISTRUSTED ${grip.toLowerCase()}`]: `ISTRUSTED ${grip}`,
      [`ISTRUSTED ${colons}`]: `ISTRUSTED ${grip}`,
      [`ISTRUSTED ${grip.slice(8)}`]: `ISTRUSTED ${grip.slice(8)}`,
      [`MARKTRUSTED ${grip} S CN=Root,O=x y`]: `MARKTRUSTED ${grip} S CN=Root,O=x y`
    })
    assertRefused(
      gpgError.ASS_PARAMETER,
      `ISTRUSTED ${grip.slice(4)}`,
      `ISTRUSTED ${grip}00`,
      "ISTRUSTED :",
      `MARKTRUSTED ${grip} X a`,
      `MARKTRUSTED ${grip} S`
    )
  })
})

describe("SCD", () => {
  it("hands on a command of the card's table, written anew", () => {
    assertSent({
      "SCD SERIALNO": "SCD SERIALNO",
      "scd  keyinfo --list=encr": "SCD KEYINFO --list=encr",
      "SCD LEARN --keypairinfo --force": "SCD LEARN --force --keypairinfo",
      "SCD GETATTR $AUTHKEYID": "SCD GETATTR $AUTHKEYID",
      "SCD APDU": "SCD APDU",
      "SCD APDU --more --exlen -- 00a40400": "SCD APDU --more --exlen 00A40400",
      "SCD SETATTR LOGIN-DATA a b": "SCD SETATTR LOGIN-DATA a b",
      "SCD SETATTR --inquire KEY-ATTR": "SCD SETATTR --inquire KEY-ATTR"
    })
    const parsed = command("SCD PKSIGN --hash=sha256 OPENPGP.1")
    assert.deepStrictEqual([parsed.spec.name, parsed.inner?.spec.name], ["SCD", "PKSIGN"])
    assert.deepStrictEqual(parsed.spec.operations(parsed), ["card", "sign"])
  })

  it("takes a value that begins with dashes where gpg sends one, and the card daemon looks for no option", () => {
    assertSent({ "SCD SETATTR KEY-ATTR --force+1+1+rsa2048": "SCD SETATTR KEY-ATTR --force+1+1+rsa2048" })
    assertSent({ "SCD SETATTR KEY-ATTR --inquire": "SCD SETATTR KEY-ATTR --inquire" })
    assert.isFalse(command("SCD SETATTR KEY-ATTR --inquire").inner!.options.has("--inquire"))
    assertRefused(gpgError.ASS_PARAMETER, "SCD SETATTR --force+1 KEY-ATTR")
  })

  it("hands on nothing else", () => {
    const foreign = [
      "NOP",
      "OPTION event-signal=12",
      "BYE",
      "HELP",
      "SCD SERIALNO",
      "INPUT FD=1",
      "D x",
      "CAN",
      "--force",
      "#"
    ]
    assertRefused(gpgError.ASS_PARAMETER, ...foreign.map((line) => `SCD ${line}`))
    assertRefused(
      gpgError.ASS_PARAMETER,
      "SCD PKSIGN",
      "SCD PKSIGN a b",
      "SCD PKSIGN --hash=x a",
      "SCD SETDATA xyz",
      "SCD KEYINFO --list=x"
    )
  })
})
