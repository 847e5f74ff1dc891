// What the fake agent does where a test says nothing: the answers of GnuPG 2.2.40's gpg-agent to what gpg sends, with one
// canned signature and one canned session key.
import { dataLines } from "../assuan-data.ts"
import type { FakeConnection } from "./record.ts"
import type { Handler, Handlers, Reply } from "./reply.ts"

/** Every byte that D lines have to escape, and NUL and 0xff, in what a signature and a session key consist of. */
const awkward = Buffer.from([0x00, 0x25, 0x0a, 0x0d, 0x41, 0xff, 0x5c, 0x7f])

const sexp = (...parts: ReadonlyArray<string | Buffer>): Buffer =>
  Buffer.concat(parts.map((part) => typeof part === "string" ? Buffer.from(part) : part))

/** The data of every PKSIGN: a canonical S-expression, unescaped. */
export const cannedSignature: Buffer = sexp(
  "(7:sig-val(5:eddsa(1:r32:",
  Buffer.alloc(32, awkward),
  ")(1:s32:",
  Buffer.alloc(32, awkward),
  ")))"
)

/** The data of every PKDECRYPT. */
export const cannedPlaintext: Buffer = sexp("(5:value33:@", Buffer.alloc(32, awkward), ")")

const OK = ["OK"]
const PARAMETER = "ERR 67109144 IPC parameter error <GPG Agent>"
const NO_SECKEY = ["ERR 67108881 No secret key <GPG Agent>"]

const words = (line: Buffer): ReadonlyArray<string> => line.toString("latin1").split(/[ \t]+/).slice(1)
const knows = (connection: FakeConnection, grip: string): boolean =>
  connection.keys === undefined || connection.keys.includes(grip.toUpperCase())

const haveKey: Handler = (line, connection): Reply => {
  const grips = words(line)
  // 2.2.40 has no --list
  if (grips.length === 0 || grips.some((grip) => grip.startsWith("--"))) return [PARAMETER]
  return grips.some((grip) => knows(connection, grip)) ? OK : NO_SECKEY
}

const keyInfo: Handler = (line, connection): Reply => {
  const row = (grip: string) => `S KEYINFO ${grip} D - - - C - - -`
  const args = words(line)
  if (args.includes("--list")) return [...(connection.keys ?? []).map(row), "OK"]
  const grip = args.at(-1) ?? ""
  return knows(connection, grip) ? [row(grip.toUpperCase()), "OK"] : ["ERR 67108891 Not found <GPG Agent>"]
}

const getInfo: Handler = (line): Reply => {
  // a blank behind the word belongs to it, and then it is another word
  const what = line.toString("latin1").replace(/^[^ \t]*[ \t]*/, "")
  if (what === "version") return ["D 2.2.40", "OK"]
  if (what === "pid") return [`D ${process.pid}`, "OK"]
  if (what === "s2k_count") return ["D 65536", "OK"]
  if (what.startsWith("cmd_has_option ")) return OK
  if (what === "restricted") return ["ERR 67109120 False <GPG Agent>"]
  return [`${PARAMETER} - unknown value for WHAT`]
}

/** The table that a test's own handlers are laid over. What is not in it is an unknown command. */
export const defaultHandlers: Handlers = {
  RESET: OK,
  NOP: OK,
  OPTION: OK,
  BYE: { bytes: Buffer.from("OK closing connection\n"), thenClose: true },
  GETINFO: getInfo,
  HAVEKEY: haveKey,
  KEYINFO: keyInfo,
  SIGKEY: OK,
  SETKEY: OK,
  SETKEYDESC: OK,
  SETHASH: OK,
  PKSIGN: [...dataLines(cannedSignature), "OK"],
  PKDECRYPT: { inquire: "CIPHERTEXT", maxlen: 4096, next: () => [...dataLines(cannedPlaintext), "OK"] },
  SCD: ["ERR 67108983 No SmartCard daemon <GPG Agent>"],
  GETEVENTCOUNTER: ["S EVENTCOUNTER 0 0 0", "OK"],
  ISTRUSTED: ["ERR 67108962 Not trusted <GPG Agent>"],
  KILLAGENT: { bytes: Buffer.from("OK closing connection\n"), thenClose: true },
  RELOADAGENT: OK
}

/** The answer to a command that is in no table. */
export const unknownCommand: Reply = ["ERR 67109139 Unknown IPC command <GPG Agent>"]
