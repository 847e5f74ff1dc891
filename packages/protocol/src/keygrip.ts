// The keygrip: the name by which gpg-agent knows a key, 20 bytes written as 40 hexadecimal digits.
// The agent takes either case and files keys under upper case, so that is the one spelling here.

/** Forty upper-case hexadecimal digits, checked. */
export type Keygrip = string & { readonly Keygrip: unique symbol }

const spelling = /^[0-9A-Fa-f]{40}$/

/**
 * Reads a keygrip in either case. `undefined` for anything that is not exactly 40 hexadecimal digits; the agent itself
 * ignores what follows the 40 digits (GnuPG agent/command.c parse_keygrip), which is why nothing may follow here.
 */
export const parseKeygrip = (text: string): Keygrip | undefined =>
  spelling.test(text) ? text.toUpperCase() as Keygrip : undefined

/** The 20 bytes, as they stand in the data of `HAVEKEY --list`. */
export const keygripBytes = (grip: Keygrip): Buffer => Buffer.from(grip, "hex")

/** The keygrip of 20 bytes, or `undefined` for any other number of bytes. */
export const keygripOf = (bytes: Uint8Array): Keygrip | undefined =>
  bytes.length === 20
    ? Buffer.from(bytes.buffer, bytes.byteOffset, 20).toString("hex").toUpperCase() as Keygrip
    : undefined
