// Lines that GnuPG's own programs send, by the formats in their sources (2.2.40 and 2.5.12), beyond those in the recorded
// dialogues: with cards, and with versions and options that no recording has. Each must pass, and mean the same.
import { describe, it } from "@effect/vitest"
import { assertSent } from "./spelling.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"
const other = "C1C2A1C275854C0BBAA96D528EF6D0216EA564F0"
const serial = "D2760001240102010005000012340000"

/** Lines that are written as they are. */
const assertKept = (...lines: ReadonlyArray<string>): void =>
  assertSent(Object.fromEntries(lines.map((line) => [line, line])))

describe("what GnuPG's programs send", () => {
  it("gpg, to agents (g10/call-agent.c)", () => {
    assertKept(
      "GETINFO jent_active",
      "GETINFO s2k_count",
      "GETINFO cmd_has_option GET_PASSPHRASE repeat",
      "GETINFO cmd_has_option EXPORT_KEY mode1003",
      "GETINFO ephemeral",
      "LEARN --sendinfo",
      "LEARN --sendinfo --force",
      "HAVEKEY --list=1000",
      `HAVEKEY --info ${grip}`,
      `KEYINFO ${grip}`,
      `KEYATTR ${grip} Link: ${other}`,
      `SETKEY --another ${grip}`,
      "GET_CONFIRMATION Really%3F",
      "CLEAR_PASSPHRASE S3D2533D879F31003",
      `KEYTOTPM ${grip}`
    )
    assertSent({
      [`READKEY -- ${grip}`]: `READKEY ${grip}`,
      [`READKEY --card -- ${grip}`]: `READKEY --card ${grip}`,
      "READKEY --card --no-data -- $SIGNKEYID": "READKEY --no-data --card $SIGNKEYID",
      "READKEY --card --no-data -- $ENCRKEYID": "READKEY --no-data --card $ENCRKEYID",
      "PKSIGN -- 67C7E1E7CC1E03B10F689439": "PKSIGN 67C7E1E7CC1E03B10F689439",
      "GENKEY --timestamp=20261123T055149 --inq-passwd 67C7E1E7CC1E03B10F689439":
        "GENKEY --timestamp=20261123T055149 --inq-passwd 67C7E1E7CC1E03B10F689439",
      "GENKEY --passwd-nonce=67C7E1E7CC1E03B10F689439": "GENKEY --passwd-nonce=67C7E1E7CC1E03B10F689439",
      "IMPORT_KEY --timestamp=20261123T055149 --unattended --force 67C7E1E7CC1E03B10F689439":
        "IMPORT_KEY --unattended --force --timestamp=20261123T055149 67C7E1E7CC1E03B10F689439",
      [`EXPORT_KEY --mode1003 ${grip}`]: `EXPORT_KEY --mode1003 ${grip}`,
      [`DELETE_KEY --force ${grip}`]: `DELETE_KEY --force ${grip}`,
      [`PASSWD --cache-nonce=67C7 --passwd-nonce=E1E7 ${grip}`]:
        `PASSWD --cache-nonce=67C7 --passwd-nonce=E1E7 ${grip}`,
      [`PASSWD --cache-nonce=67C7 --verify ${grip}`]: `PASSWD --cache-nonce=67C7 --verify ${grip}`,
      [`KEYTOCARD --force ${grip} ${serial} OPENPGP.2 20261123T055149 0102AB0809`]:
        `KEYTOCARD --force ${grip} ${serial} OPENPGP.2 20261123T055149 0102AB0809`,
      "GET_PASSPHRASE --data --repeat=1 --check -- S3D2533D879F31003 X X Enter":
        "GET_PASSPHRASE --data --check --repeat=1 S3D2533D879F31003 X X Enter"
    })
  })

  it("gpg, to cards (g10/call-agent.c, g10/card-util.c)", () => {
    assertKept(
      "SCD SERIALNO openpgp",
      "SCD SERIALNO undefined",
      `SCD SERIALNO --demand=${serial}`,
      "SCD READKEY --info-only OPENPGP.1",
      "SCD LEARN --keypairinfo",
      "SCD LEARN --force",
      "SCD RESET",
      "SCD RESET --keep-lock",
      "SCD LOCK --wait",
      "SCD LOCK",
      "SCD UNLOCK",
      "SCD APDU 00E60000",
      "SCD GETATTR KEY-FPR",
      "SCD GETATTR $AUTHKEYID",
      "SCD GETATTR $DISPSERIALNO",
      "SCD SETATTR DISP-NAME Mustermann<<Erika",
      "SCD SETATTR CHV-STATUS-1 %01",
      "SCD SETATTR KEY-ATTR --force+1+1+rsa2048",
      "SCD SETATTR UIF-1 %01%20",
      "SCD WRITECERT OPENPGP.3",
      "SCD READCERT OPENPGP.3",
      "SCD GENKEY --force 1",
      "SCD GETINFO card_list",
      "SCD SWITCHAPP openpgp",
      "SCD KEYINFO --list=encr",
      `SCD KEYINFO ${grip}`,
      "SCD PASSWD --reset 1",
      `SCD CHECKPIN ${serial}`,
      `SCD CHECKPIN ${serial}[CHV3]`
    )
    assertSent({
      "SCD GENKEY --timestamp=20261123T055149 --force 2": "SCD GENKEY --force --timestamp=20261123T055149 2",
      "SCD GENKEY   1": "SCD GENKEY 1",
      "SCD READKEY --info -- OPENPGP.1": "SCD READKEY --info OPENPGP.1",
      "SCD SWITCHAPP --": "SCD SWITCHAPP",
      "SCD SWITCHAPP -- openpgp": "SCD SWITCHAPP openpgp",
      "SCD PASSWD  3": "SCD PASSWD 3",
      "SCD SETATTR LOGIN-DATA ": "SCD SETATTR LOGIN-DATA"
    })
  })

  it("gpg-card (tools/card-call-scd.c)", () => {
    assertKept(
      "SCD GETINFO all_active_apps",
      "SCD GETINFO apdu_strerror 0x6a82",
      "SCD GETATTR CHV-STATUS",
      "SCD READKEY PIV.9A"
    )
    assertSent({
      "SCD APDU --more --exlen=2048 -- 00cb3fff": "SCD APDU --more --exlen=2048 00CB3FFF",
      "SCD APDU --data-atr -- ": "SCD APDU --data-atr",
      [`SCD SWITCHCARD -- ${serial}`]: `SCD SWITCHCARD ${serial}`,
      "SCD LEARN --force --reread": "SCD LEARN --force --reread",
      [`SCD SERIALNO --demand=${serial} --all`]: `SCD SERIALNO --demand=${serial} --all`,
      "SCD GENKEY --timestamp=20261123T055149 --force --algo=nistp256 -- PIV.9A":
        "SCD GENKEY --force --timestamp=20261123T055149 --algo=nistp256 PIV.9A",
      "SCD PASSWD --nullpin PIV.80": "SCD PASSWD --nullpin PIV.80",
      "SCD SETATTR --inquire AUTH-ADM-KEY": "SCD SETATTR --inquire AUTH-ADM-KEY",
      [`KEYTOCARD --force ${grip} - OPENPGP.1`]: `KEYTOCARD --force ${grip} - OPENPGP.1`,
      [`DELETE_KEY --force  ${grip}`]: `DELETE_KEY --force ${grip}`
    })
  })

  it("gpgsm (sm/call-agent.c)", () => {
    assertKept(
      "SETHASH --inquire",
      `SCD READKEY ${grip}`,
      "SCD SETDATA 0102ABCD",
      "SCD PKSIGN --hash=sha256 NKS-SIGG.8401",
      "LISTTRUSTED --status",
      `ISTRUSTED ${grip}`,
      `MARKTRUSTED ${grip} S CN=Root CA 1,O=Example,C=DE`,
      "LEARN --send",
      "KEYINFO --list",
      "GENKEY --no-protection --timestamp=20261123T055149",
      "KEYWRAP_KEY --export",
      "IMPORT_KEY --timestamp=20261123T055149"
    )
    assertSent({
      [`LEARN --send -- ${serial}`]: `LEARN --send ${serial}`,
      "GET_PASSPHRASE --data -- X X X Please": "GET_PASSPHRASE --data X X X Please"
    })
  })

  it("the agent's own check of its socket, gpg-preset-passphrase, gpgconf and gpg 1.4", () => {
    assertKept("GETINFO pid", "BYE", "NOP", "KILLAGENT", "RELOADAGENT", `CLEAR_PASSPHRASE --mode=normal ${grip}`)
    assertKept(
      `PRESET_PASSPHRASE ${grip} -1 616263`,
      `PRESET_PASSPHRASE --inquire ${grip} -1`,
      "PRESET_PASSPHRASE my:id@host -1 61"
    )
    assertKept(`GET_PASSPHRASE ${grip} X X You+need+a+passphrase%0A"G1+<g1@example.org>"`, `CLEAR_PASSPHRASE ${grip}`)
  })
})
