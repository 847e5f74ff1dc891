// What may become of an operation, and which of two verdicts is the stricter. Who satisfies an `ask` or a `token` is
// decided elsewhere: here they are only words with an order.

/** Every verdict, from the most lenient to the strictest. */
export const verdicts = ["allow", "ask", "token", "forbid"] as const

/**
 * `allow`: it happens. `ask`: the owner is asked. `token`: only a token presented on this connection releases it.
 * `forbid`: it is refused, and nothing overrides that.
 */
export type Verdict = typeof verdicts[number]

const strictness: ReadonlyMap<string, number> = new Map(verdicts.map((verdict, rank) => [verdict, rank]))

/** Whether a word is a verdict; case matters, as everywhere in the policy file. */
export const isVerdict = (word: string): word is Verdict => strictness.has(word)

/** Whether the first verdict is stricter than the second. */
export const isStricter = (one: Verdict, other: Verdict): boolean => strictness.get(one)! > strictness.get(other)!

/**
 * The strictest of one or more verdicts: what holds where a use needs several, such as a key with several capabilities.
 * At least one is asked for, because "strictest of none" would have to be `allow`.
 */
export const strictest = (first: Verdict, ...rest: ReadonlyArray<Verdict>): Verdict => {
  let found = first
  for (const verdict of rest) {
    if (strictness.get(verdict)! > strictness.get(found)!) found = verdict
  }
  return found
}
