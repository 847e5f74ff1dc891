// Descriptors that this process was started with. One of a folder outside would be a way out of any sandbox, and one of a file would
// be read in it.
import { native } from "@gripgate/proxy/native"
import { readdirSync, readFileSync } from "node:fs"

const STDERR = 2

// as in the kernel's fcntl.h, in octal as /proc/PID/fdinfo prints it
const O_CLOEXEC = 0o2000000

/** Keeps all but standard input, output and error from what is started; the numbers of those that are left, if it cannot. */
export const keepDescriptors = (): ReadonlyArray<number> => {
  if (native.available) native.closeOnExec(STDERR + 1)
  return readdirSync("/proc/self/fd").map(Number).filter((fd) => fd > STDERR && isInherited(fd))
}

const isInherited = (fd: number): boolean => {
  try {
    const flags = /^flags:\t([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1]
    return (Number.parseInt(flags ?? "0", 8) & O_CLOEXEC) === 0
  } catch {
    // that of the listing itself
    return false
  }
}
