// The spellings of OPTION lines. Which of them an agent takes was seen with GnuPG 2.2.40 to 2.5.12; the rest follows
// libassuan assuan-handler.c std_handler_option.
import { assert, describe, it } from "@effect/vitest"
import { type GpgError, gpgError } from "../src/gpg-error.ts"
import { optionNames } from "../src/table/option.ts"
import { request } from "./plain.ts"

/** Name and value of an OPTION line, or the number of the refusal. */
const read = (line: string): readonly [name: string, value: string] | number => {
  const parsed = request(line)
  if (parsed.kind === "option") return [parsed.option.name, parsed.value.toString("latin1")]
  assert.strictEqual(parsed.kind, "refused", line)
  return parsed.kind === "refused" ? parsed.error.value : 0
}

const assertRefused = (error: GpgError, ...lines: ReadonlyArray<string>): void => {
  for (const line of lines) assert.strictEqual(read(line), error.value, line)
}

describe("an OPTION line", () => {
  it("has its value behind an equals sign, a blank, or both", () => {
    const spellings = [
      "OPTION lc-ctype=C.UTF-8",
      "OPTION lc-ctype C.UTF-8",
      "OPTION lc-ctype = C.UTF-8",
      "OPTION lc-ctype =C.UTF-8",
      "OPTION lc-ctype= C.UTF-8",
      "OPTION --lc-ctype=C.UTF-8",
      "OPTION --lc-ctype C.UTF-8",
      "option lc-ctype=C.UTF-8",
      "Option  lc-ctype  =  C.UTF-8  ",
      "OPTION\tlc-ctype\t=\tC.UTF-8\t",
      "OPTION lc-ctype\tC.UTF-8"
    ]
    for (const line of spellings) assert.deepStrictEqual(read(line), ["lc-ctype", "C.UTF-8"], line)
  })

  it("keeps blanks, dashes and equals signs inside a value", () => {
    assert.deepStrictEqual(read("OPTION putenv=A=b c =d"), ["putenv", "A=b c =d"])
    assert.deepStrictEqual(read("OPTION display = =x"), ["display", "=x"])
    assert.deepStrictEqual(read("OPTION display --x"), ["display", "--x"])
    assert.deepStrictEqual(read("OPTION pinentry-user-data=\xff\x01%00+ x"), ["pinentry-user-data", "\xff\x01%00+ x"])
  })

  it("may have no value where the option means something without", () => {
    for (
      const line of [
        "OPTION allow-pinentry-notify",
        "OPTION allow-pinentry-notify ",
        "OPTION --allow-pinentry-notify\t"
      ]
    ) {
      assert.deepStrictEqual(read(line), ["allow-pinentry-notify", ""], line)
    }
  })

  it("has no empty value behind an equals sign", () => {
    assertRefused(
      gpgError.ASS_SYNTAX,
      "OPTION pinentry-mode=",
      "OPTION display = ",
      "OPTION allow-pinentry-notify=\t",
      "OPTION nosuch="
    )
  })

  it("needs a name", () => {
    assertRefused(gpgError.ASS_SYNTAX, "OPTION", "OPTION ", "OPTION \t ", "OPTION =", "OPTION =x", "OPTION  = x")
  })

  it("does not begin its name with one dash, or three", () => {
    assertRefused(
      gpgError.ASS_SYNTAX,
      "OPTION -display=:0",
      "OPTION -",
      "OPTION --",
      "OPTION ---display=:0",
      "OPTION -- display=:0",
      "OPTION --=x"
    )
  })

  it("is for a name that is known, in its own case", () => {
    const unknown = [
      "OPTION nosuch=1",
      "OPTION Display=:0",
      "OPTION DISPLAY=:0",
      "OPTION displa=:0",
      "OPTION display2=:0",
      "OPTION owner=1"
    ]
    assertRefused(
      gpgError.UNKNOWN_OPTION,
      ...unknown,
      "OPTION event-signal=12",
      "OPTION __proto__=x",
      "OPTION displ%61y=:0"
    )
  })

  it("has a value that the option can have", () => {
    for (const mode of ["ask", "default", "cancel", "error", "loopback"]) {
      assert.deepStrictEqual(read(`OPTION pinentry-mode=${mode}`), ["pinentry-mode", mode])
    }
    assertRefused(
      gpgError.INV_VALUE,
      "OPTION pinentry-mode",
      "OPTION pinentry-mode=LOOPBACK",
      "OPTION pinentry-mode=loopback x",
      "OPTION pinentry-mode=loopbac",
      "OPTION pretend-request-origin=bogus",
      "OPTION pretend-request-origin",
      "OPTION putenv",
      "OPTION putenv = =x",
      "OPTION use-cache-for-signing=yes",
      "OPTION s2k-count=12345678901",
      "OPTION ephemeral=-1",
      "OPTION agent-awareness=2 1"
    )
    assert.deepStrictEqual(read("OPTION use-cache-for-signing=0"), ["use-cache-for-signing", "0"])
    assert.deepStrictEqual(read("OPTION agent-awareness=2.1.0"), ["agent-awareness", "2.1.0"])
    assert.deepStrictEqual(read("OPTION ephemeral=1"), ["ephemeral", "1"])
    for (const origin of ["local", "remote", "browser"]) {
      assert.deepStrictEqual(read(`OPTION pretend-request-origin=${origin}`), ["pretend-request-origin", origin])
    }
  })

  it("takes any bytes for what goes into the environment of a prompt, but the three that no line has", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
      ![0, 9, 10, 13, 32, 61].includes(byte)
    )
    const text = Buffer.from(bytes).toString("latin1")
    for (const { name } of optionNames.filter(({ fate }) => fate === "environment")) {
      assert.deepStrictEqual(read(`OPTION ${name}=${text}`), [name, text])
    }
  })

  it("is refused where writing it would be longer than 1000 bytes", () => {
    const fits = `OPTION display=${"x".repeat(985)}`
    assert.strictEqual(fits.length, 1000)
    assert.deepStrictEqual(read(fits), ["display", "x".repeat(985)])
    assertRefused(gpgError.ASS_LINE_TOO_LONG, `${fits}x`)
    assert.deepStrictEqual(read(`OPTION display ${"x".repeat(985)} `), ["display", "x".repeat(985)])
  })

  it("gives the value as bytes of the line, so that it can be wiped", () => {
    const line = Buffer.from("OPTION pinentry-user-data=secret")
    const parsed = request(line.toString("latin1"))
    assert.isTrue(parsed.kind === "option" && Buffer.isBuffer(parsed.value))
  })
})
