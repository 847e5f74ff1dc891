// Medians and spreads of what was measured; pure.

/** A quantile between 0 and 1 of values that need not be sorted, by linear interpolation. */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)]!
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at))
}

/** What a row of the table says of a series of numbers. */
export interface Summary {
  readonly median: number
  readonly low: number
  readonly high: number
  /** Between these the true median lies with 95 % confidence; the extremes where there are too few numbers to say. */
  readonly from: number
  readonly to: number
}

/**
 * Median, 10th and 90th percentile, and the confidence interval of the median by order statistics, which supposes nothing of
 * the distribution: the number of values below the true median is binomial with p = 1/2.
 */
export const summary = (values: ReadonlyArray<number>): Summary => {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  const below = Math.max(0, Math.floor((n - 1.96 * Math.sqrt(n)) / 2) - 1)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.1),
    high: quantile(sorted, 0.9),
    from: sorted[below]!,
    to: sorted[n - 1 - below]!
  }
}

/** What each round gave, divided by what the base gave in the same round. */
export const pairwise = (values: ReadonlyArray<number>, base: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.map((value, round) => value / base[round]!)
