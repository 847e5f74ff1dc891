// Names of questions and grants, short enough to be typed: four characters that nobody mistakes for others.
import { randomInt } from "node:crypto"

/** Without 0, 1, I, L, O and U: nobody reads one for another, and no word comes about by accident. */
export const ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

export const SHORT_ID_LENGTH = 4

/** Names that are remembered as used: there are 810,000, and the oldest are free again. */
const MAX_USED = 100_000

/** Gives names that it has not given, or been told of, before. */
export class ShortIds {
  private readonly used = new Set<string>()
  private readonly random: (below: number) => number

  /** `random` gives a whole number from 0, below the argument. */
  constructor(random: (below: number) => number = randomInt) {
    this.random = random
  }

  next(): string {
    for (;;) {
      const id = Array.from({ length: SHORT_ID_LENGTH }, () => ALPHABET[this.random(ALPHABET.length)]).join("")
      if (this.used.has(id)) continue
      this.take(id)
      return id
    }
  }

  /** A name that is used already. */
  take(id: string): void {
    this.used.add(id)
    if (this.used.size > MAX_USED) this.used.delete(this.used.values().next().value!)
  }
}

/** A name as it was typed, in the one way that it is kept. */
export const readShortId = (typed: string): string => typed.trim().toUpperCase()
