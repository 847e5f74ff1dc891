// Whether reading from the terminal would stop this process: a program in the background that reads gets SIGTTIN, and the gate
// with all its clients would stand still.
import { readFileSync } from "node:fs"

/** Whether this process is in the foreground of its terminal. Where that cannot be known it is not. */
export const isForeground = (stat = readStat): boolean => {
  // the name before it may hold blanks and brackets (proc_pid_stat(5))
  const text = stat()
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const [group, foreground] = [Number(fields[2]), Number(fields[5])]
  return Number.isInteger(group) && group === foreground
}

const readStat = (): string => {
  try {
    return readFileSync("/proc/self/stat", "latin1")
  } catch {
    return ""
  }
}
