// The policy file as a JSON Schema, for editors: made from the words that the readers use, so that neither knows a word
// that the other does not. It judges the structure; what two settings mean together, and ids that are misspelt, only the
// reader can tell.
import { operations } from "@gripgate/protocol/operation"
import { factNames } from "../client/match.ts"
import { unitWords } from "../duration.ts"
import { approverNames, countLimits, otherFates, sshFates, timeLimits } from "../policy.ts"
import { verdicts } from "../verdict.ts"
import { MAX_ID } from "./account.ts"
import { anyoneWords, APP_NAME, appWords } from "./app.ts"
import { approveOrders, approveWords } from "./approve.ts"
import { entryWords } from "./entry.ts"
import { gateWords } from "./gate.ts"
import { MAX_COUNT_LIMIT } from "./limits.ts"
import { pathFacts } from "./match.ts"
import { defaults, topWords } from "./parse.ts"
import { factTexts, limitTexts, operationTexts } from "./schema-texts.ts"
import { MAX_SOCKET_PATH } from "./socket.ts"
import { MAX_WORDS, UPSTREAM_NAME, upstreamWords } from "./upstreams.ts"

type Schema = { readonly [keyword: string]: unknown }

/** The schema, JSON Schema 2020-12, as plain data. */
export const policySchema = (): unknown => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "gripgate policy",
  description: "Who may do what with the keys behind gpg-agent.",
  ...record(topWords, {
    default: { enum: defaults, description: "For every operation that nothing names; allow without it." },
    operations: { ...record(operations, entries), description: "Verdicts for every app." },
    apps: {
      type: "object",
      propertyNames: { pattern: APP_NAME.source, not: { const: "anyone" } },
      additionalProperties: app,
      description: "The apps by their names."
    },
    anyone: { ...record([...anyoneWords, ...operations], { keys, ...entries }), description: "Whoever is no app." },
    limits: { ...limits, description: "Numbers and times that bound what a client can take up." },
    gate: { ...gate, description: "Where the agent is, the sockets that no app owns, and who is the owner." },
    approve: { ...approve, description: "How the owner is asked." },
    upstreams: {
      type: "object",
      propertyNames: { pattern: UPSTREAM_NAME.source },
      additionalProperties: upstream,
      description: "Agents besides the gate's own, by their names."
    }
  }),
  $defs: { verdict, entry, duration, rate, selector, account, socket: socketName, texts, paths, accounts }
})

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` })

/** A table that holds these words and no others. */
const record = <Word extends string>(
  words: ReadonlyArray<Word>,
  settings: Record<Word, Schema>
): { readonly type: string; readonly properties: Schema; readonly additionalProperties: false } => ({
  type: "object",
  properties: Object.fromEntries(words.map((word) => [word, settings[word]])),
  additionalProperties: false
})

const described = <Word extends string>(
  words: ReadonlyArray<Word>,
  texts: Record<Word, string>,
  schema: (word: Word) => Schema
): Record<Word, Schema> =>
  Object.fromEntries(
    words.map((word): [string, Schema] => [word, { ...schema(word), description: texts[word] }])
  ) as Record<Word, Schema>

/** With these settings the rest must hold. */
const having = (settings: ReadonlyArray<string>, rest: Schema): Schema => ({
  anyOf: [{ not: { required: settings } }, rest]
})

const units = unitWords.join("|")

const duration: Schema = {
  type: "string",
  pattern: `^[1-9][0-9]* ?(${units})$`,
  description: "A whole number and a unit: 15m, 90d, 15 minutes; at most ten years."
}

const rate: Schema = {
  type: "string",
  pattern: `^[1-9][0-9]{0,6}/([1-9][0-9]* ?)?(${units})$`,
  description: "A whole number, a slash and a time: 60/hour, 10/15m."
}

const verdict: Schema = {
  enum: verdicts,
  description: "allow: it happens. ask: the owner is asked. token: only a token releases it. forbid: it is refused."
}

const entry: Schema = {
  anyOf: [
    ref("verdict"),
    {
      ...record(entryWords, {
        verdict: ref("verdict"),
        remember: {
          anyOf: [{ const: "never" }, ref("duration")],
          description: "How long the owner's yes is good for the same app, operation and key."
        },
        limit: { ...ref("rate"), description: "How often; each app has its own count." }
      }),
      required: ["verdict"],
      allOf: [
        having(["remember"], { properties: { verdict: { const: "ask" } } }),
        having(["limit"], { properties: { verdict: { not: { const: "forbid" } } } })
      ]
    }
  ]
}

const entries = described(operations, operationTexts, () => ref("entry"))

const selector: Schema = {
  type: "string",
  anyOf: [
    { const: "*" },
    { pattern: "^grip:[0-9A-Fa-f]{40}$" },
    { pattern: "^(0[xX])?[0-9A-Fa-f]{16}!?$" },
    { pattern: "^(0[xX])?([0-9A-Fa-f] {0,2}){39}[0-9A-Fa-f]!?$" },
    { pattern: "^(0[xX])?([0-9A-Fa-f] {0,2}){63}[0-9A-Fa-f]!?$" },
    { pattern: "^[^\\s@<>]+@[^\\s@<>]+$" },
    { pattern: "^<[^\\s@<>]+@[^\\s@<>]+>$" }
  ],
  description: "A keygrip (grip:...), a fingerprint, a key id of 16 digits, a mail address, or * for every key."
}

const keys: Schema = {
  type: "array",
  items: ref("selector"),
  uniqueItems: true,
  anyOf: [{ maxItems: 1 }, { not: { contains: { const: "*" } } }],
  description: "The keys that exist for the app; [] for none."
}

/** One value, or several of which one must hold. */
const oneOrMore = (value: Schema): Schema => ({ anyOf: [value, { type: "array", items: value, minItems: 1 }] })

const texts = oneOrMore({ type: "string", minLength: 1 })
const paths = oneOrMore({ type: "string", pattern: "^[/*]" })

const account: Schema = {
  anyOf: [{ type: "string", pattern: "^[^*?]+$" }, { type: "integer", minimum: 0, maximum: MAX_ID }],
  description: "A name or a number."
}

const accounts = oneOrMore(ref("account"))

const factSchema = (fact: typeof factNames[number]): Schema =>
  ref(fact === "user" || fact === "group" ? "accounts" : pathFacts.has(fact) ? "paths" : "texts")

const socketName: Schema = {
  type: "string",
  pattern: "^(/.*[^/]|[^/]+)$",
  maxLength: MAX_SOCKET_PATH,
  description: "A file name below the gate's run directory, or an absolute path."
}

const socketMode: Schema = {
  type: "string",
  pattern: "^0*[67][0-7]{2}$",
  description: "Permission bits of the socket: 0600 where nothing else is said."
}

const socketGroup: Schema = { ...ref("account"), description: "The group of the socket." }

const app: Schema = {
  ...record([...appWords, ...operations], {
    match: {
      ...record(factNames, described(factNames, factTexts, factSchema)),
      minProperties: 1,
      description: "The facts that a client must show to be this app: all of them."
    },
    socket: { ...ref("socket"), description: "A socket of its own: whoever comes through it is this app." },
    "socket-mode": socketMode,
    "socket-group": socketGroup,
    keys,
    with: {
      type: "object",
      propertyNames: { ...ref("selector"), not: { const: "*" } },
      additionalProperties: record(operations, entries),
      description: "What holds for this app with single keys."
    },
    ...entries
  }),
  required: ["keys"],
  anyOf: [{ required: ["match"] }, { required: ["socket"] }],
  dependentRequired: { "socket-mode": ["socket"], "socket-group": ["socket", "socket-mode"] }
}

const limits = record([...countLimits, ...timeLimits], {
  ...described(countLimits, limitTexts, () => ({ type: "integer", minimum: 1, maximum: MAX_COUNT_LIMIT })),
  ...described(timeLimits, limitTexts, () => ref("duration"))
})

const gate = {
  ...record(gateWords, {
    upstream: { type: "string", pattern: "^/", maxLength: MAX_SOCKET_PATH, description: "The agent's socket." },
    homedir: { type: "string", pattern: "^/", description: "GnuPG's home directory." },
    sockets: {
      type: "array",
      items: ref("socket"),
      uniqueItems: true,
      description: "Sockets for whoever is no app, or is an app by its match."
    },
    "socket-mode": socketMode,
    "socket-group": socketGroup,
    owners: {
      type: "array",
      items: ref("account"),
      minItems: 1,
      description: "Users who may answer questions and give grants; the gate's own user where nobody is named."
    },
    "control-group": { ...ref("account"), description: "The group that may connect to the control socket." },
    "extra-socket": {
      enum: otherFates,
      description: "The agent's socket for other machines, where the gate stands in."
    },
    "browser-socket": { enum: otherFates, description: "The agent's socket for browsers, where the gate stands in." },
    "ssh-socket": { enum: sshFates, description: "The agent's socket for ssh, where the gate stands in." }
  }),
  dependentRequired: { "socket-group": ["socket-mode"], "control-group": ["owners"] }
}

const upstream = {
  ...record(upstreamWords, {
    socket: { type: "string", pattern: "^/", maxLength: MAX_SOCKET_PATH, description: "The agent's socket." },
    command: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      maxItems: MAX_WORDS,
      description: "A program and its arguments, which speaks with an agent on standard input and output."
    },
    default: { type: "boolean", description: "Whether it takes the place of the gate's own agent." }
  }),
  oneOf: [{ required: ["socket"] }, { required: ["command"] }]
}

const approve = record(approveWords, {
  approvers: {
    type: "array",
    items: { enum: approverNames },
    uniqueItems: true,
    description: "What puts a question to the owner, in this order; all three where nothing is said, [] for nobody."
  },
  order: { enum: approveOrders, description: "All together, which is what holds without it, or one after the other." },
  timeout: { ...ref("duration"), description: "How long the owner has for an answer." },
  pause: { ...ref("duration"), description: "How long an app is refused after two questions without an answer." },
  remember: { ...ref("duration"), description: "How long a yes for a while is good where the entry does not say." },
  pinentry: { type: "string", pattern: "^/", description: "The pinentry to ask with, where not gpg-agent's." }
})
