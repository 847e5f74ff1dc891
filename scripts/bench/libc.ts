// System calls that the bench makes itself, through koffi: they wait in the kernel, without an event loop, so that what is
// measured is hardly more than the other side. Linux with glibc only.
import koffi from "koffi"
import { constants } from "node:os"

const libc = koffi.load("libc.so.6")

const raw = {
  socket: libc.func("int socket(int, int, int)"),
  connect: libc.func("int connect(int, const void *, unsigned int)"),
  setsockopt: libc.func("int setsockopt(int, int, int, const void *, unsigned int)"),
  recv: libc.func("long recv(int, void *, size_t, int)"),
  send: libc.func("long send(int, const void *, size_t, int)"),
  poll: libc.func("int poll(void *, unsigned long, int)"),
  close: libc.func("int close(int)"),
  spawn: libc.func("int posix_spawnp(_Out_ int *, str, const void *, const void *, str *, str *)"),
  fileActionsInit: libc.func("int posix_spawn_file_actions_init(void *)"),
  fileActionsOpen: libc.func("int posix_spawn_file_actions_addopen(void *, int, str, int, unsigned int)"),
  fileActionsDestroy: libc.func("int posix_spawn_file_actions_destroy(void *)"),
  pidfdOpen: libc.func("long syscall(long, int, unsigned int)"),
  waitpid: libc.func("int waitpid(int, _Out_ int *, int)")
}

const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const MSG_NOSIGNAL = 0x4000
const POLLIN = 1
/** The number of pidfd_open on x86-64 and on arm64. */
const PIDFD_OPEN = 434

const failed = (what: string, errno: number = koffi.errno()): Error => {
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`
  return new Error(`${what}: ${name}`)
}

const address = (path: string): Buffer => {
  const bytes = Buffer.from(path)
  if (bytes.length > 107) throw new Error(`a socket's path has at most 107 bytes: ${path}`)
  const sockaddr = Buffer.alloc(2 + 108)
  sockaddr.writeUInt16LE(AF_UNIX)
  bytes.copy(sockaddr, 2)
  return sockaddr
}

/** Connects to a Unix socket, and waits while its backlog is full as gpg does; the descriptor. `recv` gives up after `timeoutMs`. */
export const connect = (path: string, timeoutMs: number): number => {
  const fd = raw.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0)
  if (fd < 0) throw failed("socket")
  const timeval = Buffer.alloc(16)
  timeval.writeBigInt64LE(BigInt(Math.trunc(timeoutMs / 1000)))
  timeval.writeBigInt64LE(BigInt(timeoutMs % 1000) * 1000n, 8)
  raw.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length)
  const sockaddr = address(path)
  if (raw.connect(fd, sockaddr, sockaddr.length) === 0) return fd
  const error = failed(`connect to ${path}`)
  raw.close(fd)
  throw error
}

/** Bytes received into `buffer`; 0 at the end of the stream. */
export const receive = (fd: number, buffer: Buffer): number => {
  for (;;) {
    const length = Number(raw.recv(fd, buffer, buffer.length, 0))
    if (length >= 0) return length
    // a signal, such as of a child that has ended
    if (koffi.errno() !== constants.errno.EINTR) throw failed("recv")
  }
}

/** Sends a line or two; a socket takes them at once. */
export const send = (fd: number, bytes: Buffer): void => {
  const length = Number(raw.send(fd, bytes, bytes.length, MSG_NOSIGNAL))
  if (length !== bytes.length) throw length < 0 ? failed("send") : new Error("send: the socket takes no more")
}

export const close = (fd: number): void => void raw.close(fd)

/** Which of many descriptors can be read from. `struct pollfd` is 8 bytes on every system. */
export class Poll {
  private readonly table: Buffer

  constructor(size: number) {
    this.table = Buffer.alloc(size * 8)
    for (let index = 0; index < size; index++) this.set(index, -1)
  }

  /** A negative descriptor is not looked at. */
  set(index: number, fd: number): void {
    this.table.writeInt32LE(fd, index * 8)
    this.table.writeInt16LE(POLLIN, index * 8 + 4)
  }

  /** Waits until there is one that can be read from; false where none was in time. */
  wait(timeoutMs: number): boolean {
    return raw.poll(this.table, this.table.length / 8, timeoutMs) > 0
  }

  ready(index: number): boolean {
    return this.table.readInt16LE(index * 8 + 6) !== 0
  }
}

/**
 * Runs a program to its end and returns the wall time in milliseconds. Node's own spawn forks the whole process, which takes
 * as long as gpg itself; posix_spawn does not. Standard error goes to `stderr`, the rest nowhere. Throws on any exit code but 0.
 */
export const timeProgram = (
  argv: ReadonlyArray<string>,
  env: ReadonlyArray<string>,
  stderr: string,
  timeoutMs: number
): number => {
  const actions = Buffer.alloc(256)
  raw.fileActionsInit(actions)
  raw.fileActionsOpen(actions, 0, "/dev/null", 0, 0)
  raw.fileActionsOpen(actions, 1, "/dev/null", 1, 0)
  raw.fileActionsOpen(actions, 2, stderr, 0o1 | 0o100 | 0o1000, 0o600)
  const pid = [0]
  const begun = performance.now()
  const errno = raw.spawn(pid, argv[0]!, actions, null, [...argv, null], [...env, null])
  raw.fileActionsDestroy(actions)
  if (errno !== 0) throw failed(`cannot run ${argv[0]}`, errno)
  const ended = waitFor(pid[0]!, timeoutMs)
  const time = performance.now() - begun
  if (ended === 0) return time
  throw new Error(`${argv.join(" ")}: ${ended === undefined ? "did not end in time" : `wait status ${ended}`}`)
}

/** The wait status of a child; `undefined` where it had to be killed. */
const waitFor = (pid: number, timeoutMs: number): number | undefined => {
  const pidfd = Number(raw.pidfdOpen(PIDFD_OPEN, pid, 0))
  const poll = new Poll(1)
  poll.set(0, pidfd)
  const inTime = poll.wait(timeoutMs)
  if (!inTime) process.kill(pid, "SIGKILL")
  raw.close(pidfd)
  const status = [0]
  raw.waitpid(pid, status, 0)
  return inTime ? status[0] : undefined
}

/** The version of libassuan in the file given, as it says itself (libassuan assuan_check_version). */
export const assuanVersion = (library: string): string =>
  String(koffi.load(library).func("str assuan_check_version(const void *)")(null))
