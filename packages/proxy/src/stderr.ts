// Standard error for a daemon: what is written here never throws and never waits, whatever is at the other end. Its
// border: it takes bytes or does not take them; what becomes of those it did not take is the log's matter.
import { constants, fstatSync, openSync, writeSync } from "node:fs"
import { isatty } from "node:tty"

/** Takes as many of the bytes as there is room for at this moment and returns how many; 0 where none. */
export type Sink = (bytes: Buffer) => number

const STDERR = 2

/**
 * For how many milliseconds lines are best collected: a write to a file waits where the file system is just making something else
 * durable, as it does for each record of a ledger, and no session goes on meanwhile.
 */
export const collectFor = (): number => fstatSync(STDERR).isFile() ? 10 : 0

/** The sink for this process, by what file descriptor 2 is at the time of the call. */
export const standardError = (): Sink => {
  const stat = fstatSync(STDERR)
  if (stat.isFIFO() || stat.isSocket()) return pipeSink()
  return fileSink(isatty(STDERR) ? nonBlocking() : STDERR)
}

/**
 * Whether systemd's journal reads standard error, and so understands priorities in front of a line. The variable
 * outlives a redirection, hence the comparison with what the descriptor really is (systemd.exec(5), $JOURNAL_STREAM).
 */
export const isJournal = (stream: string | undefined): boolean => {
  if (stream === undefined) return false
  const { dev, ino } = fstatSync(STDERR, { bigint: true })
  return stream === `${dev}:${ino}`
}

// Node writes to files and terminals at once. Every error is "not now": a full disk is emptied again, and it costs nothing
// to try a terminal that is gone.
const fileSink = (fd: number): Sink => (bytes) => {
  try {
    return writeSync(fd, bytes)
  } catch {
    return 0
  }
}

// Node's own stream for a pipe or a socket never waits, but keeps whatever it is given: so it gets nothing more as long as
// its reader has not taken the last.
const pipeSink = (): Sink => {
  const { stderr } = process
  let gone = false
  // EPIPE: nobody reads any more and nobody will, which is no reason to stop, nor to keep what is written
  stderr.on("error", () => {
    gone = true
  })
  return (bytes) => {
    if (gone) return bytes.length
    if (stderr.writableLength > 0) return 0
    stderr.write(bytes)
    return bytes.length
  }
}

// A terminal stopped with Ctrl-S, or one whose other end hangs, would hold up every session. An open of its own gets
// O_NONBLOCK without changing what the shell and other programs have.
const nonBlocking = (): number => {
  try {
    return openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    // another user's terminal, after su: it can be written to, but not opened
    return STDERR
  }
}
