// Measures what the gate costs, beside what it costs to have nothing in between, or a bare relay, or socat, all in one run.
// It prints numbers and goals; it judges nothing. Linux only.
//
//   npm run bench -- [--only ROW,...] [--runs N | --quick] [--json FILE] [--write FILE]
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import process from "node:process"
import { Client, signature } from "./dialogue.ts"
import { machineLines } from "./machine.ts"
import { type Options, parseOptions, usage, UsageError } from "./options.ts"
import type { Measured } from "./row.ts"
import { clientRows } from "./rows/clients.ts"
import { gpgRows } from "./rows/gpg.ts"
import { policyRows } from "./rows/policy.ts"
import { processRows } from "./rows/process.ts"
import { tokenRows } from "./rows/token.ts"
import { upstreamRows } from "./rows/upstreams.ts"
import { wireRows } from "./rows/wire.ts"
import { gateProgram, makeStage, type Stage } from "./stage.ts"
import { block } from "./table.ts"

const root = resolve(import.meta.dirname, "../..")

const rows = [...gpgRows, ...tokenRows, ...upstreamRows, ...wireRows, ...clientRows, ...processRows, ...policyRows]

const legend = [
  "Each round measures the contenders one after the other. ratio: the median over all rounds of a",
  "contender's number divided by that of direct in the same round; \"95 % sure\": the confidence",
  "interval of that median; p10..p90: the spread of the single numbers, and of the single ratios.",
  "Before the first row each contender has served 400 signatures."
]

/** A reason not to begin that is told in a line or two, without a stack. */
class CannotMeasure extends Error {}

const checkPrograms = ({ contenders, gate }: Options): void => {
  if (contenders.includes("socat") && spawnSync("socat", ["-V"]).error !== undefined) {
    throw new CannotMeasure("socat is not installed: apt-get install socat (or leave it out: --contenders)")
  }
  if (spawnSync("gpg", ["--version"]).error !== undefined) {
    throw new CannotMeasure("gpg is not installed: apt-get install gpg gpg-agent")
  }
  if (gate !== undefined && !existsSync(gate)) throw new CannotMeasure(`there is no ${gate}`)
}

const begin = "<!-- bench -->"
const end = "<!-- /bench -->"

/** The text of a file around the place for the table. */
const placeIn = (file: string): readonly [string, string] => {
  const text = readFileSync(file, "utf8")
  const from = text.indexOf(`${begin}\n`)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new CannotMeasure(`${file} has no lines ${begin} and ${end}`)
  return [text.slice(0, from + begin.length + 1), text.slice(to)]
}

const measure = async (options: Options): Promise<void> => {
  const { contenders, json, scale, write } = options
  checkPrograms(options)
  const place = write === undefined ? undefined : placeIn(write)
  const lines: Array<string> = []
  const print = (more: ReadonlyArray<string>) => {
    lines.push(...more)
    process.stdout.write(`${more.join("\n")}\n`)
  }
  const making = makeStage(contenders, resolve(options.gate ?? join(root, gateProgram)))
  let stopped = false
  const stop = (signal: NodeJS.Signals) => {
    stopped = true
    void making.then((stage) => stage.close()).finally(() => process.exit(signal === "SIGINT" ? 130 : 143))
  }
  process.once("SIGINT", stop).once("SIGTERM", stop)
  const stage = await making
  try {
    print(machineLines(stage, options.gate ?? gateProgram))
    print(["", ...legend])
    warmUp(stage)
    const results: Record<string, Measured & { readonly unit: string }> = {}
    for (const row of options.rows) {
      const measured = await row.measure(stage, { scale })
      results[row.id] = { unit: row.unit, ...measured }
      print(["", ...block(row, measured)])
    }
    if (json !== undefined) {
      const rows = Object.entries(results).map(([id, { notes = [], samples, unit }]) =>
        [id, { unit, samples: Object.fromEntries(samples), notes }] as const
      )
      writeFileSync(json, `${JSON.stringify({ head: lines.slice(0, 3), rows: Object.fromEntries(rows) }, null, 1)}\n`)
    }
    if (write !== undefined && place !== undefined) {
      writeFileSync(write, `${place[0]}\`\`\`text\n${lines.join("\n")}\n\`\`\`\n${place[1]}`)
    }
  } catch (error) {
    // Ctrl-C ends a gpg under way, too: that is no news
    if (!stopped) throw error
  } finally {
    await stage.close()
    process.off("SIGINT", stop).off("SIGTERM", stop)
  }
}

/** Signatures that each contender makes before anything counts: a daemon has been in use when somebody waits for it. */
const WARM_UP = 400

const warmUp = (stage: Stage): void => {
  const lines = signature(stage.keygrip)
  for (let round = 0; round < WARM_UP; round++) {
    for (const { socket } of stage.contenders) {
      const client = Client.greeted(socket)
      for (const line of lines) client.command(line)
      client.close()
    }
  }
}

try {
  const options = parseOptions(process.argv.slice(2), rows)
  if (options === undefined) process.stdout.write(usage(rows))
  else await measure(options)
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CannotMeasure)) throw error
  process.stderr.write(`gripgate: error: bench: ${error.message}\n`)
  if (error instanceof UsageError) process.stderr.write("gripgate: hint: node scripts/bench/bench.ts --help\n")
  process.exitCode = error instanceof UsageError ? 64 : 1
}
