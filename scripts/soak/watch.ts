// What Linux tells of the gate's process while it is used: its memory every few seconds, and how many descriptors it has open.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { residentKib } from "../bench/proc.ts"

/** Seconds since the watch began, and KiB. */
export type Sample = readonly [number, number]

/** Milliseconds between two looks at the memory. */
const EVERY = 2_000

export class MemoryWatch {
  readonly samples: Array<Sample> = []
  private readonly begun = performance.now()
  private readonly timer: NodeJS.Timeout
  private readonly pid: number

  constructor(pid: number) {
    this.pid = pid
    this.look()
    this.timer = setInterval(() => this.look(), EVERY)
  }

  look(): void {
    this.samples.push([Math.round(this.seconds * 10) / 10, residentKib(this.pid)])
  }

  /** Since the watch began. */
  get seconds(): number {
    return (performance.now() - this.begun) / 1000
  }

  stop(): void {
    clearInterval(this.timer)
  }
}

/**
 * The descriptors that a process has open; `undefined` where it cannot be seen. A gate shows them to root alone, because it keeps its
 * memory to itself (prctl(2), PR_SET_DUMPABLE); anybody else needs a sudo that asks for no password.
 */
export const openDescriptors = (pid: number): number | undefined => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    const { status, stdout } = spawnSync("sudo", ["-n", "ls", `/proc/${pid}/fd`], { encoding: "utf8" })
    return status === 0 ? stdout.trimEnd().split("\n").length : undefined
  }
}

/** How many descriptors this process, and what it starts, may have (proc(5), the hard limit: Node takes all it can get). */
export const descriptorLimit = (): number => {
  const found = /^Max open files +\S+ +(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1]
  return found === undefined || found === "unlimited" ? Infinity : Number(found)
}
