import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@gripgate/protocol/grammar/command"
import { parseRequest } from "@gripgate/protocol/request"
import type { KeyInfo } from "../../../src/keys/key-directory.ts"
import { canPrompt, promptsNameless, usesKeydesc } from "../../../src/session/prompt/announce.ts"
import { alice, GRIP } from "../../shown/shown.ts"

const parse = (line: string): Command => {
  const request = parseRequest(Buffer.from(line))
  if (request.kind !== "command") throw new Error(`expected a command, got ${JSON.stringify(request)}`)
  return request.command
}

const FPR = "A".repeat(40)

describe("usesKeydesc", () => {
  it("holds for the commands whose code reads keydesc, and for no other", () => {
    // GnuPG agent/command.c, 2.2.40 and 2.5: `ctrl->server_local->keydesc`
    for (
      const line of ["PKSIGN", "PKDECRYPT", `PASSWD ${GRIP}`, "IMPORT_KEY", `EXPORT_KEY ${GRIP}`, `DELETE_KEY ${GRIP}`]
    ) {
      assert.isTrue(usesKeydesc(parse(line)), line)
    }
    assert.isTrue(usesKeydesc(parse(`KEYTOCARD ${GRIP} D276 OPENPGP.1`)))
    assert.isTrue(usesKeydesc(parse(`KEYTOTPM ${GRIP}`)))
    for (
      const line of [
        "GENKEY",
        "LEARN",
        "SCD CHECKPIN D276",
        `MARKTRUSTED ${FPR} S CN=x`,
        "GET_CONFIRMATION Hello",
        `READKEY ${GRIP}`
      ]
    ) assert.isFalse(usesKeydesc(parse(line)), line)
  })
})

describe("canPrompt", () => {
  it("holds for what makes the agent prompt in some state of its keys", () => {
    for (
      const line of [
        "PKSIGN",
        "GENKEY",
        `PASSWD --verify ${GRIP}`,
        `DELETE_KEY --force ${GRIP}`,
        "GET_PASSPHRASE id X X Hello",
        "GET_CONFIRMATION Hello",
        `MARKTRUSTED ${FPR} S CN=x`,
        "SCD PKSIGN D276",
        "SCD CHECKPIN D276"
      ]
    ) assert.isTrue(canPrompt(parse(line)), line)
  })

  it("does not hold for what never does", () => {
    for (
      const line of [
        "GENKEY --no-protection",
        "GENKEY --inq-passwd",
        "GET_PASSPHRASE --no-ask id X X Hello",
        `EXPORT_KEY --mode1003 ${GRIP}`,
        `HAVEKEY ${GRIP}`,
        "LEARN",
        "SCD SERIALNO",
        "SCD LEARN --force",
        "CLEAR_PASSPHRASE --mode=normal id"
      ]
    ) assert.isFalse(canPrompt(parse(line)), line)
  })
})

describe("a question of the gate's", () => {
  const withKey = (protection?: KeyInfo["protection"]): ReadonlyArray<KeyInfo> => [
    protection === undefined ? alice : { ...alice, protection }
  ]
  const announces = (line: string, keys = withKey()): boolean => promptsNameless(parse(line), keys)

  it("goes before a new passphrase, and not where one is given or none is wanted", () => {
    assert.isTrue(announces("GENKEY"))
    assert.isTrue(announces("GENKEY --preset"))
    assert.isFalse(announces("GENKEY --no-protection"))
    assert.isFalse(announces("GENKEY --inq-passwd"))
  })

  it("goes before it with a nonce too, which the agent may have forgotten", () => {
    assert.isTrue(announces("GENKEY ABCDEF"))
    assert.isTrue(announces("GENKEY --passwd-nonce=ABCDEF"))
  })

  it("goes before a change of passphrase whose first prompt would not be one with the gate's text", () => {
    assert.isTrue(announces(`PASSWD ${GRIP}`, withKey("clear")))
    assert.isTrue(announces(`PASSWD ${GRIP}`, withKey()), "of which nobody knows whether it is protected")
    assert.isTrue(announces(`PASSWD --cache-nonce=ABCDEF ${GRIP}`, withKey("protected")))
    assert.isFalse(announces(`PASSWD ${GRIP}`, withKey("protected")))
    assert.isFalse(announces(`PASSWD --verify ${GRIP}`, withKey("protected")))
    assert.isTrue(announces(`PASSWD --cache-nonce=ABCDEF --passwd-nonce=ABCDEF ${GRIP}`, withKey("protected")))
  })

  it("goes before the passphrase for an unprotected key on its way out", () => {
    assert.isTrue(announces(`EXPORT_KEY --openpgp ${GRIP}`, withKey("clear")))
    assert.isFalse(announces(`EXPORT_KEY --openpgp ${GRIP}`, withKey("protected")))
    assert.isFalse(announces(`EXPORT_KEY ${GRIP}`, withKey("clear")))
  })

  it("goes before a key that may be given a passphrase on its way in", () => {
    assert.isTrue(announces("IMPORT_KEY"))
    assert.isTrue(announces("IMPORT_KEY ABCDEF"))
    assert.isFalse(announces("IMPORT_KEY --unattended"))
  })

  it("goes before every question of a card", () => {
    assert.isTrue(announces("PKSIGN", withKey("card")))
    assert.isTrue(announces("PKDECRYPT", withKey("card")))
    assert.isFalse(announces("PKSIGN", withKey("protected")))
    for (const line of ["PKSIGN D276", "PKAUTH D276", "PKDECRYPT D276", "CHECKPIN D276", "GENKEY 1", "PASSWD 1"]) {
      assert.isTrue(announces(`SCD ${line}`), line)
    }
    for (const line of ["SCD SERIALNO", "SCD LEARN --force", "SCD GETINFO status", "LEARN"]) {
      assert.isFalse(announces(line), line)
    }
    assert.isTrue(announces(`KEYTOCARD ${GRIP} D276 OPENPGP.1`, withKey("protected")))
    assert.isTrue(announces(`KEYTOTPM ${GRIP}`, withKey("protected")))
  })

  it("goes before the question whether to trust a root certificate", () => {
    assert.isTrue(announces(`MARKTRUSTED ${FPR} S CN=x`))
  })

  it("does not go before prompts that say themselves who asks", () => {
    for (const line of ["GET_PASSPHRASE id X X Hello", "GET_CONFIRMATION Hello", `DELETE_KEY ${GRIP}`]) {
      assert.isFalse(announces(line), line)
    }
  })
})
