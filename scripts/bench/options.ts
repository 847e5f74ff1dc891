// The command line of the bench.
import { parseArgs } from "node:util"
import type { Row } from "./row.ts"
import { type ContenderName, contenderNames } from "./stage.ts"

/** A mistake of whoever called. */
export class UsageError extends Error {}

export interface Options {
  readonly rows: ReadonlyArray<Row>
  readonly contenders: ReadonlyArray<ContenderName>
  /** Of what is done by default. */
  readonly scale: number
  readonly json: string | undefined
  readonly write: string | undefined
  readonly gate: string | undefined
}

/** Rounds of a gpg row by default; the rounds of all others keep their proportion to it. */
const RUNS = 60
const QUICK = 5

export const usage = (rows: ReadonlyArray<Row>): string =>
  `usage: node scripts/bench/bench.ts [--only ROW,...] [--contenders NAME,...] [--runs N | --quick]
                                   [--json FILE] [--write FILE] [--gate FILE]

  --only ROW,...         these rows, or all whose name begins so; all rows are
                         ${wrapped(rows.map(({ id }) => id))}
  --contenders NAME,...  of ${contenderNames.join(", ")}; all by default
  --runs N               rounds of a row with gpg, ${RUNS} by default; other rows in proportion
  --quick                ${QUICK} rounds, for a glance
  --json FILE            every single number, too
  --write FILE           puts the table between the lines <!-- bench --> and <!-- /bench --> of FILE
  --gate FILE            this script is run as gripgate, to compare two builds
`

const wrapped = (words: ReadonlyArray<string>): string => {
  const lines = [""]
  for (const word of words) {
    if (lines.at(-1)!.length + word.length > 70) lines.push("")
    lines[lines.length - 1] += ` ${word}`
  }
  return lines.map((text) => text.trim()).join(`\n${" ".repeat(25)}`)
}

const list = (value: string | undefined): ReadonlyArray<string> => value?.split(",").filter((word) => word !== "") ?? []

const chosenRows = (rows: ReadonlyArray<Row>, only: ReadonlyArray<string>): ReadonlyArray<Row> => {
  const matches = (word: string, { id }: Row) => id === word || id.startsWith(`${word}-`)
  const unknown = only.find((word) => !rows.some((row) => matches(word, row)))
  if (unknown !== undefined) throw new UsageError(`there is no row "${unknown}"`)
  return only.length === 0 ? rows : rows.filter((row) => only.some((word) => matches(word, row)))
}

const chosenContenders = (names: ReadonlyArray<string>): ReadonlyArray<ContenderName> => {
  const unknown = names.find((name) => !contenderNames.some((known) => known === name))
  if (unknown !== undefined) throw new UsageError(`there is no contender "${unknown}"`)
  return names.length === 0 ? contenderNames : contenderNames.filter((known) => names.includes(known))
}

const runsOf = (runs: string | undefined, quick: boolean | undefined): number => {
  if (runs === undefined) return quick === true ? QUICK : RUNS
  if (quick === true) throw new UsageError("--runs and --quick say the same thing twice")
  const number = Number(runs)
  if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`--runs takes a positive number, not "${runs}"`)
  return number
}

/** Reads the arguments; `undefined` where only help is wanted. Throws a UsageError. */
export const parseOptions = (args: Array<string>, rows: ReadonlyArray<Row>): Options | undefined => {
  let values
  try {
    values = parseArgs({
      args,
      options: {
        only: { type: "string" },
        contenders: { type: "string" },
        runs: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "string" },
        write: { type: "string" },
        gate: { type: "string" },
        help: { type: "boolean", short: "h" }
      }
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  if (values.help === true) return undefined
  return {
    rows: chosenRows(rows, list(values.only)),
    contenders: chosenContenders(list(values.contenders)),
    scale: runsOf(values.runs, values.quick) / RUNS,
    json: values.json,
    write: values.write,
    gate: values.gate
  }
}
