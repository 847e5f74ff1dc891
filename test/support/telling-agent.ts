// A fake agent of GnuPG 2.5 that tells of every key whether it has it, by each command and for each option of them: what a
// gate hands to it is known afterwards.
import { commandSpec } from "@gripgate/protocol/table/index"
import { dataLines } from "@gripgate/testkit/assuan-data"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import { defaultHandlers } from "@gripgate/testkit/fake-agent/defaults"
import type { FakeConnection } from "@gripgate/testkit/fake-agent/record"
import type { Handler, Handlers, Reply } from "@gripgate/testkit/fake-agent/reply"
import { handlers as busy } from "./agent.ts"

const OK = "OK"
const NO_SECKEY: Reply = ["ERR 67108881 No secret key <GPG Agent>"]
const NOT_FOUND: Reply = ["ERR 67108891 Not found <GPG Agent>"]
const TRUNCATED = "ERR 67108938 Result truncated <GPG Agent>"

const wordsOf = (line: Buffer): ReadonlyArray<string> => line.toString("latin1").split(/[ \t]+/).slice(1)
const gripsIn = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.filter((word) => /^[0-9A-Fa-f]{40}$/.test(word)).map((word) => word.toUpperCase())
const keysOf = ({ keys = [] }: FakeConnection): ReadonlyArray<string> => keys

/** `HAVEKEY --list[=N]`, `--info`, and the old form (GnuPG agent/command.c cmd_havekey). */
export const haveKey: Handler = (line, connection) => {
  const words = wordsOf(line)
  const keys = keysOf(connection)
  const list = words.find((word) => /^--list(=|$)/.test(word))
  if (list !== undefined) {
    const most = Number(list.slice("--list=".length)) || Infinity
    const grips = Buffer.from(keys.slice(0, most).join(""), "hex")
    return [...dataLines(grips), keys.length > most ? TRUNCATED : OK]
  }
  if (!gripsIn(words).some((grip) => keys.includes(grip))) return NO_SECKEY
  return words.includes("--info") ? ["S KEYFILEINFO clear", OK] : [OK]
}

/** Both lists and the answer for one key, as status or as data (GnuPG agent/command.c do_one_keyinfo). */
export const keyInfo: Handler = (line, connection) => {
  const words = wordsOf(line)
  const keys = keysOf(connection)
  const row = (grip: string) => `KEYINFO ${grip} D - - - C - - -`
  const [asked] = gripsIn(words)
  if (asked !== undefined && !keys.includes(asked)) return NOT_FOUND
  const rows = (asked === undefined ? keys : [asked]).map(row)
  const shown = words.includes("--data")
    ? dataLines(Buffer.from(rows.map((text) => `${text}\n`).join("")))
    : rows.map((text) => `S ${text}`)
  return [...shown, OK]
}

/** The key that a session has chosen, behind a use of it. */
const chosenIn = ({ commands }: FakeConnection): ReadonlyArray<string> =>
  gripsIn(commands.findLast((line) => /^(?:SIGKEY|SETKEY) /.test(line))?.split(" ") ?? [])

const telling = (usual: Handler, ofSession: boolean): Handler => (line, connection) => {
  const named = ofSession ? chosenIn(connection) : gripsIn(wordsOf(line))
  if (named.length > 0 && !named.some((grip) => keysOf(connection).includes(grip))) return NO_SECKEY
  return typeof usual === "function" ? usual(line, connection) : usual
}

const table: Handlers = { ...defaultHandlers, ...busy }

/** Starts one that has these keys, in this order. */
export const startTellingAgent = (keys: ReadonlyArray<string>): Promise<FakeAgent> =>
  startFakeAgent({
    keys,
    handlers: {
      ...table,
      ...Object.fromEntries(
        Object.entries(table).flatMap(([name, usual]) => {
          const keys = commandSpec(name)?.keys ?? "none"
          return keys === "none" ? [] : [[name, telling(usual, keys === "session")]]
        })
      ),
      GETINFO: (line, connection) => {
        if (line.toString("latin1") === "GETINFO version") return ["D 2.5.12", OK]
        const usual = table["GETINFO"]!
        return typeof usual === "function" ? usual(line, connection) : usual
      },
      HAVEKEY: haveKey,
      KEYINFO: keyInfo
    }
  })
