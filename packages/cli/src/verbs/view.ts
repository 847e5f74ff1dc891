// What a verb prints a screen for: the terminal of stdout, or 80 columns where it is none.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { View } from "../screens/line.ts"

const COLUMNS = 80

/** The local time of whoever looks. */
export const localOffset = (at: number): number => -new Date(at).getTimezoneOffset()

/** How wide stdout is; a terminal that does not know says 0. */
export const columnsOfStdout = (): number => process.stdout.columns || COLUMNS

export const stdoutView: Effect.Effect<View> = Effect.map(Clock.currentTimeMillis, (now) => ({
  columns: columnsOfStdout(),
  now,
  offset: localOffset
}))
