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
  readonly socketpair: (family: number, type: number, protocol: number, fds: Int32Array) => number
  readonly setrlimit: (resource: number, limit: Uint8Array) => number
  /** Linux only. */
  readonly prctl: ((option: number, a: number, b: number, c: number, d: number) => number) | undefined
  readonly getsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array) => number
  /** Pairs of a type and a value, after the number of the call. */
  readonly syscall: (number: number, ...typed: ReadonlyArray<string | number | Uint8Array | null>) => number
  readonly getsockname: (fd: number, address: Uint8Array, length: Uint32Array) => number
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
      close: func("int close(int)"),
      socketpair: func("int socketpair(int, int, int, int *)"),
      setrlimit: func("int setrlimit(int, const uint8_t *)"),
      prctl: process.platform === "linux"
        ? func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)")
        : undefined,
      getsockopt: func("int getsockopt(int, int, int, uint8_t *, uint32_t *)"),
      syscall: func("long syscall(long, ...)"),
      getsockname: func("int getsockname(int, uint8_t *, uint32_t *)")
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

// Linux (asm-generic/socket.h), as on all machines that Node is built for but POWER, which has one number of its own
const SOL_SOCKET = 1
const SO_PEERCRED = process.arch === "ppc64" ? 21 : 17
const SO_PEERSEC = 31
const SO_PEERGROUPS = 59
const SO_PEERPIDFD = 77
const SO_TYPE = 3
const SO_ACCEPTCONN = 30
const SO_DOMAIN = 39
const SOCK_STREAM = 1
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000

// Linux, macOS and the BSDs agree (sys/resource.h)
const RLIMIT_CORE = 4

// Linux (linux/prctl.h)
const PR_SET_DUMPABLE = 4
const PR_SET_NO_NEW_PRIVS = 38

// Linux (asm-generic/unistd.h): the same on all machines
const LANDLOCK_CREATE_RULESET = 444
const LANDLOCK_RESTRICT_SELF = 446

const CLOSE_RANGE = 436

// Linux (linux/close_range.h), since 5.11
const CLOSE_RANGE_CLOEXEC = 4
const NO_LAST = 0xffffffff

// Linux (linux/landlock.h)
const LANDLOCK_CREATE_RULESET_VERSION = 1
const LANDLOCK_SCOPES_ALL = 1 | 2
/** The version that has scopes (Linux 6.12). */
const SCOPES_SINCE = 6

/** Most bytes of an answer: 65536 groups (NGROUPS_MAX) of four bytes. */
const MAX_OPTION = 65_536 * 4

// what was read last; nobody keeps it
let value = new Uint8Array(1024)
const length = new Uint32Array(1)

/** Reads a socket's option into `value`: its length in bytes, or the name of the error. */
const option = (fd: number, name: number): number | string => {
  const found = load()
  if (typeof found === "string" || process.platform !== "linux") return "ENOSYS"
  length[0] = value.length
  if (found.getsockopt(fd, SOL_SOCKET, name, value, length) === 0) return length[0]
  const error = errorName(found)
  const needed = length[0]
  if (error !== "ERANGE" || needed <= value.length || needed > MAX_OPTION) return error
  value = new Uint8Array(needed)
  return option(fd, name)
}

const view = (): DataView => new DataView(value.buffer)

const LITTLE = endianness() === "LE"

/** What no user has (`(uid_t) -1`): the kernel knows of no peer. */
const NOBODY = 0xffffffff

/** Who was at the other end when it connected (or listened). */
export interface Credentials {
  /** Absent where the process is outside of our namespace of processes. */
  readonly pid: number | undefined
  /** The effective user and group. */
  readonly uid: number
  readonly gid: number
}

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

  /** No core dumps of this process and its children. */
  noCoreDumps: (): string | undefined => {
    const found = functions()
    // two numbers of 4 or 8 bytes, the soft limit and the hard one
    return found.setrlimit(RLIMIT_CORE, new Uint8Array(16)) === 0 ? undefined : `setrlimit: ${errorName(found)}`
  },

  /** Nobody but root looks into this process. */
  keepMemoryPrivate: (): string | undefined => {
    const found = functions()
    if (found.prctl === undefined) return "this system has no prctl(2)"
    return found.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) === 0 ? undefined : `prctl: ${errorName(found)}`
  },

  /**
   * From now on this thread, and what it starts, connect to no abstract socket and send no signal but to one another (Landlock, since
   * Linux 6.12). Nothing that it starts gains rights by its file any more. It cannot be taken back.
   */
  scope: (): string | undefined => {
    const found = functions()
    if (found.prctl === undefined) return "this system has no Landlock"
    const asked = LANDLOCK_CREATE_RULESET_VERSION
    const version = found.syscall(LANDLOCK_CREATE_RULESET, "void *", null, "size_t", 0, "uint32_t", asked)
    if (version < SCOPES_SINCE) return version < 0 ? `Landlock: ${errorName(found)}` : `Landlock has version ${version}`
    // three numbers of 8 bytes: rules for files, for the network, and scopes
    const rules = Buffer.alloc(24)
    rules[LITTLE ? 16 : 23] = LANDLOCK_SCOPES_ALL
    const fd = found.syscall(LANDLOCK_CREATE_RULESET, "uint8_t *", rules, "size_t", rules.length, "uint32_t", 0)
    if (fd < 0) return `landlock_create_ruleset: ${errorName(found)}`
    try {
      if (found.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) return `prctl: ${errorName(found)}`
      const failed = found.syscall(LANDLOCK_RESTRICT_SELF, "int", Number(fd), "uint32_t", 0) !== 0
      return failed ? `landlock_restrict_self: ${errorName(found)}` : undefined
    } finally {
      found.close(Number(fd))
    }
  },

  /** What this process starts from now on inherits no descriptor from here on but those that it is given (close_range(2)). */
  closeOnExec: (first: number): string | undefined => {
    const found = functions()
    const types = ["uint32_t", first, "uint32_t", NO_LAST, "uint32_t", CLOSE_RANGE_CLOEXEC]
    return found.syscall(CLOSE_RANGE, ...types) === 0 ? undefined : errorName(found)
  },

  /** Two sockets that are connected to each other and never wait, for whoever closes them; `undefined` where there are none to be had. */
  socketpair: (): readonly [number, number] | undefined => {
    const found = load()
    const fds = new Int32Array(2)
    if (typeof found === "string" || process.platform !== "linux") return undefined
    return found.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0, fds) === 0 ? [fds[0]!, fds[1]!] : undefined
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

