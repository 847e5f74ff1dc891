// What is to be signed, read from the line that gives it to the agent: for the owner, who is shown it.
import type { Digest } from "../approve/question.ts"

/** OpenPGP's numbers for hash algorithms, which are libgcrypt's too (RFC 9580, 9.5). */
const algorithms: ReadonlyMap<string, string> = new Map([
  ["1", "MD5"],
  ["2", "SHA1"],
  ["3", "RIPEMD160"],
  ["8", "SHA256"],
  ["9", "SHA384"],
  ["10", "SHA512"],
  ["11", "SHA224"]
])

/** `SETHASH 10 HEX` or `SETHASH --hash=sha512 HEX`, as the gate writes it; what the agent itself took is unseen. */
export const digestOf = (hash: Buffer | "agent" | undefined): Digest | "unseen" | undefined => {
  if (hash === undefined || hash === "agent") return hash === undefined ? undefined : "unseen"
  const [, name, number, hex] = /^SETHASH (?:--hash=(\S+)|(\d+)) ([0-9A-Fa-f]+)\n$/.exec(hash.toString("latin1")) ?? []
  if (hex === undefined) return "unseen"
  const algorithm = name?.toUpperCase() ?? algorithms.get(number!) ?? `algorithm ${number}`
  return { algorithm, hex: hex.toUpperCase() }
}
