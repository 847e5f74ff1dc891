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
  const value = publicValue(dataOf(answer))
  if (value === undefined) return undefined
  const { info } = session.services.keys
  const unknown = (keygrip: Keygrip): boolean => info(keygrip).protection === undefined
  return yield* keyWith(connection, value, (keygrips) => keygrips.filter(unknown).slice(0, MAX_CANDIDATES))
}

/** The key of the agent that has this public value; `candidates` says which may be it, the likeliest first. */
export function* keyWith(
  connection: AgentConnection,
  value: Uint8Array,
  candidates: (keygrips: ReadonlyArray<Keygrip>) => ReadonlyArray<Keygrip>
): Effect.fn.Return<Keygrip | undefined> {
  const listing = yield* connection.exchange([KEYINFO_LIST], 1, { status: ["KEYINFO"], live: () => {} })
  if (listing.kind !== "done" || !listing.ok) return undefined
  const grips = [...connection.collected.bytes.toString("latin1").matchAll(/^S KEYINFO ([0-9A-F]{40}) [DT] /gm)]
    .map((match) => parseKeygrip(match[1]!)!)
  connection.collected.clear()
  for (const keygrip of candidates(grips)) {
    const read = yield* connection.exchange([Buffer.from(`READKEY ${keygrip}\n`)], 1, SILENT)
    const found = read.kind === "done" && read.ok ? publicValue(dataOf(connection.collected.bytes)) : undefined
    const same = found !== undefined && Buffer.compare(found, value) === 0
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

/** What tells one public key from every other, by the names of its parts: y of DSA and Elgamal, n of RSA, q of ECC, p of ML-KEM. */
const parts = ["y", "n", "q", "p"]

/** The value of a public key in canonical form; a NUL may follow it. */
export const publicValue = (bytes: Buffer): Buffer | undefined => {
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length
  const parsed = parseCanonical(bytes.subarray(0, end))
  if (Result.isFailure(parsed)) return undefined
  const key = parsed.success.slice(1).find((part) => !isAtom(part)) as List | undefined
  if (key === undefined) return undefined
  for (const name of parts) {
    for (const part of key) {
      if (isAtom(part)) continue
      const [head, value] = part
      if (head !== undefined && value !== undefined && isAtom(head) && isAtom(value) && textOf(head) === name) {
        return Buffer.from(value)
      }
    }
  }
  return undefined
}

const textOf = (atom: Uint8Array): string => Buffer.from(atom).toString("latin1")
