// Lines of agents as recorded, and lines that none sends (libassuan client.c assuan_client_parse_response).
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "../src/gpg-error.ts"
import { errLine, inquireLine, OK_LINE, okLine, parseReply, statusLine } from "../src/reply.ts"

/** A reply with its bytes as text. */
const parsed = (line: string): Record<string, unknown> | undefined => {
  const reply = parseReply(Buffer.from(line, "latin1"))
  return reply === undefined
    ? undefined
    : Object.fromEntries(
      Object.entries(reply).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString("latin1") : value])
    )
}

describe("parseReply", () => {
  it("reads OK with and without words", () => {
    assert.deepStrictEqual(parsed("OK"), { kind: "ok", text: "" })
    assert.deepStrictEqual(parsed("OK "), { kind: "ok", text: "" })
    assert.deepStrictEqual(parsed("OK closing connection"), { kind: "ok", text: "closing connection" })
    assert.deepStrictEqual(parsed("OK 616263"), { kind: "ok", text: "616263" })
  })

  it("reads ERR with its number, and the words behind it", () => {
    assert.deepStrictEqual(parsed("ERR 67109115 Forbidden <GPG Agent>"), {
      kind: "err",
      value: 67109115,
      text: "Forbidden <GPG Agent>"
    })
    assert.deepStrictEqual(parsed("ERR 67109139"), { kind: "err", value: 67109139, text: "" })
    assert.deepStrictEqual(parsed("ERR 1 "), { kind: "err", value: 1, text: "" })
    assert.deepStrictEqual(parsed("ERR 0067109139 x"), { kind: "err", value: 67109139, text: "x" })
    assert.deepStrictEqual(parsed("ERR 4294967295 x"), { kind: "err", value: 4294967295, text: "x" })
  })

  it("refuses an ERR without a number that gpg can live with", () => {
    const lines = [
      "ERR",
      "ERR ",
      "ERR Forbidden",
      "ERR 0",
      "ERR 0 x",
      "ERR 000",
      "ERR -1",
      "ERR +1",
      "ERR 1x",
      "ERR 0x10"
    ]
    const large = [
      "ERR 4294967296 x",
      "ERR 9999999999",
      "ERR 10000000000",
      "ERR 00000000001",
      "ERR 18446744073709551617"
    ]
    for (const line of [...lines, ...large, "ERR  1", "ERR\t1", "ERR 1\t", "ERR 1\0"]) {
      assert.isUndefined(parsed(line), line)
    }
  })

  it("reads status lines", () => {
    assert.deepStrictEqual(parsed("S INQUIRE_MAXLEN 255"), { kind: "status", keyword: "INQUIRE_MAXLEN", args: "255" })
    assert.deepStrictEqual(parsed("S PROGRESS"), { kind: "status", keyword: "PROGRESS", args: "" })
    assert.deepStrictEqual(parsed("S PROGRESS "), { kind: "status", keyword: "PROGRESS", args: "" })
    assert.deepStrictEqual(parsed("S SETDESC  two blanks"), { kind: "status", keyword: "SETDESC", args: " two blanks" })
  })

  it("refuses a status line without a keyword", () => {
    for (const line of ["S", "S ", "S  PROGRESS", "SPROGRESS", "S\tPROGRESS"]) assert.isUndefined(parsed(line), line)
  })

  it("reads data as it is", () => {
    assert.deepStrictEqual(parsed("D 2.2.40"), { kind: "data", payload: "2.2.40" })
    assert.deepStrictEqual(parsed("D "), { kind: "data", payload: "" })
    assert.deepStrictEqual(parsed("D  %0D\0\xff"), { kind: "data", payload: " %0D\0\xff" })
  })

  it("reads inquiries", () => {
    assert.deepStrictEqual(parsed("INQUIRE PASSPHRASE"), { kind: "inquire", keyword: "PASSPHRASE", args: "" })
    assert.deepStrictEqual(parsed("INQUIRE PINENTRY_LAUNCHED 8813 curses 1.2.1 /dev/tty xterm :0"), {
      kind: "inquire",
      keyword: "PINENTRY_LAUNCHED",
      args: "8813 curses 1.2.1 /dev/tty xterm :0"
    })
    assert.deepStrictEqual(parsed("INQUIRE CONFIRM 1"), { kind: "inquire", keyword: "CONFIRM", args: "1" })
    for (const line of ["INQUIRE", "INQUIRE ", "INQUIRE  X", "INQUIREX", "INQUIRE\tX", "INQUIR X"]) {
      assert.isUndefined(parsed(line), line)
    }
  })

  it("reads comments and empty lines as such", () => {
    for (const line of ["", "#", "# HELP", "#OK"]) assert.deepStrictEqual(parsed(line), { kind: "comment" }, line)
  })

  it("knows no other word and no other case", () => {
    const other = [
      "ok",
      "Ok",
      "OKAY",
      "OK\t",
      "O",
      "err 1 x",
      "s X 1",
      "d abc",
      "Dabc",
      "D",
      "inquire X",
      "END",
      "END x"
    ]
    for (const line of [...other, "CAN", "NOP", " OK", "\tOK", "\0", "OK\0", "\xcfK"]) {
      assert.isUndefined(parsed(line), line)
    }
  })
})

describe("the lines of a gate", () => {
  it("are read as what they are", () => {
    const text = (line: Buffer): string => line.toString("latin1").replace(/\n$/, "")
    assert.strictEqual(OK_LINE.toString(), "OK\n")
    assert.deepStrictEqual(parsed(text(okLine("closing connection"))), { kind: "ok", text: "closing connection" })
    assert.deepStrictEqual(parsed(text(statusLine("INQUIRE_MAXLEN", "255"))), {
      kind: "status",
      keyword: "INQUIRE_MAXLEN",
      args: "255"
    })
    assert.deepStrictEqual(parsed(text(inquireLine("PASSPHRASE"))), {
      kind: "inquire",
      keyword: "PASSPHRASE",
      args: ""
    })
    assert.deepStrictEqual(parsed(text(inquireLine("CONFIRM", "1"))), {
      kind: "inquire",
      keyword: "CONFIRM",
      args: "1"
    })
  })

  it("say an error as libassuan writes it", () => {
    assert.strictEqual(errLine(gpgError.FORBIDDEN).toString(), "ERR 67109115 Forbidden <GPG Agent>\n")
    assert.strictEqual(
      errLine(gpgError.ASS_SYNTAX, "leading white-space").toString(),
      "ERR 67109140 IPC syntax error <GPG Agent> - leading white-space\n"
    )
  })

  it("are never longer than 1000 bytes and LF", () => {
    for (
      const line of [
        okLine("x".repeat(2000)),
        errLine(gpgError.FORBIDDEN, "x".repeat(2000)),
        statusLine("X", "x".repeat(2000))
      ]
    ) {
      assert.strictEqual(line.length, 1001)
      assert.strictEqual(line.indexOf("\n"), 1000)
    }
  })
})
