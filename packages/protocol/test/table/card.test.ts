// The words of SCD (GnuPG scd/command.c register_commands, 2.2.40 and 2.5.12).
import { assert, describe, it } from "@effect/vitest"
import { isCardProbe, scdCommands } from "../../src/table/card.ts"
import { command } from "../plain.ts"

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)
const sorted = (list: Iterable<string>): ReadonlyArray<string> => [...list].toSorted()

const scd22 = words(
  `SERIALNO LEARN READCERT READKEY SETDATA PKSIGN PKAUTH PKDECRYPT GETATTR SETATTR WRITECERT WRITEKEY GENKEY
  RANDOM PASSWD CHECKPIN LOCK UNLOCK GETINFO RESTART DISCONNECT APDU KILLSCD`
)
const later = words("SWITCHCARD SWITCHAPP KEYINFO DEVINFO")

describe("the card's table", () => {
  it("has every command of the card daemon but INPUT and OUTPUT, and libassuan's RESET, which gpg sends", () => {
    // 25 with INPUT and OUTPUT
    assert.strictEqual(scd22.length, 23)
    const names = scdCommands.map(({ name }) => name)
    assert.deepStrictEqual(sorted(names), sorted([...scd22, ...later, "RESET"]))
  })

  it("knows which came after 2.2", () => {
    assert.deepStrictEqual(
      sorted(scdCommands.filter(({ since }) => since === "2.3.0").map(({ name }) => name)),
      sorted(later)
    )
    assert.isTrue(scdCommands.every(({ since }) => since === undefined || since === "2.3.0"))
  })

  it("needs `card` for all, and `admin` for what steers the reader for everybody", () => {
    for (const { mayBe, name } of scdCommands) assert.strictEqual(mayBe[0], "card", name)
    assert.deepStrictEqual(
      sorted(scdCommands.filter(({ mayBe }) => mayBe.includes("admin")).map(({ name }) => name)),
      sorted(words("APDU RANDOM LOCK UNLOCK RESET RESTART DISCONNECT KILLSCD SWITCHCARD SWITCHAPP"))
    )
  })

  it("has the inquiries of writing, and what unlocks a card for all but LEARN", () => {
    const keywords = (name: string): string =>
      scdCommands.find((spec) => spec.name === name)!.inquiries.map(({ keyword }) => keyword).join(" ")
    assert.strictEqual(keywords("LEARN"), "KNOWNCARDP")
    assert.strictEqual(keywords("PKSIGN"), "PINENTRY_LAUNCHED PASSPHRASE CONFIRM")
    assert.strictEqual(keywords("WRITEKEY"), "KEYDATA PINENTRY_LAUNCHED PASSPHRASE CONFIRM")
    assert.strictEqual(keywords("WRITECERT"), "CERTDATA PINENTRY_LAUNCHED PASSPHRASE CONFIRM")
    assert.strictEqual(keywords("SETATTR"), "VALUE PINENTRY_LAUNCHED PASSPHRASE CONFIRM")
    assert.strictEqual(keywords("PASSWD"), "PINENTRY_LAUNCHED PASSPHRASE CONFIRM NEW_PASSPHRASE")
    for (const { inquiries, name } of scdCommands) {
      if (name !== "LEARN") assert.include(inquiries.map(({ keyword }) => keyword), "PASSPHRASE", name)
    }
  })

  it("tells the probes that gpg sends in ordinary work from everything else", () => {
    const probes = scdCommands.filter((spec) => isCardProbe({ spec })).map(({ name }) => name)
    assert.deepStrictEqual(sorted(probes), words("GETINFO KEYINFO SERIALNO"))
    assert.isTrue(isCardProbe(command("SCD SERIALNO").inner!))
    assert.isFalse(isCardProbe(command("SCD LEARN").inner!))
  })
})
