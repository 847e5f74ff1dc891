// Ways in which an agent, or what pretends to be one, goes wrong. Each is a Reply, so it can stand for any command, behind an
// inquiry, and mostly as the greeting too. (`"hang"` and `"close"` are faults as well: no greeting, closed at once.)
import { type Line, type Reply, wireBytes } from "./reply.ts"

/** The first `bytes` bytes of a reply, and then the end of the connection. */
export const dieAfter = (bytes: number, lines: ReadonlyArray<Line>): Reply => ({
  bytes: wireBytes(lines).subarray(0, bytes),
  thenClose: true
})

/** Lines that are no Assuan at all, one with NUL and bytes above 0x7f, and no end of a reply among them. */
export const nonsense: Reply = {
  bytes: Buffer.from("Hello?\nHTTP/1.1 400 Bad Request\r\n\r\n\0\xff\xfe\nOKAY\nERROR 5\nDATA\n", "latin1"),
  thenClose: false
}

/** A data line of `length` bytes without its LF, and OK. libassuan accepts 1001 and writes 1000. */
export const longLine = (length: number): Reply => [`D ${"A".repeat(length - 2)}`, "OK"]

/** Bytes that never become a line. */
export const noLineEnd = (bytes: number): Reply => ({ bytes: Buffer.alloc(bytes, "A"), thenClose: false })

/** Data without end. */
export const endlessData: Reply = { endless: `D ${"A".repeat(998)}` }

/** Status lines without end. */
export const endlessStatus: Reply = { endless: "S PROGRESS primegen . 0 0" }

/** The reply, `ms` milliseconds late. */
export const slow = (ms: number, reply: Reply): Reply => ({ afterMs: ms, reply })

/** The whole reply two times, so that every later reply is off by one. */
export const twice = (lines: ReadonlyArray<Line>): Reply => [...lines, ...lines]

/**
 * A question that does not belong to the command (`CONFIRM 1`, `NEW_PASSPHRASE`, an unknown word), and the reply after
 * whatever the client says to it.
 */
export const unsolicited = (inquire: string, reply: Reply): Reply => ({ inquire, next: () => reply, cancelled: reply })

/** An error that is none: gpg 2.2.40 dies of it with a failed assertion. */
export const errZero: Reply = ["ERR 0 Success <GPG Agent>"]

/** An error without a number, which gpg reads as 0 too. */
export const errWithoutNumber: Reply = ["ERR Forbidden"]
