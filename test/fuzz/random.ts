// Randomness that can be had again: one seed, one session. Nothing else in these tests is random.

export interface Random {
  /** From 0 up to, and without, `below`. */
  int(below: number): number
  chance(probability: number): boolean
  pick<A>(from: ReadonlyArray<A>): A
  bytes(length: number): Buffer
}

/** mulberry32: 32 bits of state, good enough to look into every corner. */
export const random = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return (mixed ^ mixed >>> 14) >>> 0
  }
  const int = (below: number): number => next() % below
  return {
    int,
    chance: (probability) => next() < probability * 0x1_0000_0000,
    pick: (from) => from[int(from.length)]!,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256)))
  }
}
