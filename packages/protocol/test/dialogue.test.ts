// Whose turn it is, on made-up dialogues; recorded ones run in the tests of the whole workspace.
import { assert, describe, it } from "@effect/vitest"
import { Dialogue } from "../src/dialogue.ts"

/** Runs `C: ` and `S: ` lines and tells the turn after each, or what was wrong with a line. */
const follow = (dialogue: Dialogue, ...lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line) => {
    const bytes = Buffer.from(line.slice(3), "latin1")
    const parsed = line.startsWith("C: ") ? dialogue.client(bytes) : dialogue.server(bytes)
    return parsed === undefined ? `${dialogue.turn}!` : dialogue.turn
  })

const greeted = (): Dialogue => {
  const dialogue = new Dialogue()
  follow(dialogue, "S: OK Pleased to meet you, process 1")
  return dialogue
}

describe("Dialogue", () => {
  it("begins with the server's greeting", () => {
    assert.strictEqual(new Dialogue().turn, "greeting")
    assert.deepStrictEqual(follow(new Dialogue(), "S: # hello", "S: OK Pleased to meet you"), ["greeting", "idle"])
    assert.deepStrictEqual(follow(new Dialogue(), "C: RESET"), ["greeting!"])
  })

  it("is over where the greeting is an error, or no greeting", () => {
    assert.deepStrictEqual(follow(new Dialogue(), "S: ERR 67109115 Forbidden <GPG Agent>"), ["over"])
    for (const line of ["S: D abc", "S: S PROGRESS", "S: INQUIRE PASSPHRASE", "S: hello"]) {
      assert.deepStrictEqual(follow(new Dialogue(), line), ["over!"], line)
    }
  })

  it("waits for the one reply of a command, through data, status and comments", () => {
    assert.deepStrictEqual(
      follow(greeted(), "C: GETINFO version", "S: S PROGRESS x", "S: # x", "S: D 2.2.40", "S: OK"),
      ["busy", "busy", "busy", "busy", "idle"]
    )
    assert.deepStrictEqual(follow(greeted(), "C: PKSIGN", "S: ERR 67108881 No secret key"), ["busy", "idle"])
  })

  it("lets the client answer an inquiry, and waits again", () => {
    const asked = ["C: PKDECRYPT", "S: S INQUIRE_MAXLEN 4096", "S: INQUIRE CIPHERTEXT"]
    assert.deepStrictEqual(
      follow(greeted(), ...asked, "C: D (1:a)", "C: # x", "C: ", "C: D (1:b)", "C: END", "S: OK"),
      [
        "busy",
        "busy",
        "inquiry",
        "inquiry",
        "inquiry",
        "inquiry",
        "inquiry",
        "busy",
        "idle"
      ]
    )
    assert.deepStrictEqual(follow(greeted(), ...asked, "C: CAN", "S: ERR 67109141 x").slice(3), ["busy", "idle"])
  })

  it("takes several inquiries of one command", () => {
    const lines = ["C: PASSWD 23BB44EF6501E53F77501FF1D7DD8525DDABCF35", "S: INQUIRE PASSPHRASE", "C: END"]
    assert.deepStrictEqual(
      follow(greeted(), ...lines, "S: INQUIRE NEW_PASSPHRASE", "C: D x", "C: END", "S: S CACHE_NONCE 1", "S: OK"),
      ["busy", "inquiry", "busy", "inquiry", "inquiry", "busy", "busy", "idle"]
    )
  })

  it("is over at a foreign line inside an inquiry", () => {
    for (const line of ["C: PKSIGN", "C: Dabc", "C: ENDX", "C: BYE"]) {
      const dialogue = greeted()
      follow(dialogue, "C: PKDECRYPT", "S: INQUIRE CIPHERTEXT")
      assert.strictEqual(dialogue.client(Buffer.from(line.slice(3)))?.kind, "violation", line)
      assert.strictEqual(dialogue.turn, "over")
    }
  })

  it("is over at a NUL in a command", () => {
    const dialogue = greeted()
    assert.strictEqual(dialogue.client(Buffer.from("GETINFO version\0 pid"))?.kind, "violation")
    assert.strictEqual(dialogue.turn, "over")
  })

  it("does not look at a client's line out of turn, and goes on", () => {
    assert.deepStrictEqual(follow(greeted(), "C: NOP", "C: NOP", "S: OK", "C: NOP", "S: OK"), [
      "busy",
      "busy!",
      "idle",
      "busy",
      "idle"
    ])
  })

  it("waits for no reply to an empty line or a comment, and for one to a line that is refused", () => {
    assert.deepStrictEqual(follow(greeted(), "C: ", "C: # x", "C: NOSUCH", "S: ERR 67109139 x"), [
      "idle",
      "idle",
      "busy",
      "idle"
    ])
  })

  it("is over when the server speaks out of turn, or no Assuan", () => {
    for (const line of ["S: OK", "S: D x", "S: S X", "S: ERR 1 x", "S: INQUIRE X"]) {
      assert.deepStrictEqual(follow(greeted(), line), ["over!"], line)
    }
    assert.deepStrictEqual(follow(greeted(), "S: # x"), ["idle"])
    assert.deepStrictEqual(follow(greeted(), "C: NOP", "S: ERR 0 x"), ["busy", "over!"])
    assert.deepStrictEqual(follow(greeted(), "C: PKSIGN", "S: INQUIRE PASSPHRASE", "S: OK"), [
      "busy",
      "inquiry",
      "over!"
    ])
  })

  it("stays over", () => {
    const dialogue = greeted()
    follow(dialogue, "S: OK")
    assert.deepStrictEqual(follow(dialogue, "C: NOP", "S: OK", "C: NOP"), ["over!", "over!", "over!"])
  })

  it("counts the replies of commands that were sent together", () => {
    const dialogue = greeted()
    dialogue.sent(3)
    assert.strictEqual(dialogue.turn, "busy")
    assert.deepStrictEqual(follow(dialogue, "S: OK", "S: ERR 67109144 x", "S: D x", "S: OK"), [
      "busy",
      "busy",
      "busy",
      "idle"
    ])
    assert.strictEqual(dialogue.outstanding, 0)
    dialogue.sent(1)
    follow(dialogue, "S: INQUIRE PASSPHRASE")
    dialogue.answered()
    assert.deepStrictEqual(follow(dialogue, "S: OK"), ["idle"])
  })
})
