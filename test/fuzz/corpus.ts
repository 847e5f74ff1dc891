// What real programs said, taken apart into commands and the answers to inquiries, and the words that the protocol knows. All
// random sessions are made of it.
import { scdCommands } from "@gripgate/protocol/table/card"
import { getinfoWords } from "@gripgate/protocol/table/getinfo"
import { commands } from "@gripgate/protocol/table/index"
import { optionNames } from "@gripgate/protocol/table/option"
import { readTranscript } from "@gripgate/testkit/transcript"
import { globSync } from "node:fs"
import { join } from "node:path"
import { grips } from "../support/attack.ts"
import { DIGEST, ecdhCiphertext } from "../support/wire.ts"

export interface Corpus {
  /** One for each recorded connection: its command lines, without LF. */
  readonly dialogues: ReadonlyArray<ReadonlyArray<Buffer>>
  /** Every recorded command line. */
  readonly lines: ReadonlyArray<Buffer>
  /** Recorded answers by keyword of the inquiry: D lines and END, without LF. */
  readonly answers: ReadonlyMap<string, ReadonlyArray<ReadonlyArray<Buffer>>>
  readonly words: ReadonlyArray<string>
}

const transcripts = join(import.meta.dirname, "..", "transcripts")

/** Reads all transcripts. Nothing depends on the order of the directory. */
export const readCorpus = async (): Promise<Corpus> => {
  const dialogues: Array<ReadonlyArray<Buffer>> = []
  const answers = new Map<string, Array<ReadonlyArray<Buffer>>>()
  for (const file of globSync("*.txt", { cwd: transcripts }).toSorted()) {
    for (const { lines } of (await readTranscript(join(transcripts, file))).connections) {
      const said: Array<Buffer> = []
      let asked: { readonly keyword: string; readonly answer: Array<Buffer> } | undefined
      for (const { bytes, from } of lines) {
        const keyword = from === "agent" ? /^INQUIRE ([^ ]+)/.exec(bytes.toString("latin1"))?.[1] : undefined
        if (keyword !== undefined) asked = { keyword, answer: [] }
        if (from === "agent") continue
        if (asked === undefined) {
          said.push(bytes)
          continue
        }
        asked.answer.push(bytes)
        if (!/^(END|CAN)/.test(bytes.toString("latin1"))) continue
        answers.set(asked.keyword, [...answers.get(asked.keyword) ?? [], asked.answer])
        asked = undefined
      }
      if (said.length > 0) dialogues.push(said)
    }
  }
  return { dialogues, lines: dialogues.flat(), answers, words }
}

const words: ReadonlyArray<string> = [
  ...[...commands, ...scdCommands].flatMap(({ name, options }) => [name, ...options.map((option) => option.name)]),
  ...optionNames.map(({ name }) => name),
  ...getinfoWords.map(({ word }) => word),
  ...Object.values(grips).flatMap(({ encryption, primary }) => [primary, encryption.toLowerCase()]),
  "loopback",
  "ask",
  "0",
  "1",
  "8",
  "-1",
  "616263",
  DIGEST,
  "X",
  "--",
  "=",
  "20261123T055141",
  "END",
  "CAN",
  "D",
  "#",
  "%",
  "%41"
]

const line = (text: string): Buffer => Buffer.from(text, "latin1")
const dataLine = Buffer.concat([line("D "), ecdhCiphertext])
const { plain } = grips

/** Commands that ask, with answers that every agent takes: where a session has to get past an inquiry first. */
export const openings: ReadonlyArray<
  { readonly commands: ReadonlyArray<Buffer>; readonly answer: ReadonlyArray<Buffer> }
> = [
  { commands: [line(`SETKEY ${plain.encryption}`), line("PKDECRYPT")], answer: [dataLine, line("END")] },
  {
    commands: [line("GENKEY --no-protection")],
    answer: [line("D (genkey(ecc(curve Ed25519)(flags eddsa)))"), line("END")]
  },
  {
    commands: [line("KEYWRAP_KEY --import"), line("IMPORT_KEY --unattended")],
    answer: [line("D x%25%0A"), line("D y"), line("END")]
  },
  { commands: [line("PRESET_PASSPHRASE --inquire X1 -1")], answer: [line("D abc"), line("END")] },
  {
    commands: [
      line("OPTION pinentry-mode=loopback"),
      line(`SIGKEY ${plain.primary}`),
      line(`SETHASH 8 ${DIGEST}`),
      line("PKSIGN")
    ],
    answer: [line("D abc"), line("END")]
  },
  {
    commands: [line("OPTION pinentry-mode=loopback"), line(`PASSWD ${plain.primary}`)],
    answer: [line("d a"), line("end")]
  }
]
