// Whether a match, or one condition of it, holds for a client. A fact that is not known never does.
import { numberIn } from "./accounts.ts"
import type { ClientFacts } from "./facts.ts"
import { matchesGlob } from "./glob.ts"
import type { Condition, FactName, Match } from "./match.ts"

/** Whether every condition holds. */
export const matches = (match: Match, facts: ClientFacts): boolean =>
  match.conditions.every((condition) => holdsFor(condition, facts))

/** Whether one of the values is what the client shows. */
export const holdsFor = (condition: Condition, facts: ClientFacts): boolean => {
  switch (condition.fact) {
    case "user":
      return facts.uid !== undefined && numbersOf(condition).includes(facts.uid)
    case "group": {
      const numbers = numbersOf(condition)
      return groupsOf(facts).some((group) => numbers.includes(group))
    }
    case "parent":
      return facts.chain.slice(1).some(({ exe }) => exe !== undefined && fits(condition, exe))
    default: {
      const value = factOf(condition.fact, facts)
      return value !== undefined && fits(condition, value)
    }
  }
}

// a command line is no path, though there are paths in it; nor is the fingerprint of a key
const fits = ({ fact, values }: Condition, text: string): boolean =>
  values.some((value) => matchesGlob(value, text, fact === "cmdline" || fact === "remote" ? "any" : "apart"))

// names that have not been looked up are nobody
const numbersOf = ({ numbers, values }: Condition): ReadonlyArray<number> =>
  numbers ?? values.map(numberIn).filter((number) => number !== undefined)

const groupsOf = ({ gid, groups }: ClientFacts): ReadonlyArray<number> =>
  gid === undefined ? groups ?? [] : [gid, ...groups ?? []]

/** A fact that is one text. */
export const factOf = (
  fact: Exclude<FactName, "user" | "group" | "parent">,
  facts: ClientFacts
): string | undefined => fact === "user-unit" ? facts.userUnit : facts[fact]
