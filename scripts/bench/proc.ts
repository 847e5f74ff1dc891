// What Linux tells of a process: its memory, the processor time that it has used, and the libraries that it has loaded.
import { readFileSync } from "node:fs"

/** Resident memory in KiB (proc(5), VmRSS). */
export const residentKib = (pid: number): number =>
  Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1])

/** Milliseconds of processor time of a process and of its children that have ended and been waited for; 10 ms is the unit. */
export const processorMs = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  // the name in brackets may hold brackets and blanks; the fields behind it begin with the third (proc(5))
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}

/** The path of a library that a process has loaded; an agent, which allows no core dumps, shows it to root alone. */
export const loadedLibrary = (pid: number, name: string): string | undefined => {
  try {
    return new RegExp(`/\\S*/${name}\\.so\\S*$`, "m").exec(readFileSync(`/proc/${pid}/maps`, "latin1"))?.[0]
  } catch {
    return undefined
  }
}
