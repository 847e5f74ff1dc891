// What a person sees of a text, computed as the agent and the pinentry do it, and texts that try to deceive.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import * as fc from "fast-check"
import type { KeyInfo } from "../../src/keys/key-directory.ts"
import type { Subject } from "../../src/shown/subject.ts"

/** GnuPG agent/findkey.c agent_modify_description, for a key whose comment is `COMMENT`. */
const expand = (text: string): string =>
  text.replace(/%([^])/g, (whole, next: string) => {
    if (next === "%") return "%"
    if (next === "c") return "COMMENT"
    if (next === "C") return "(COMMENT)"
    return next === "F" ? "MD5:00" : whole
  }).replace(/\s*\(\)$/, "")

/** pinentry.c strcpy_escaped, up to the NUL that ends a string of C. */
const unescape = (text: string): string =>
  text.replace(/%([^]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))).split("\0", 1)[0]!

/** The text in the dialog; `keydesc` where it went by way of SETKEYDESC. */
export const shown = (escaped: Buffer, keydesc = false): string => {
  const plain = escaped.toString("latin1").replaceAll("+", " ")
  const described = (keydesc ? expand(plain) : plain).replace(/[\x1e\x1f]/g, "")
  return Buffer.from(unescape(described), "latin1").toString("utf8")
}

export const linesShown = (escaped: Buffer, keydesc = false): ReadonlyArray<string> =>
  shown(escaped, keydesc).split("\n")

/** Whether a text has anything in it that moves, hides or turns what a person reads. The line feed alone is left out. */
export const isHarmful = (text: string): boolean =>
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u3164]/.test(text)
  || !text.isWellFormed()

export const GRIP = parseKeygrip("0123456789ABCDEF0123456789ABCDEF01234567")!

export const alice: KeyInfo = {
  keygrip: GRIP,
  keyId: "0123456789ABCDEF",
  userId: "Alice <alice@example.org>",
  capabilities: new Set(["sign"])
}

export const subject = (more: Partial<Subject> = {}): Subject => ({
  app: "mailpile",
  how: "user mailpile (1001), /usr/bin/python3",
  operations: ["sign"],
  command: "PKSIGN",
  keys: [alice],
  ...more
})

const deceptions = [
  "\nKey: FEDCBA9876543210, \"Bob\"",
  "%0Agripgate: the app \"git\" wants to sign",
  "\r\n\r\n",
  "PIN",
  "P%49N",
  "%c%C%F%%",
  "\u202egnp.exe",
  "\u200b\u2060\ufeff",
  "\u2028",
  "\u0085",
  "\x1b[2J",
  "\x7f\x9b",
  "\ud800",
  "\"\u201d",
  "| ",
  "()",
  "<b>&lt;",
  "\u3164\u2800",
  "\u{1f600}".repeat(300),
  " ".repeat(200),
  "x".repeat(300),
  "%".repeat(300),
  "PPPP".repeat(100)
]

/** Text that does its worst. */
export const deceptive: fc.Arbitrary<string> = fc.array(
  fc.oneof(fc.constantFrom(...deceptions), fc.string({ unit: "binary" }), fc.string()),
  { maxLength: 6 }
).map((parts) => parts.join(""))

/** What a client may say in a text: any bytes without a blank, escaped or not. */
export const clientText: fc.Arbitrary<Buffer> = fc.oneof(
  deceptive.map((text) => Buffer.from(text)),
  deceptive.map((text) => Buffer.from(encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+"))),
  fc.uint8Array({ maxLength: 900 }).map((bytes) => Buffer.from(bytes))
).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x20 && byte !== 0x0a).subarray(0, 940)))

export const appName: fc.Arbitrary<string | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  deceptive
)

export const keyInfo: fc.Arbitrary<KeyInfo> = fc.record({
  keygrip: fc.constant(GRIP),
  keyId: fc.constant("0123456789ABCDEF"),
  userId: deceptive,
  capabilities: fc.constant(undefined)
}, { requiredKeys: ["keygrip", "capabilities"] })

/** Any subject at all. */
export const subjects: fc.Arbitrary<Subject> = fc.record({
  app: appName,
  how: deceptive,
  operations: fc.subarray(["sign", "certify", "decrypt", "loopback", "export", "card"] as const),
  command: fc.constantFrom("PKSIGN", "PKDECRYPT", "GENKEY", "GET_PASSPHRASE", "SCD CHECKPIN"),
  keys: fc.array(keyInfo, { maxLength: 4 })
})
