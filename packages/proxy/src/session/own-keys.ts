// A key that an app makes becomes its own: found out which it is before the app hears that it is done, since it uses it with
// its next command. Agents from 2.3 on name it; older ones only return the public key, which is looked for among their keys.
import { decodeDataInto } from "@gripgate/protocol/escape"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { parseCanonical } from "@gripgate/protocol/sexp/parse-canonical"
import { isAtom, type List } from "@gripgate/protocol/sexp/sexp"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { AgentConnection, Listening } from "../upstream/agent.ts"
import type { SessionContext } from "./context.ts"

/** Keys that are compared with the new one at most: the directory knows all but the newest. */
const MAX_CANDIDATES = 64

/** Whether keys that a session makes have to be given to its app: one that sees all sees them anyway. */
export const claims = (session: SessionContext): session is SessionContext & { readonly app: string } =>
  session.app !== undefined && !session.services.keys.seesAll(session.app)

/** The keygrip of the key that a GENKEY made; `answer` is what the agent said, `undefined` where it cannot be told. */
export function* generatedKey(
  session: SessionContext,
  connection: AgentConnection,
  answer: Buffer
): Effect.fn.Return<Keygrip | undefined> {
  const named = /^S KEYGRIP ([0-9A-F]{40})$/m.exec(answer.toString("latin1"))?.[1]
  if (named !== undefined) return parseKeygrip(named)
  const key = publicKey(dataOf(answer))
  if (key === undefined) return undefined
  const { info } = session.services.keys
  const unknown = (keygrip: Keygrip): boolean => info(keygrip).protection === undefined
  return yield* keyWith(connection, key, (keygrips) => keygrips.filter(unknown).slice(0, MAX_CANDIDATES))
}

/** The key of the agent that is this public key; `candidates` says which may be it, the likeliest first. */
export function* keyWith(
  connection: AgentConnection,
  key: PublicKey,
  candidates: (keygrips: ReadonlyArray<Keygrip>) => ReadonlyArray<Keygrip>
): Effect.fn.Return<Keygrip | undefined> {
  const listing = yield* connection.exchange([KEYINFO_LIST], 1, { status: ["KEYINFO"], live: () => {} })
  if (listing.kind !== "done" || !listing.ok) return undefined
  const grips = [...connection.collected.bytes.toString("latin1").matchAll(/^S KEYINFO ([0-9A-F]{40}) [DT] /gm)]
    .map((match) => parseKeygrip(match[1]!)!)
  connection.collected.clear()
  for (const keygrip of candidates(grips)) {
    const read = yield* connection.exchange([Buffer.from(`READKEY ${keygrip}\n`)], 1, SILENT)
    const found = read.kind === "done" && read.ok ? publicKey(dataOf(connection.collected.bytes)) : undefined
    const same = found !== undefined && isSame(found, key)
    connection.collected.clear()
    if (same) return keygrip
  }
  return undefined
}

const KEYINFO_LIST = Buffer.from("KEYINFO --list\n")
const SILENT: Listening = { status: [], live: () => {} }

/** The bytes of all D lines of an answer. */
const dataOf = (answer: Buffer): Buffer => {
  const data = Buffer.alloc(answer.length)
  let length = 0
  for (let from = 0; from < answer.length;) {
    const stop = answer.indexOf(10, from)
    const to = stop < 0 ? answer.length : stop
    if (answer[from] === 0x44 && answer[from + 1] === 0x20) {
      length = Math.max(length, decodeDataInto(answer.subarray(from + 2, to), data, length))
    }
    from = to + 1
  }
  return data.subarray(0, length)
}

/** A public key as far as it is compared: the family of its algorithm and the parts that make it this key. */
export interface PublicKey {
  readonly family: string
  readonly parts: ReadonlyMap<string, Uint8Array>
}

const families: ReadonlyMap<string, string> = new Map([
  ["rsa", "rsa"],
  ["openpgp-rsa", "rsa"],
  ["ecc", "ecc"],
  ["ecdsa", "ecc"],
  ["ecdh", "ecc"],
  ["eddsa", "ecc"],
  ["dsa", "dsa"],
  ["elg", "elg"],
  ["openpgp-elg", "elg"]
])

/** The parts of each family; of another, all that it has. A curve goes by several names, and a point of one is on no other. */
const partsOf: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["rsa", ["n", "e"]],
  ["ecc", ["q"]],
  ["dsa", ["p", "q", "g", "y"]],
  ["elg", ["p", "g", "y"]]
])

/** Whether two keys are one: every part counts, or a key could be made that shares one part with somebody else's. */
const isSame = (one: PublicKey, other: PublicKey): boolean =>
  one.family === other.family && one.parts.size === other.parts.size
  && [...one.parts].every(([name, value]) => {
    const its = other.parts.get(name)
    return its !== undefined && Buffer.compare(value, its) === 0
  })

/** A public key in canonical form; a NUL may follow it. `undefined` where a part is missing, or there twice. */
export const publicKey = (bytes: Buffer): PublicKey | undefined => {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length
  const parsed = parseCanonical(bytes.subarray(0, end))
  if (Result.isFailure(parsed)) return undefined
  const [head, key, ...more] = parsed.success
  if (head === undefined || !isAtom(head) || textOf(head) !== "public-key") return undefined
  if (key === undefined || isAtom(key) || more.some((part) => !isAtom(part) && textOf(part[0]) === "public-key")) {
    return undefined
  }
  const name = textOf(key[0])
  const family = families.get(name) ?? name
  const wanted = partsOf.get(family)
  const parts = new Map<string, Uint8Array>()
  for (const part of key.slice(1)) {
    if (isAtom(part)) continue
    const [label, value, ...rest] = part
    const which = textOf(label)
    if (wanted !== undefined && !wanted.includes(which)) continue
    if (value === undefined || !isAtom(value) || rest.length > 0) {
      if (wanted !== undefined) return undefined
      continue
    }
    if (parts.has(which)) return undefined
    parts.set(which, Buffer.from(value))
  }
  return parts.size === 0 || (wanted !== undefined && parts.size < wanted.length) ? undefined : { family, parts }
}

const textOf = (sexp: List[number] | undefined): string =>
  sexp !== undefined && isAtom(sexp) ? Buffer.from(sexp).toString("latin1") : ""
