// What a process that passphrases go through does about itself: nobody but root looks into its memory, and no file has it.
import type { Log } from "./log.ts"
import { native } from "./native.ts"

const deaf = (): void => {}

/**
 * Turns off what would show this process's memory: core dumps, for it and its children; ptrace(2), /proc/PID/mem and what else
 * of /proc/PID is its user's alone (PR_SET_DUMPABLE, on Linux); and Node's debugger, which SIGUSR1 opens on a port of this
 * machine for every user of it. What cannot be turned off is one line in the log.
 */
export const harden = (log: Log): void => {
  // a listener of ours takes the place of Node's own
  if (!process.listeners("SIGUSR1").includes(deaf)) process.on("SIGUSR1", deaf)
  const problems = native.available ? native.keepMemoryPrivate() : ["koffi cannot be loaded"]
  if (problems.length > 0) {
    log.write(4, `other programs of this user may look into the memory of this one: ${problems.join(", ")}`)
  }
}
