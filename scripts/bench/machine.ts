// The facts without which a number means nothing: the machine, the versions, and how each contender was started.
import { execFileSync } from "node:child_process"
import { cpus, loadavg, release } from "node:os"
import { assuanVersion, timeProgram } from "./libc.ts"
import { loadedLibrary } from "./proc.ts"
import { commandOf, type Stage } from "./stage.ts"
import { quantile } from "./statistics.ts"

const version = (program: string, option: string, pattern: RegExp): string =>
  pattern.exec(execFileSync(program, [option], { encoding: "latin1" }))?.[1] ?? "?"

/** What it takes to start a program that does nothing, in milliseconds: a part of every wall time of a gpg process. */
const floor = (): number =>
  quantile(Array.from({ length: 20 }, () => timeProgram(["true"], ["PATH=/usr/bin:/bin"], "/dev/null", 1_000)), 0.5)

const letters = {
  agent: "AGENT",
  folder: "STATE",
  homedir: "HOMEDIR",
  listen: "SOCKET",
  node: "node",
  relay: "scripts/bench/relay.mjs"
}

/** The head of the table. */
export const machineLines = ({ agentPid, contenders }: Stage, gate: string): ReadonlyArray<string> => {
  const library = loadedLibrary(agentPid, "libassuan")
  const gpg = version("gpg", "--version", /^gpg \(GnuPG\S*\) (\S+)/)
  const gcrypt = version("gpg", "--version", /^libgcrypt (\S+)/m)
  const assuan = library === undefined ? "?" : assuanVersion(library)
  const processors = cpus()
  const load = loadavg()[0]?.toFixed(2)
  const how = contenders.map(({ name }) => {
    const command = name === "direct"
      ? "(nothing in between)"
      : commandOf(name, { ...letters, gate }).join(" ")
    return `${name.padEnd(9)}${command}`
  })
  return [
    `machine  ${processors.length} x ${processors[0]?.model.trim()}, Linux ${release()}, load ${load}`,
    `         node ${process.versions.node}, gpg ${gpg}, libgcrypt ${gcrypt}, libassuan ${assuan}`,
    `         starting a program that does nothing takes ${floor().toFixed(2)} ms, a part of every whole process`,
    ...how
  ]
}
