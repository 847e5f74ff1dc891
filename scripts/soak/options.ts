// The command line of the soak.
import { parseArgs } from "node:util"

/** A mistake of whoever called. */
export class UsageError extends Error {}

export interface Options {
  /** How long all of it takes, in minutes; a part of one is allowed. */
  readonly minutes: number
  readonly idle: number
  readonly busy: number
  readonly json: string | undefined
  readonly gate: string | undefined
}

const standard = { minutes: 10, idle: 2_000, busy: 64 } as const

/** Below this there is no time to warm up and to measure. */
const LEAST_MINUTES = 0.5

/** More sessions than these no gate is asked to hold. */
const MOST_CLIENTS = 50_000

export const usage = `usage: node scripts/soak/soak.ts [--minutes M] [--idle N] [--busy N] [--json FILE] [--gate FILE]

  --minutes M   how long all of it takes, ${standard.minutes} by default, ${LEAST_MINUTES} at least
  --idle N      clients that have said hello and do nothing but a NOP now and then, ${standard.idle} by default
  --busy N      clients that sign one after the other, ${standard.busy} by default
  --json FILE   the numbers, the samples of memory and what failed, too
  --gate FILE   this script is run as gripgate, to compare two builds
`

const number = (name: string, value: string | undefined, byDefault: number, least: number, most: number): number => {
  if (value === undefined) return byDefault
  const found = Number(value)
  if (value.trim() !== "" && found >= least && found <= most) return found
  throw new UsageError(`--${name} takes a number from ${least} to ${most}, not "${value}"`)
}

const count = (name: string, value: string | undefined, byDefault: number): number => {
  const found = number(name, value, byDefault, 1, MOST_CLIENTS)
  if (Number.isSafeInteger(found)) return found
  throw new UsageError(`--${name} takes a whole number, not "${value}"`)
}

/** Reads the arguments; `undefined` where only help is wanted. Throws a UsageError. */
export const parseOptions = (args: Array<string>): Options | undefined => {
  let values
  try {
    values = parseArgs({
      args,
      options: {
        minutes: { type: "string" },
        idle: { type: "string" },
        busy: { type: "string" },
        json: { type: "string" },
        gate: { type: "string" },
        help: { type: "boolean", short: "h" }
      }
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  if (values.help === true) return undefined
  return {
    minutes: number("minutes", values.minutes, standard.minutes, LEAST_MINUTES, 24 * 60),
    idle: count("idle", values.idle, standard.idle),
    busy: count("busy", values.busy, standard.busy),
    json: values.json,
    gate: values.gate
  }
}
