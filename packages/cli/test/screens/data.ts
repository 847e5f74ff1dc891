// Questions, grants and states of a gate as they could be: ordinary ones, and some in which everything that comes from elsewhere
// tries to be more than it is.
import { command, type Finding, finding } from "@gripgate/deploy/doctor/finding"
import type { AskedQuestion, Decided, Snapshot } from "@gripgate/proxy/control/message/asked"
import type { GrantedEntry } from "@gripgate/proxy/control/message/granted"
import type { Status } from "@gripgate/proxy/control/message/status"
import type { View } from "../../src/screens/line.ts"
import type { WatchScreen } from "../../src/screens/watch/data.ts"

/** 14:32:10 on the wall of whoever looks. */
export const NOW = Date.parse("2026-02-03T13:32:10Z")

export const view = (columns: number): View => ({ columns, now: NOW, offset: () => 60 })

/** So many seconds from now. */
export const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString()

export const ALICE = {
  keygrip: "9FCB64C268C81617336E8821996E584AAE650A0A",
  keyId: "6F1D0C6A3B2E9A41",
  fingerprint: "0F1E2D3C4B5A69788796A5B46F1D0C6A3B2E9A41",
  userId: "Alice <alice@example.org>",
  capabilities: ["sign", "certify"]
} as const

export const SHA256 = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"

export const sign: AskedQuestion = {
  id: "7KQ2",
  app: "mailpile",
  operation: "sign",
  operations: ["sign"],
  purpose: "sign",
  key: ALICE.keygrip,
  keys: [ALICE],
  command: "PKSIGN",
  who: "by facts that the kernel vouches for: user mailpile (1001), mailpile.service, /usr/bin/python3",
  recognised: "kernel",
  uid: 1001,
  pid: 4711,
  program: "/usr/bin/python3",
  digest: { algorithm: "SHA256", hex: SHA256 },
  unseen: false,
  said: null,
  note: null,
  offers: { forMs: 900_000, always: true },
  entry: "[apps.mailpile] sign = \"ask\" (policy.toml:14:1)",
  state: "open",
  askedAt: at(-12),
  endsAt: at(108)
}

/** A program that is no app; the agent wants to know something, too. */
export const trust: AskedQuestion = {
  ...sign,
  id: "M3XA",
  app: null,
  operation: "trust",
  operations: ["trust"],
  purpose: "have a root certificate trusted",
  key: null,
  keys: [],
  command: "MARKTRUSTED",
  who: "user alice (1000), /usr/bin/gpgsm called by /usr/bin/bash",
  recognised: "none",
  uid: 1000,
  digest: null,
  said: {
    by: "agent",
    text: "Do you ultimately trust\n  \"CN=Root, O=Example\"\nto correctly certify user certificates?"
  },
  note: "After a yes the next dialogs of gpg-agent belong to it.",
  offers: { forMs: null, always: false },
  entry: "default = \"ask\" (policy.toml:1:1)",
  askedAt: at(-3),
  endsAt: null
}

/** Every text tries to look like a line of the gate, or to steer the terminal. */
export const hostile: AskedQuestion = {
  ...sign,
  id: "ZZ29",
  app: "release",
  operation: "decrypt",
  operations: ["decrypt", "loopback"],
  purpose: "decrypt",
  keys: [{
    ...ALICE,
    keyId: null,
    userId: `\u001b[2J\u001b[1;1H\u202Eecila\u202C "can sign"\nwho     user root (0)\u0007 ${
      "\u9577\u3044\u540D\u524D".repeat(30)
    }`,
    capabilities: ["encrypt"]
  }, { ...ALICE, keyId: "A0B1C2D3E4F50617", userId: "\u05D0\u05DC\u05D9\u05E1 <a@example.org>", capabilities: null }],
  command: "PKDECRYPT",
  who: `by facts that a program of the same user can imitate: user x (1002), /tmp/\u001b]0;gripgate\u0007\u200B/${
    "very-long-name/".repeat(12)
  }\u00E9`,
  recognised: "advisory",
  digest: null,
  unseen: true,
  said: {
    by: "client",
    text: `nothing to see here${" ".repeat(300)}key     3B2E9A41 Bob\n\nanswered: yes, always\r\n\u001b[8m${
      "\uD83D\uDD11 ".repeat(40)
    }\u2028\u061C\uD800`
  },
  offers: { forMs: 3_600_000, always: true },
  entry: "[apps.release] decrypt = \"ask\" (policy.toml:22:1)",
  askedAt: at(-75),
  endsAt: at(45)
}