/** What the kernel says of a Unix socket's other end, unix(7). Nothing throws: what cannot be had is `undefined`. */
export const peer = {
  /** SO_PEERCRED. */
  credentials: (fd: number): Credentials | undefined => {
    if (option(fd, SO_PEERCRED) !== 12) return undefined
    const cred = view()
    const [pid, uid, gid] = [cred.getInt32(0, LITTLE), cred.getUint32(4, LITTLE), cred.getUint32(8, LITTLE)]
    return uid === NOBODY ? undefined : { pid: pid > 0 ? pid : undefined, uid, gid }
  },

  /** SO_PEERGROUPS: the supplementary groups. */
  groups: (fd: number): ReadonlyArray<number> | undefined => {
    const bytes = option(fd, SO_PEERGROUPS)
    if (typeof bytes === "string") return undefined
    const groups = view()
    return Array.from({ length: bytes >> 2 }, (_, index) => groups.getUint32(index * 4, LITTLE))
  },

  /** SO_PEERSEC: the label of a security module, without the NUL that some put at its end. */
  label: (fd: number): string | undefined => {
    const bytes = option(fd, SO_PEERSEC)
    if (typeof bytes === "string") return undefined
    const label = Buffer.from(value.buffer, 0, bytes).toString().replace(/\0+$/, "")
    return label === "" ? undefined : label
  },

  /**
   * SO_PEERPIDFD (Linux 6.5): a descriptor of the process, for `closePidfd`. `gone` where the kernel has the option and
   * gives none: the process has ended. `undefined` where the kernel does not have it.
   */
  pidfd: (fd: number): number | "gone" | undefined => {
    const bytes = option(fd, SO_PEERPIDFD)
    if (bytes === 4) return view().getInt32(0, LITTLE)
    return bytes === "ENOPROTOOPT" || bytes === "ENOSYS" ? undefined : "gone"
  },

  closePidfd: (pidfd: number): void => {
    const found = load()
    if (typeof found !== "string") found.close(pidfd)
  },

  /** Whether the kernel has SO_PEERPIDFD, tried with a pair of sockets. */
  hasPidfd: (): boolean => {
    const pair = native.socketpair()
    if (pair === undefined) return false
    const pidfd = peer.pidfd(pair[0])
    if (typeof pidfd === "number") peer.closePidfd(pidfd)
    for (const fd of pair) functions().close(fd)
    return typeof pidfd === "number"
  }
}

/** What the kernel says of a socket that this process was given, socket(7). Nothing throws. */
export const given = {
  /** Why it is no Unix stream socket that listens; `undefined` where it is one. */
  problem: (fd: number): string | undefined => {
    for (const [name, expected, otherwise] of LISTENS) {
      const bytes = option(fd, name)
      if (typeof bytes === "string") return bytes === "ENOTSOCK" ? "it is no socket" : bytes
      if (view().getInt32(0, LITTLE) !== expected) return otherwise
    }
    return undefined
  },

  /**
   * The path that it was bound to, as whoever bound it spelled it (unix(7)); `undefined` for one without a name, and for one in the
   * abstract namespace, to which everybody may connect.
   */
  path: (fd: number): Buffer | undefined => {
    const found = load()
    if (typeof found === "string") return undefined
    // sa_family_t, and a path of 108 bytes at most, whose NUL may be missing
    const address = Buffer.alloc(2 + 108)
    length[0] = address.length
    if (found.getsockname(fd, address, length) !== 0) return undefined
    const name = address.subarray(2, Math.min(length[0], address.length))
    const end = name.indexOf(0)
    const path = end < 0 ? name : name.subarray(0, end)
    return path.length === 0 ? undefined : path
  }
}

const LISTENS = [
  [SO_DOMAIN, AF_UNIX, "it is no Unix socket"],
  [SO_TYPE, SOCK_STREAM, "it is no stream socket"],
  [SO_ACCEPTCONN, 1, "it does not listen: a unit with Accept=yes gives connections, and the gate takes sockets"]
] as const

/** Why none of the calls can be made. */
export const nativeProblem = (): string | undefined => {
  const found = load()
  return typeof found === "string" ? found : undefined
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
