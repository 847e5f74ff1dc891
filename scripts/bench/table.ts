// The table as text, at most 100 columns wide: for each row a block, with a line for each contender. Pure.
import type { Goal, Measured, Row } from "./row.ts"
import { pairwise, type Summary, summary } from "./statistics.ts"

const number = (value: number): string => value.toFixed(value >= 1000 ? 0 : value >= 100 ? 1 : 2)

const ratio = (value: number): string => value.toFixed(value >= 10 ? 1 : 3)

/** Name, median, spread, ratio, the interval of the ratio, the spread of the ratio, goal. */
type Cells = readonly [string, string, string, string, string, string, string]

const line = ([name, median, spread, ratio, sure, ratios, goal]: Cells): string =>
  [
    `  ${name.padEnd(11)}${median.padStart(8)}${spread.padStart(18)}`,
    `${ratio.padStart(8)}${sure.padStart(15)}${ratios.padStart(15)}  ${goal}`
  ].join("").trimEnd()

const HEAD = line(["", "median", "p10..p90", "ratio", "95 % sure", "p10..p90", "goal"])

const numbersOf = ({ high, low, median }: Summary) => [number(median), `${number(low)}..${number(high)}`] as const

const ratiosOf = ({ from, high, low, median, to }: Summary) =>
  [ratio(median), `${ratio(from)}..${ratio(to)}`, `${ratio(low)}..${ratio(high)}`] as const

const goalsOf = (row: Row, to: Goal["to"]): string =>
  row.goals.filter((goal) => goal.to === to).map(({ text }) => text).join(", ")

/** The lines of one row. Ratios are to `direct` where it was measured, and to whom a goal names. */
export const block = (row: Row, { notes = [], samples }: Measured): ReadonlyArray<string> => {
  const direct = samples.get("direct")
  const rounds = Math.max(0, ...[...samples.values()].map((values) => values.length))
  const lines = [...samples].map(([name, values]) => {
    const ratios = direct === undefined || name === "direct"
      ? ["", "", ""] as const
      : ratiosOf(summary(pairwise(values, direct)))
    const goal = name === "gate" ? goalsOf(row, direct === undefined ? undefined : "direct") : ""
    return line([name, ...numbersOf(summary(values)), ...ratios, goal])
  })
  const gate = samples.get("gate")
  const socat = samples.get("socat")
  const toSocat = goalsOf(row, "socat")
  if (gate !== undefined && socat !== undefined && toSocat !== "") {
    lines.push(line(["gate/socat", "", "", ...ratiosOf(summary(pairwise(gate, socat))), toSocat]))
  }
  const title = `${row.id}: ${row.title}; ${row.unit}, ${rounds} rounds`
  return [title, HEAD, ...lines, ...notes.map((note) => `  ${note}`)]
}