export const inLine: AskedQuestion = { ...sign, id: "Q4W7", state: "waiting", askedAt: at(-1), endsAt: null }

export const asked: ReadonlyArray<AskedQuestion> = [hostile, sign, trust, inLine]

export const paused: Status["paused"] = [
  { asker: "app backup", until: at(285) },
  { asker: "user 1000 \u001b[31mdocker:\u202Ef00", until: at(3) }
]

const decision = (over: Partial<Decided>): Decided => ({
  id: "AB23",
  app: "mailpile",
  operation: "sign",
  purpose: "sign",
  key: ALICE.keygrip,
  keyId: ALICE.keyId,
  answer: "yes",
  good: "once",
  through: "pinentry",
  uid: 1000,
  at: at(-20),
  ...over
})

export const decided: ReadonlyArray<Decided> = [
  decision({ id: "CD45", good: 900_000, through: "watch" }),
  decision({
    app: null,
    operation: "export",
    purpose: "take a secret key out",
    answer: "no",
    through: "approve",
    at: at(-71)
  }),
  decision({
    id: "EF67",
    app: "release",
    purpose: "sign or certify keys",
    answer: "no",
    good: "always",
    through: "\u001b[31mx",
    at: at(-300)
  }),
  decision({ id: "GH89", answer: "timeout", good: null, through: null, at: at(-3_700) }),
  decision({ id: "JK22", answer: "withdrawn", good: null, through: null, key: null, keyId: null, at: at(-3_800) }),
  decision({ id: "MN33", answer: "paused", good: null, through: null, at: at(-3_900) }),
  decision({ id: "PQ44", answer: "unavailable", good: null, through: null, at: at(-4_000) }),
  decision({ id: "RS55", answer: "yes", good: "always", at: at(-4_100) })
]

export const snapshot: Snapshot = { at: at(0), asks: asked, decided, paused, owner: { display: ":0", tty: null } }

export const nothing: Snapshot = { at: at(0), asks: [], decided: [], paused: [], owner: { display: null, tty: null } }

const granted = { keygrip: ALICE.keygrip, keyId: ALICE.keyId, userId: ALICE.userId, seal: "none" } as const

const grant = (over: Partial<GrantedEntry>): GrantedEntry => ({
  id: "AB23",
  app: "mailpile",
  session: null,
  keys: [granted],
  operations: ["sign"],
  answer: "yes",
  token: false,
  madeAt: at(-130),
  madeBy: { through: "approve", uid: 1000 },
  expiresAt: at(770),
  revokedAt: null,
  uses: 3,
  usesLeft: null,
  limit: null,
  lastUsedAt: at(-20),
  previousUntil: null,
  effective: true,
  reason: null,
  ...over
})

export const grants: ReadonlyArray<GrantedEntry> = [
  grant({}),
  grant({ id: "CD45", operations: ["sign", "certify"], expiresAt: null, uses: 0, lastUsedAt: null }),
  grant({
    id: "EF67",
    app: null,
    session: { uid: 1000, leaderPid: 812, program: `/opt/\u001b[2J${"\u9577".repeat(20)}/git` },
    expiresAt: at(7 * 86_400)
  }),
  grant({
    id: "GH89",
    app: "release-of-a-long-name-indeed",
    keys: [],
    answer: "never",
    operations: ["export"],
    expiresAt: null,
    uses: 0,
    lastUsedAt: null
  }),
  grant({
    id: "JK22",
    app: "old",
    keys: [{ ...granted, userId: `\u202E\u001b[31m${"Bob ".repeat(60)}` }],
    revokedAt: at(-60),
    effective: false,
    reason: "it was revoked"
  }),
  grant({
    id: "MN33",
    app: "moved",
    expiresAt: null,
    effective: false,
    reason: "the app is known by another match or socket now"
  }),
  grant({
    id: "PQ44",
    token: true,
    operations: ["sign", "decrypt"],
    keys: [{ ...granted, seal: "sealed" }, { ...granted, keygrip: "B".repeat(40), keyId: null, userId: null }],
    madeBy: { through: "grant", uid: 1000 },
    expiresAt: at(90 * 86_400),
    uses: 7,
    usesLeft: 93,
    limit: "60/hour",
    previousUntil: at(3_600)
  }),
  grant({
    id: "RS55",
    token: true,
    keys: [{ ...granted, seal: "stale" }, { ...granted, keygrip: "B".repeat(40), keyId: null, seal: "sealed" }],
    expiresAt: null,
    uses: 0,
    usesLeft: 1,
    lastUsedAt: null,
    reason:
      `the passphrase of ${ALICE.keyId} was changed at 2026-02-03T12:00:00.000Z: gripgate rotate RS55 gives it a new `
      + "token"
  })
]

