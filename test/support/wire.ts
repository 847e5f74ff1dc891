// What a test says to a gate and what it expects to hear, in one word for each reply: `OK`, `ERR 67109115`, `INQUIRE CIPHERTEXT`.
import { assert } from "@effect/vitest"
import type { RawClient, RawReply } from "@gripgate/testkit/raw-client"

/** A reply in a word. An ERR must have a decimal that is not 0: gpg 2.2.40 dies of any other (failed assertion). */
export const outcome = ({ last }: RawReply): string => {
  if (/^OK( |$)/.test(last)) return "OK"
  const inquiry = /^INQUIRE ([^ ]+)/.exec(last)?.[1]
  if (inquiry !== undefined) return `INQUIRE ${inquiry}`
  const value = /^ERR ([1-9][0-9]*)( |$)/.exec(last)?.[1]
  if (value === undefined) throw new Error(`expected OK, INQUIRE or ERR with a decimal that is not 0, got ${last}`)
  return `ERR ${value}`
}

/** The next replies, in their order. */
export const outcomes = async (
  client: RawClient,
  count: number,
  timeoutMs?: number
): Promise<ReadonlyArray<string>> => {
  const seen: Array<string> = []
  while (seen.length < count) seen.push(outcome(await client.readReply(timeoutMs)))
  return seen
}

/** One line at a time, each with its reply. */
export const assertTalk = async (
  client: RawClient,
  ...lines: ReadonlyArray<readonly [line: string, expected: string]>
): Promise<void> => {
  for (const [line, expected] of lines) assert.strictEqual(outcome(await client.command(line)), expected, line)
}

/** Everything in one write, and the replies that must come in this order. */
export const assertPipelined = async (
  client: RawClient,
  bytes: string,
  expected: ReadonlyArray<string>
): Promise<void> => {
  client.send(bytes)
  assert.deepStrictEqual(await outcomes(client, expected.length), expected, JSON.stringify(bytes))
}

/** The gate has closed the connection, and has said nothing more than what was read. */
export const assertClosed = async (client: RawClient): Promise<void> => {
  const more = await client.readLine().then((line) => line.toString("latin1"), (error: Error) => error.message)
  assert.match(more, /^expected a line, but the connection was closed \(end\), 0 bytes/)
}

/** gpg-error values with the source gpg-agent, by the names of libgpg-error. */
export const ERR = {
  BAD_PASSPHRASE: "ERR 67108875",
  NO_SECKEY: "ERR 67108881",
  NOT_FOUND: "ERR 67108891",
  INV_VALUE: "ERR 67108919",
  NO_DATA: "ERR 67108922",
  TIMEOUT: "ERR 67108926",
  NOT_IMPLEMENTED: "ERR 67108933",
  NO_AGENT: "ERR 67108941",
  INV_SEXP: "ERR 67108947",
  CANCELED: "ERR 67108963",
  NO_SCDAEMON: "ERR 67108983",
  UNKNOWN_OPTION: "ERR 67109038",
  NO_PASSPHRASE: "ERR 67109041",
  LIMIT_REACHED: "ERR 67109047",
  FORBIDDEN: "ERR 67109115",
  INCOMPLETE_LINE: "ERR 67109126",
  LINE_TOO_LONG: "ERR 67109127",
  TOO_MUCH_DATA: "ERR 67109137",
  UNEXPECTED_CMD: "ERR 67109138",
  UNKNOWN_CMD: "ERR 67109139",
  SYNTAX: "ERR 67109140",
  ASS_CANCELED: "ERR 67109141",
  PARAMETER: "ERR 67109144",
  UNKNOWN_INQUIRE: "ERR 67109145"
} as const

/** A D line's payload for a ciphertext of a cv25519 key: the agent multiplies the point and looks at nothing else. */
export const ecdhCiphertext: Buffer = Buffer.concat([
  Buffer.from("(7:enc-val(4:ecdh(1:s1:x)(1:e33:@"),
  Buffer.from([9]),
  Buffer.alloc(31),
  Buffer.from(")))")
])

/** SHA-256 of something, in the form of SETHASH's second word. */
export const DIGEST = "AB".repeat(32)
