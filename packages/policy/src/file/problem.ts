// What is wrong with a policy file, where, and what would be right. Everything quoted from the file is made harmless
// for a terminal and bounded first: a policy may have been copied from anywhere.
import { comparePlaces, formatPlace, type Place } from "../policy.ts"

/** One mistake. `message` says what was expected and what came, `hint` what to write instead. */
export interface Problem {
  readonly place: Place
  readonly message: string
  readonly hint?: string
}

/** `FILE:LINE:COLUMN: message`, and the hint on a line of its own; no LF at the end. */
export const formatProblem = (problem: Problem): string => {
  const first = `${harmless(formatPlace(problem.place))}: ${problem.message}`
  return problem.hint === undefined ? first : `${first}\nhint: ${problem.hint}`
}

/** Problems in the order of the file. */
export const inOrder = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.toSorted((a, b) => comparePlaces(a.place, b.place))

/** Longest piece of the file that a message repeats, in characters. */
const LONGEST_QUOTE = 60

/** A word of the file between double quotes, without control characters and at most 60 characters long. */
export const quote = (word: string): string => {
  const characters = Array.from(word.slice(0, 2 * LONGEST_QUOTE + 2))
  const cut = characters.length > LONGEST_QUOTE ? [...characters.slice(0, LONGEST_QUOTE), "..."] : characters
  return `"${harmless(cut.join(""))}"`
}

// Controls (C0, C1, DEL), what turns the direction of writing around, what is invisible, line separators, half
// surrogates.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const harmless = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)

/** `a`, `a or b`, `a, b or c`. */
export const oneOf = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`
