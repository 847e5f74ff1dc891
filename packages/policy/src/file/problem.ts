// What is wrong with a policy file, where, and what would be right. Everything quoted from the file is made harmless
// for a terminal and bounded first: a policy may have been copied from anywhere.
import { harmless } from "../harmless.ts"
import { comparePlaces, formatPlace, type Place } from "../policy.ts"

/** One mistake. `message` says what was expected and what came, `hint` what to write instead. */
export interface Problem {
  readonly place: Place
  readonly message: string
  readonly hint?: string
}

/** What is wrong with a text, before it is known where it stands. */
export type Wrong = Omit<Problem, "place">

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

/** `a`, `a or b`, `a, b or c`. */
export const oneOf = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** `a`, `a and b`, `a, b and c`. */
export const allOf = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`
