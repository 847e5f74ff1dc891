// The numbers of the wire. Where libassuan or gpg-agent has a number of its own it is that one, so that nothing that
// works directly is refused here, and nothing is accepted that the agent would cut or drop.

/** Longest line to accept, in bytes without LF: libassuan's buffer is 1002 bytes with it (libassuan assuan.h). */
export const MAX_LINE_IN = 1001

/** Longest line to write, in bytes without LF: libassuan cuts what is longer (libassuan assuan-buffer.c). */
export const MAX_LINE_OUT = 1000

/** Bytes that a peer may send before they are asked for. A client that waits for its replies never comes near. */
export const MAX_PENDING = 64 * 1024

/** Bytes of an agent's whole answer to one command. `HAVEKEY --list` with 10,000 keys is 200 kB. */
export const MAX_REPLY = 4 * 1024 * 1024

/** Largest answer to an inquiry for which neither the table nor the agent names a limit, in bytes after decoding. */
export const MAX_ANSWER = 8192

/** How far beyond the limit of an inquiry an answer may go, in bytes on the wire, before the connection is closed. */
export const MAX_ANSWER_OVERRUN = 256 * 1024
