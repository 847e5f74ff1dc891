// The few calls of the C library that Node does not have. koffi makes them; it is loaded at the first use, because that takes
// 10 ms. Where it cannot be loaded the gate works with less, and says so once.
import type * as Koffi from "koffi"
import { createRequire } from "node:module"
import { endianness } from "node:os"
import { getSystemErrorName } from "node:util"
import type { Log } from "./log.ts"

interface Functions {
  readonly errno: () => number
  readonly flock: (fd: number, operation: number) => number
  readonly socket: (family: number, type: number, protocol: number) => number
  readonly sendto: (fd: number, data: Uint8Array, size: number, flags: number, to: Uint8Array, length: number) => number
  readonly close: (fd: number) => number
}

let loaded: Functions | string | undefined

/** The functions, or why there are none. */
const load = (): Functions | string => {
  if (loaded !== undefined) return loaded
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi
    // what Node itself is linked with, so the C library goes by no name here: glibc, musl or macOS
    const library = koffi.load(null)
    const func = <A>(definition: string): A => library.func(definition) as unknown as A
    loaded = {
      errno: () => koffi.errno(),
      flock: func("int flock(int, int)"),
      socket: func("int socket(int, int, int)"),
      sendto: func("intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)"),
      close: func("int close(int)")
    }
  } catch (error) {
    loaded = (error as Error).message.split("\n", 1)[0] ?? "unknown error"
  }
  return loaded
}

const functions = (): Functions => {
  const found = load()
  if (typeof found === "string") throw new Error(`koffi cannot be loaded: ${found}`)
  return found
}

/** The name of the last call's error, `EAGAIN`. Must be asked before anything else is called. */
const errorName = ({ errno }: Functions): string => getSystemErrorName(-errno())

// Linux, macOS and the BSDs agree on these (sys/file.h)
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

// Linux (sys/socket.h); only sendto uses them, and sd_notify is Linux only
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000

/** Every call returns `undefined` where it succeeded, else the name of the error. They throw where `available` is false. */
export const native = {
  /** Whether the calls can be made. */
  get available(): boolean {
    return typeof load() !== "string"
  },

  /** flock(2). A lock that somebody else holds is `EAGAIN` where `nonblocking`. The lock goes with the descriptor. */
  flock: (fd: number, exclusive: boolean, nonblocking: boolean): string | undefined => {
    const found = functions()
    const operation = (exclusive ? LOCK_EX : LOCK_SH) | (nonblocking ? LOCK_NB : 0)
    return found.flock(fd, operation) === 0 ? undefined : errorName(found)
  },

  /**
   * Sends one datagram to a Unix socket without waiting; `EAGAIN` where the receiver's queue is full. `@NAME` is a name in
   * Linux's abstract namespace. At most 107 bytes of address (`ENAMETOOLONG`).
   */
  sendto: (address: string, data: Uint8Array): string | undefined => {
    const found = functions()
    const name = Buffer.from(address)
    if (name.length > 107) return "ENAMETOOLONG"
    if (name[0] === 0x40) name[0] = 0
    // sa_family_t is two bytes in the machine's order, sun_path 108 bytes with its NUL (unix(7))
    const to = Buffer.alloc(2 + 108)
    to[endianness() === "LE" ? 0 : 1] = AF_UNIX
    name.copy(to, 2)
    const fd = found.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
    if (fd < 0) return errorName(found)
    // an abstract name is all the bytes that the length covers, a path ends at its NUL
    const sent = found.sendto(fd, data, data.length, MSG_DONTWAIT_NOSIGNAL, to, 2 + name.length)
    const error = sent < 0 ? errorName(found) : undefined
    found.close(fd)
    return error
  }
}

let told = false

/** Whether the calls can be made; where they cannot, one line in the log of this process says what that means. */
export const isNative = (log: Log): boolean => {
  const found = load()
  if (typeof found !== "string") return true
  if (!told) log.write(4, `koffi cannot be loaded, so files are not locked and systemd is not told anything: ${found}`)
  told = true
  return false
}
