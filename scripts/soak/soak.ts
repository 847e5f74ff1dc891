// Thousands of idle clients and dozens of busy ones over one gate for minutes: nothing may be lost, and nothing may grow. Unlike the
// bench this one judges: it fails on any error, on any answer that is not the right one, and beyond the memory that report.ts
// states. Linux only.
//
//   npm run soak -- [--minutes M] [--idle N] [--busy N] [--json FILE]
import { spawnSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import process from "node:process"
import { type Options, parseOptions, usage, UsageError } from "./options.ts"
import { failures, report, type Result } from "./report.ts"
import { soak } from "./run.ts"
import { descriptorLimit } from "./watch.ts"

/** A reason not to begin that is told in a line or two, without a stack. */
class CannotSoak extends Error {}

/** Descriptors that a process needs beside one or two for each client. */
const BESIDE = 128

const checkMachine = ({ busy, gate, idle }: Options): void => {
  if (spawnSync("gpg", ["--version"]).error !== undefined) {
    throw new CannotSoak("gpg is not installed: apt-get install gpg gpg-agent")
  }
  if (gate !== undefined && !existsSync(gate)) throw new CannotSoak(`there is no ${gate}`)
  const [needed, limit] = [idle + 2 * busy + BESIDE, descriptorLimit()]
  if (limit >= needed) return
  throw new CannotSoak(
    `${idle} idle and ${busy} busy clients need ${needed} descriptors in one process, and the limit is ${limit}: `
      + `raise it (ulimit -Hn ${needed}, as root), or have fewer clients (--idle, --busy)`
  )
}

/** The result; `undefined` where a signal has ended it, and with it all that was started. */
const run = async (options: Options): Promise<Result | undefined> => {
  const stack = new AsyncDisposableStack()
  let stopped = false
  const stop = (signal: NodeJS.Signals) => {
    stopped = true
    void stack.disposeAsync().finally(() => process.exit(signal === "SIGINT" ? 130 : 143))
  }
  process.once("SIGINT", stop).once("SIGTERM", stop)
  try {
    return await soak(options, stack, (text) => void process.stderr.write(`soak: ${text}\n`))
  } catch (error) {
    // clients whose gate was ended complain: that is no news
    if (stopped) return undefined
    throw error
  } finally {
    await stack.disposeAsync()
    process.off("SIGINT", stop).off("SIGTERM", stop)
  }
}

const main = async (options: Options): Promise<void> => {
  checkMachine(options)
  const result = await run(options)
  if (result === undefined) return
  const failed = failures(result)
  process.stdout.write(`${report(result).join("\n")}\n`)
  if (options.json !== undefined) {
    const descriptors = { before: result.descriptors.before ?? null, end: result.descriptors.end ?? null }
    writeFileSync(options.json, `${JSON.stringify({ v: 1, failures: failed, ...result, descriptors }, null, 1)}\n`)
  }
  for (const each of failed) process.stderr.write(`gripgate: error: soak: ${each}\n`)
  if (failed.length > 0) process.exitCode = 1
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(usage)
  else await main(options)
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CannotSoak)) throw error
  process.stderr.write(`gripgate: error: soak: ${error.message}\n`)
  if (error instanceof UsageError) process.stderr.write("gripgate: hint: node scripts/soak/soak.ts --help\n")
  process.exitCode = error instanceof UsageError ? 64 : 1
}
