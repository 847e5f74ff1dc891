// What a row of the bench is: a thing that is measured with every contender in turn, so that whatever else goes on on the
// machine hits all alike.
import { setTimeout as sleep } from "node:timers/promises"
import type { Contender, Stage } from "./stage.ts"

/** What is hoped for, and what is still accepted; printed beside the number and judged by nobody here. */
export interface Goal {
  /** Divided by this contender in the same round; the number itself where it is left out. */
  readonly to?: "direct" | "socat"
  readonly text: string
}

/** By contender, one number for each round. */
export type Samples = ReadonlyMap<string, ReadonlyArray<number>>

export interface Measured {
  readonly samples: Samples
  /** Lines below the numbers. */
  readonly notes?: ReadonlyArray<string>
}

/** How much is done: 1 as a rule, less for a glance. */
export interface Effort {
  readonly scale: number
}

export interface Row {
  readonly id: string
  readonly title: string
  readonly unit: "ms" | "us" | "/s" | "KiB" | "MiB"
  /** For the gate. */
  readonly goals: ReadonlyArray<Goal>
  readonly measure: (stage: Stage, effort: Effort) => Promise<Measured>
}

/** Milliseconds of rest after each measurement: what a contender has to clean up is not to fall upon the next one. */
const SETTLE = 4

/** The number of rounds, never less than three. */
export const roundsOf = (effort: Effort, rounds: number): number => Math.max(3, Math.round(rounds * effort.scale))

/** A B C D A B C D ...: each contender once as a warm-up, then once in each round, with `restMs` before each round. */
export const interleave = async (
  contenders: ReadonlyArray<Contender>,
  rounds: number,
  measure: (contender: Contender) => number | Promise<number>,
  restMs = 0
): Promise<Samples> => {
  const samples = new Map(contenders.map(({ name }) => [name as string, [] as Array<number>]))
  for (let round = -1; round < rounds; round++) {
    await sleep(restMs)
    for (const contender of contenders) {
      const value = await measure(contender)
      if (round >= 0) samples.get(contender.name)!.push(value)
      await sleep(SETTLE)
    }
  }
  return samples
}
