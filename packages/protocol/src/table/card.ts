// Smart cards: SCD hands a command to the card daemon, which has a table of its own. Inner words are checked and written
// anew like all others; what steers the reader for everybody is `admin` beside `card`.
import type { CommandSpec, OptionSpec } from "../grammar/command.ts"
import { choice, hex, keygrip, number, restWithDashes, word } from "../grammar/field.ts"
import type { Operation } from "../operation.ts"
import {
  arg,
  command,
  data,
  flag,
  optional,
  PINENTRY_LAUNCHED,
  protecting,
  secretData,
  unlocking,
  valued
} from "./define.ts"

const names = (...words: ReadonlyArray<string>): ReadonlyArray<OptionSpec> => words.map((name) => flag(name))
const hashNames = choice("sha1", "sha224", "sha256", "sha384", "sha512", "rmd160", "md5", "none")
const something = word("WORD", 200)
const timestamp = valued("--timestamp", word("TIME", 20))

const inner = (
  name: string,
  note: string,
  is: ReadonlyArray<Operation>,
  more: Parameters<typeof command>[3] = {}
): CommandSpec => command(name, "agent", note, { status: "*", inquiries: unlocking, ...more, is: ["card", ...is] })

const use = (name: string, note: string, is: Operation, ...options: ReadonlyArray<OptionSpec>): CommandSpec =>
  inner(name, note, [is], { options, args: [arg(something)] })

/** The words of SCD: those of scdaemon 2.2, and what 2.4 and 2.5 add. */
export const scdCommands: ReadonlyArray<CommandSpec> = [
  inner("SERIALNO", "tells which card is in the reader", [], {
    options: [valued("--demand", word("SERIALNO", 60)), flag("--all", "2.3.0")],
    args: [optional(word("APPTYPE", 40))]
  }),
  inner("LEARN", "reads the card's data", [], {
    options: [
      ...names("--force", "--keypairinfo"),
      flag("--reread", "2.3.0"),
      flag("--multi", "2.3.0"),
      valued("--demand", word("SERIALNO", 60), "2.5.6")
    ],
    args: [optional(keygrip)],
    inquiries: [data("KNOWNCARDP")]
  }),
  inner("READCERT", "reads a certificate", [], { args: [arg(something)] }),
  inner("READKEY", "reads a public key", [], {
    options: [...names("--advanced", "--info", "--info-only"), valued("--format", choice("advanced", "ssh"), "2.3.8")],
    args: [arg(something)]
  }),
  inner("GETATTR", "reads a value", [], { args: [arg(something), optional(something)] }),
  inner("GETINFO", "tells about the card daemon", [], {
    args: [arg(word("WHAT", 40)), optional(word("MORE", 40)), optional(word("MORE", 40))]
  }),
  inner("KEYINFO", "lists the card's keys", [], {
    options: [{ name: "--list", value: choice("sign", "encr", "auth"), bare: true }, flag("--data")],
    args: [optional(keygrip)],
    since: "2.3.0"
  }),
  inner("DEVINFO", "lists readers", [], { options: names("--watch"), since: "2.3.0" }),
  inner("SETDATA", "gives the data of the next operation", ["sign"], {
    options: names("--append"),
    args: [arg(hex("DATA", 1, 480))]
  }),
  use("PKSIGN", "signs with a key of the card", "sign", valued("--hash", hashNames)),
  use("PKAUTH", "authenticates with a key of the card", "authenticate", flag("--challenge-response", "2.3.8")),
  use("PKDECRYPT", "decrypts with a key of the card", "decrypt"),
  inner("SETATTR", "writes a value", ["store"], {
    changes: true,
    options: [flag("--inquire", "2.3.0")],
    // gpg writes `SCD SETATTR KEY-ATTR --force+1+1+rsa2048`
    args: [arg(word("NAME", 40)), optional(restWithDashes("VALUE"))],
    inquiries: [secretData("VALUE", 4096), ...unlocking]
  }),
  inner("WRITECERT", "writes a certificate", ["import"], {
    changes: true,
    args: [arg(something)],
    inquiries: [data("CERTDATA", 16384), ...unlocking]
  }),
  inner("WRITEKEY", "writes a secret key", ["import"], {
    changes: true,
    options: names("--force"),
    args: [arg(something)],
    inquiries: [secretData("KEYDATA", 8192), ...unlocking]
  }),
  inner("GENKEY", "makes a key on the card", ["generate"], {
    changes: true,
    options: [flag("--force"), timestamp, valued("--algo", word("ALGORITHM", 40), "2.3.0")],
    args: [arg(something)]
  }),
  inner("PASSWD", "changes a PIN", ["passwd"], {
    changes: true,
    options: names("--reset", "--nullpin", "--clear"),
    args: [arg(something), optional(keygrip)],
    inquiries: protecting
  }),
  inner("CHECKPIN", "checks a PIN, and uses up a try", ["passwd"], { changes: true, args: [arg(something)] }),
  inner("RANDOM", "takes random bytes from the card", ["admin"], { args: [arg(number("COUNT"))] }),
  inner("APDU", "sends a raw command to the card", ["admin"], {
    changes: true,
    options: [
      ...names("--atr", "--more", "--dump-atr"),
      flag("--data-atr", "2.3.0"),
      { name: "--exlen", value: number("COUNT"), bare: true }
    ],
    args: [optional(hex("APDU", 1, 480))]
  }),
  inner("LOCK", "keeps other sessions from the card", ["admin"], { options: names("--wait") }),
  inner("UNLOCK", "lets other sessions at the card", ["admin"]),
  inner("RESET", "resets the card in the reader", ["admin"], { options: names("--keep-lock") }),
  inner("RESTART", "starts the card's session anew", ["admin"]),
  inner("DISCONNECT", "lets go of the reader", ["admin"]),
  inner("KILLSCD", "stops the card daemon", ["admin"]),
  inner("SWITCHCARD", "chooses a card", ["admin"], { args: [optional(something)], since: "2.3.0" }),
  inner("SWITCHAPP", "chooses an application of the card", ["admin"], { args: [optional(something)], since: "2.3.0" })
]

