// Which word was meant. Only words are compared here; who asks says which words could stand in that place.

/**
 * The nearest of the known words, or `undefined` if none is near. Near is an edit distance of at most 2, and of
 * at most a third of the word, so that `limit` is not taken for `list`; case does not count.
 */
export const suggest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  let nearest: string | undefined
  let least = Math.min(2, Math.max(1, Math.floor(word.length / 3))) + 1
  for (const candidate of known) {
    // The distance is never below the difference in length: a word of any length costs nothing here.
    if (Math.abs(candidate.length - word.length) >= least) continue
    const far = distance(word.toLowerCase(), candidate)
    if (far < least) {
      least = far
      nearest = candidate
    }
  }
  return nearest
}

/** `did you mean ...?` for the nearest word, or `undefined`. */
export const didYouMean = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const nearest = suggest(word, known)
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`
}

/**
 * Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions, deletions, replacements,
 * and swaps of two neighbours, none of them edited twice. UTF-16 units; time and space are the product of the lengths.
 */
export const distance = (a: string, b: string): number => {
  let beforeLast: Array<number> = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
