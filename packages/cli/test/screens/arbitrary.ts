// Whatever a gate could say, with texts that are made to break a screen.
import type { AskedQuestion, Decided } from "@gripgate/proxy/control/message/asked"
import type { GrantedEntry } from "@gripgate/proxy/control/message/granted"
import type { Status } from "@gripgate/proxy/control/message/status"
import fc from "fast-check"
import { at } from "./data.ts"

/** Escape sequences, controls, marks of direction, invisible and wide characters, line feeds, and long words. */
const nasty = fc.oneof(
  fc.constantFrom(
    "\u001b[2J",
    "\u009b31m",
    "\u202E",
    "\u2066",
    "\u200D",
    "\uFE0F",
    "\u2028",
    "\r\n",
    "\n",
    "\t",
    "\u0000",
    "\u007F"
  ),
  fc.constantFrom(
    "\u9577\u3044",
    "\uD83D\uDC69\u200D\uD83D\uDC67",
    "\uD800",
    "e\u0301",
    "\u05D0\u05D1",
    "\u2800",
    "\u00AD",
    "\u3164"
  ),
  fc.constantFrom("x".repeat(300), " ".repeat(300), "| ", "\"", "wants   ", "> ", "\\"),
  fc.string({ unit: "binary" }),
  fc.string()
)

export const text = fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join(""))

const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary)
const count = fc.oneof(fc.nat({ max: 30 }), fc.constant(Number.MAX_SAFE_INTEGER))
const moment = fc.oneof(fc.integer({ min: -1e9, max: 1e9 }).map(at), fc.constant("+275760-09-13T00:00:00.000Z"), text)
const app = maybe(fc.oneof(fc.constant("mailpile"), text))

export const key: fc.Arbitrary<AskedQuestion["keys"][number]> = fc.record({
  keygrip: text,
  keyId: maybe(text),
  fingerprint: maybe(text),
  userId: maybe(text),
  capabilities: maybe(fc.array(text, { maxLength: 3 }))
})

export const question: fc.Arbitrary<AskedQuestion> = fc.record({
  id: fc.oneof(fc.constantFrom("AA22", "BB33", "CC44"), text),
  app,
  operation: text,
  operations: fc.array(text, { maxLength: 3 }),
  purpose: text,
  key: maybe(text),
  keys: fc.array(key, { maxLength: 3 }),
  command: text,
  who: text,
  recognised: fc.constantFrom("socket", "kernel", "advisory", "none"),
  uid: maybe(count),
  pid: maybe(count),
  program: maybe(text),
  digest: maybe(fc.record({ algorithm: text, hex: text })),
  unseen: fc.boolean(),
  said: maybe(fc.record({ by: fc.constantFrom("client", "agent"), text })),
  note: maybe(text),
  offers: fc.record({ forMs: maybe(fc.integer({ min: 1, max: 3650 * 86_400_000 })), always: fc.boolean() }),
  entry: text,
  state: fc.constantFrom("open", "waiting"),
  askedAt: moment,
  endsAt: maybe(moment)
})

export const questions = fc.uniqueArray(question, { maxLength: 6, selector: ({ id }) => id })

export const decision: fc.Arbitrary<Decided> = fc.record({
  id: text,
  app,
  operation: text,
  purpose: text,
  key: maybe(text),
  keyId: maybe(text),
  answer: fc.constantFrom("yes", "no", "timeout", "unavailable", "paused", "withdrawn", "stopped"),
  good: maybe(fc.oneof(fc.constantFrom("once", "always"), text, fc.integer({ min: 1, max: 1e12 }))),
  through: maybe(text),
  uid: maybe(count),
  at: moment
})

export const grant: fc.Arbitrary<GrantedEntry> = fc.record({
  id: text,
  app,
  session: maybe(fc.record({ uid: count, leaderPid: count, program: text })),
  keys: fc.array(
    fc.record({
      keygrip: text,
      keyId: maybe(text),
      userId: maybe(text),
      seal: fc.constantFrom("none", "sealed", "stale")
    }),
    { maxLength: 3 }
  ),
  operations: fc.array(text, { maxLength: 4 }),
  answer: fc.constantFrom("yes", "never"),
  token: fc.boolean(),
  madeAt: moment,
  madeBy: fc.record({ through: text, uid: maybe(count) }),
  expiresAt: maybe(moment),
  revokedAt: maybe(moment),
  uses: count,
  usesLeft: maybe(count),
  limit: maybe(text),
  previousUntil: maybe(moment),
  lastUsedAt: maybe(moment),
  effective: fc.boolean(),
  reason: maybe(text)
})

export const paused: fc.Arbitrary<Status["paused"]> = fc.array(fc.record({ asker: text, until: moment }), {
  maxLength: 4
})

export const place: fc.Arbitrary<Status["owner"]> = fc.record({ display: maybe(text), tty: maybe(text) })

export const status: fc.Arbitrary<Status> = fc.record({
  version: text,
  pid: count,
  startedAt: moment,
  uptimeSeconds: count,
  upstream: fc.record({ socket: text, version: maybe(text) }),
  upstreams: fc.array(fc.record({ name: text, where: text, version: maybe(text) }), { minLength: 1, maxLength: 3 }),
  listen: fc.array(fc.record({ path: text, app, sessions: count }), { maxLength: 3 }),
  policy: fc.record({ file: maybe(text), default: text, loadedAt: moment }),
  sessions: fc.record({
    open: count,
    served: count,
    list: fc.array(
      fc.record({
        session: count,
        app,
        uid: maybe(count),
        pid: maybe(count),
        program: maybe(text),
        socket: text,
        connectedAt: moment
      }),
      { maxLength: 4 }
    )
  }),
  questions: fc.record({ open: count, waiting: count }),
  grants: fc.record({ inForce: count }),
  owner: place,
  paused,
  refused: count
})
