// What a process that passphrases go through does about itself: nobody but root looks into its memory, and no file has it.
import type { Log } from "./log.ts"
import { native } from "./native.ts"

const deaf = (): void => {}

/**
 * Turns off what writes this process's memory to a file, core dumps of it and its children, and Node's debugger, which SIGUSR1 opens
 * on a port of this machine for every user of it. For a program that a secret goes through for a moment: the gate may still read
 * /proc/PID/exe of it, to know who it is. Says what cannot be turned off.
 */
export const hardenBriefly = (): ReadonlyArray<string> => {
  // a listener of ours takes the place of Node's own
  if (!process.listeners("SIGUSR1").includes(deaf)) process.on("SIGUSR1", deaf)
  return native.available ? listed(native.noCoreDumps()) : ["koffi cannot be loaded"]
}

/**
 * The same for a process that stays, and more: ptrace(2), /proc/PID/mem and what else of /proc/PID is its user's alone
 * (PR_SET_DUMPABLE, on Linux) is no other program's. What cannot be turned off is one line in the log.
 */
export const harden = (log: Log): void => {
  const problems = [...hardenBriefly(), ...native.available ? listed(native.keepMemoryPrivate()) : []]
  if (problems.length > 0) {
    log.write(4, `other programs of this user may look into the memory of this one: ${problems.join(", ")}`)
  }
}

const listed = (problem: string | undefined): ReadonlyArray<string> => problem === undefined ? [] : [problem]
