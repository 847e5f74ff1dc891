// How often: `60/hour`. The number is also how many may come at once.

/** `count` uses for each `per` milliseconds. */
export interface Rate {
  readonly count: number
  readonly per: number
}