export const cardCommands: ReadonlyArray<CommandSpec> = [
  command("SCD", "agent", "hands a command to the card daemon", {
    is: (parsed) => parsed.inner!.spec.operations(parsed.inner!),
    mayBe: ["card", "sign", "authenticate", "decrypt", "store", "import", "generate", "passwd", "admin"],
    inquiries: [PINENTRY_LAUNCHED],
    status: "*"
  }),
  command("LEARN", "agent", "reads the card in the reader and notes its keys", {
    is: "card",
    options: [flag("--send"), flag("--sendinfo"), flag("--force")],
    args: [optional(word("SERIALNO", 60))],
    inquiries: [data("KNOWNCARDP"), data("CERTDATA", 16384), ...unlocking],
    status: "*"
  }),
  command("KEYTOCARD", "agent", "moves a key to a card", {
    is: ["card", "export"],
    keys: "use",
    changes: true,
    options: [flag("--force")],
    args: [
      arg(keygrip),
      arg(word("SERIALNO", 60)),
      arg(word("KEYREF", 60)),
      optional(word("TIMESTAMP", 20)),
      optional(hex("ECDH", 1, 40))
    ],
    inquiries: unlocking,
    status: "*"
  }),
  command("KEYTOTPM", "agent", "moves a key to the TPM", {
    is: ["card", "export"],
    keys: "use",
    changes: true,
    args: [arg(keygrip)],
    inquiries: unlocking,
    status: "*",
    since: "2.3.0"
  })
]

/** Card probes that gpg sends in ordinary work and that tell nothing of a key. */
export const isCardProbe = (parsed: { readonly spec: CommandSpec }): boolean =>
  parsed.spec.name === "SERIALNO" || parsed.spec.name === "GETINFO" || parsed.spec.name === "KEYINFO"
