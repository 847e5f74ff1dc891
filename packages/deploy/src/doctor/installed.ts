// What is installed: Node, GnuPG, bubblewrap, systemd, and the calls of the C library that facts of clients come from.
import { nativeProblem } from "@gripgate/proxy/native"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { type Finding, finding } from "./finding.ts"
import { onPath, ran } from "./look/program.ts"

/** By program, the version that it tells; `undefined` for one that is not there, empty for one that tells none. */
export type Versions = Readonly<Record<"gpg" | "gpg-agent" | "gpgconf" | "gpgsm", string | undefined>>

type Bwrap = "missing" | "works" | { readonly broken: string }

const [OLDEST, NEWEST] = [[2, 2], [2, 5]] as const

const numbers = (version: string): readonly [number, number] => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return [major, minor]
}

const compare = (one: readonly [number, number], other: readonly [number, number]): number =>
  one[0] - other[0] || one[1] - other[1]

/** What is to be said of GnuPG's programs. */
export const judgeGnupg = (versions: Versions): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  for (const name of ["gpg", "gpg-agent", "gpgconf"] as const) {
    const version = versions[name]
    const install = { where: name, fix: `apt-get install ${name}` }
    if (version === undefined) {
      found.push(finding("installed.gnupg-missing", `${name} is not installed, or not on PATH`, install))
    } else if (version === "" || compare(numbers(version), OLDEST) < 0) {
      const its = version === "" ? "does not tell its version" : `is ${version}`
      found.push(finding("installed.gnupg-old", `${name} ${its}; gripgate needs GnuPG 2.2 or newer`, install))
    } else if (compare(numbers(version), NEWEST) > 0) {
      found.push(
        finding("installed.gnupg-new", `${name} is ${version}: gripgate knows GnuPG up to 2.5`, { where: name })
      )
    }
  }
  const { gpg, "gpg-agent": agent } = versions
  if (gpg && agent && compare(numbers(gpg), numbers(agent)) !== 0) {
    found.push(
      finding("installed.gnupg-mixed", `gpg is ${gpg} and gpg-agent is ${agent}: two installations may be mixed`, {
        where: "gpg"
      })
    )
  }
  if (found.length > 0) return found
  const all = Object.entries(versions).flatMap(([name, version]) => version === undefined ? [] : [`${name} ${version}`])
  return [finding("installed.gnupg", all.join(", "))]
}

export const judgeBwrap = (bwrap: Bwrap): Finding => {
  if (bwrap === "works") return finding("installed.bwrap", "bubblewrap works: gripgate run has a sandbox")
  const fix = "apt-get install bubblewrap"
  const without = "gripgate run has no sandbox, and hides neither the private keys nor the agent"
  return bwrap === "missing"
    ? finding("installed.bwrap-missing", `bubblewrap is not installed: ${without}`, { where: "bwrap", fix })
    : finding("installed.bwrap-broken", `bubblewrap does not work here (${bwrap.broken}): ${without}`, {
      where: "bwrap"
    })
}

const versionOf = (program: string): Effect.Effect<string | undefined> =>
  Effect.map(
    ran([program, "--version"]),
    (found) => found === undefined ? undefined : /^\S+ \(GnuPG[^)]*\) (\d+\.\d+[\w.-]*)/m.exec(found.output)?.[1] ?? ""
  )

/** A trial run: what a sandbox needs most is not allowed everywhere. */
const tryBwrap: Effect.Effect<Bwrap> = Effect.suspend(() => {
  if (onPath("bwrap") === undefined) return Effect.succeed<Bwrap>("missing")
  const trial = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--", "true"]
  return Effect.map(
    ran(trial),
    (found): Bwrap =>
      found?.code === 0 ? "works" : { broken: found?.output.trim().split("\n").at(-1) || "it does not end" }
  )
})

export const installed: Effect.Effect<ReadonlyArray<Finding>> = Effect.gen(function*() {
  const [gpg, agent, gpgconf, gpgsm, bwrap] = yield* Effect.all(
    [versionOf("gpg"), versionOf("gpg-agent"), versionOf("gpgconf"), versionOf("gpgsm"), tryBwrap],
    { concurrency: 3 }
  )
  const native = nativeProblem()
  const systemd = existsSync("/run/systemd/system")
  return [
    ...judgeGnupg({ gpg, "gpg-agent": agent, gpgconf, gpgsm }),
    finding("installed.node", `Node ${process.versions.node}`, { where: process.execPath }),
    native === undefined
      ? finding("installed.native", "the kernel tells who connects (koffi is loaded)")
      : finding(
        "installed.native-missing",
        `koffi cannot be loaded, so nobody can be told by user or program, and files are not locked: ${native}`,
        { where: "koffi", fix: "npm install koffi" }
      ),
    judgeBwrap(bwrap),
    finding("installed.systemd", systemd ? "systemd runs here" : "no systemd runs here")
  ]
})
