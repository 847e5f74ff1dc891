// A question to the owner in lines for a person, the same for every approver: first what the gate knows, and behind it what a
// client or the agent says, each line of that marked. All lines are harmless. Pure: nothing here talks to anybody.
import { formatDuration, unitWords } from "@gripgate/policy/duration"
import type { Capability } from "@gripgate/policy/keys/keyring"
import type { Digest, Question } from "../approve/question.ts"
import type { KeyInfo } from "../keys/key-directory.ts"
import { clip, tidy } from "./lines.ts"
import { hanging, linesOf, saidLines } from "./subject.ts"

/** The keys of which it is told what they can: those that the subject's lines name. */
const names = ["The first key", "The second key"]

/** A secret key that can encrypt, by its certificate, is there to decrypt. */
const uses: ReadonlyArray<readonly [Capability, string]> = [
  ["sign", "sign"],
  ["certify", "certify"],
  ["authenticate", "authenticate"],
  ["encrypt", "decrypt"]
]

const usesOf = (capabilities: ReadonlySet<Capability>): string =>
  uses.filter(([capability]) => capabilities.has(capability)).map(([, word]) => word).join(", ") || "nothing"

/** What each key can do, where that is known. */
const canLines = (keys: ReadonlyArray<KeyInfo>): ReadonlyArray<string> =>
  keys.slice(0, names.length).flatMap(({ capabilities }, index) =>
    capabilities === undefined ? [] : [`${keys.length === 1 ? "It" : names[index]} can: ${usesOf(capabilities)}`]
  )

/** In groups of four digits, as fingerprints are compared. */
const digestLines = (digest: Digest | "unseen"): ReadonlyArray<string> => {
  if (digest === "unseen") return ["Digest: not seen by gripgate"]
  const { algorithm, hex } = digest
  return hanging(`${clip(tidy(algorithm), 20, 40)} digest: ${hex.match(/.{1,4}/g)?.join(" ") ?? "none"}`)
}

/** What the gate knows. Every one of these lines is shown, or nothing is. */
export const gateLines = ({ digest, note, subject }: Question): ReadonlyArray<string> => [
  ...linesOf(subject),
  ...canLines(subject.keys),
  ...(digest === undefined ? [] : digestLines(digest)),
  ...(note === undefined ? [] : hanging(tidy(note)))
]

/** What the client or the agent says, behind a line that says who it is; none where there is nothing to read. */
export const wordLines = ({ said }: Question): ReadonlyArray<string> => {
  const lines = said === undefined ? [] : saidLines(said.text)
  return lines.length === 0 ? [] : [said?.by === "agent" ? "gpg-agent says:" : "It says:", ...lines]
}

/** All that is shown of a question. */
export const questionLines = (question: Question): ReadonlyArray<string> => [
  ...gateLines(question),
  ...wordLines(question)
]

/** `15 minutes`, `1 hour`, `90 days`: in the largest unit that leaves no rest. */
export const durationWords = (milliseconds: number): string => {
  const [, count, unit] = /^(\d+)([a-z]+)$/.exec(formatDuration(milliseconds))!
  const [name, plural] = unitWords.slice(unitWords.indexOf(unit!) + 1)
  return `${count} ${count === "1" ? name : plural}`
}