export const status: Status = {
  version: "0.1.0",
  pid: 4711,
  startedAt: at(-11_530),
  uptimeSeconds: 11_530,
  upstream: { socket: "/run/user/1000/gnupg/S.gpg-agent", version: "2.2.40" },
  upstreams: [{ name: "own", where: "/run/user/1000/gnupg/S.gpg-agent", version: "2.2.40" }],
  listen: [
    { path: "/run/user/1000/gripgate/S.gpg-agent", app: null, sessions: 2 },
    { path: "/run/user/1000/gripgate/apps/mailpile", app: "mailpile", sessions: 1 }
  ],
  policy: { file: "/home/alice/.config/gripgate/policy.toml", default: "ask", loadedAt: at(-4_000) },
  sessions: {
    open: 25,
    served: 170,
    list: [
      {
        session: 12,
        app: "mailpile",
        uid: 1001,
        pid: 812,
        program: "/usr/bin/python3",
        socket: "/run/user/1000/gripgate/apps/mailpile",
        connectedAt: at(-740)
      },
      {
        session: 169,
        app: null,
        uid: 1000,
        pid: null,
        program: `/tmp/\u001b[2J${"x".repeat(120)}`,
        socket: "/run/user/1000/gripgate/S.gpg-agent",
        connectedAt: at(-1)
      }
    ]
  },
  questions: { open: 3, waiting: 1 },
  grants: { inForce: 4 },
  owner: { display: ":0", tty: "/dev/pts/3" },
  paused,
  refused: 3
}

/** A live screen of this size. */
export const watching = (columns: number, rows: number, over: Partial<WatchScreen> = {}): WatchScreen => ({
  ...view(columns),
  rows,
  asks: asked,
  decided,
  paused,
  place: status.owner,
  gone: undefined,
  marked: sign.id,
  from: 0,
  help: false,
  confirm: undefined,
  message: undefined,
  ...over
})

const policyFile = "/home/alice/.config/gripgate/my policy.toml"

/** What a doctor may find, some of it with texts from elsewhere. */
export const findings: ReadonlyArray<Finding> = [
  finding("installed.gnupg", "gpg 2.2.40, gpg-agent 2.2.40, gpgconf 2.2.40"),
  finding("installed.node", "Node 26.10.0", { where: "/usr/bin/node" }),
  finding("installed.bwrap-missing", "bubblewrap is not installed: gripgate run has no sandbox, and hides nothing", {
    where: "bwrap",
    fix: "apt-get install bubblewrap"
  }),
  finding("policy.loaded", "default = \"ask\", 2 apps", { where: policyFile }),
  finding("policy.advisory", "[apps.git] rests on facts that a program of the same user can imitate: exe", {
    where: `${policyFile}:12:1`,
    fix: command("gripgate", "lint", policyFile)
  }),
  finding("gate.answers", "gripgate 0.1.0, pid 4711, 3 sessions open", { where: "/run/user/1000/gripgate/control" }),
  finding(
    "agent.around",
    "a gate that stood in has gone and an agent has taken its place: every program goes around it",
    {
      where: "/run/user/1000/gnupg/S.gripgate",
      fix: "gripgate serve --stand-in"
    }
  ),
  finding("homes.elsewhere", "the homedir of \u001b[31mmail\u001b[0m\u202e leads to \n\u{1f9ea} elsewhere", {
    where: `/home/alice/${"x".repeat(300)}\u0007`,
    fix: "gripgate home mail --refresh"
  }),
  finding("units.fine", "no unit is in the way")
]
