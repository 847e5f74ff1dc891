// What a gate knows as messages: questions, their ends, and grants. Pure.
import { formatRate } from "@gripgate/policy/file/rate"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as DateTime from "effect/DateTime"
import type { Decision } from "../approve/desk.ts"
import type { Question } from "../approve/question.ts"
import { definitionOf } from "../grant/definition.ts"
import type { Grant } from "../grant/grant.ts"
import type { Plan } from "../grant/issue.ts"
import type { TokenGrant } from "../grant/token-grant.ts"
import type { KeyInfo } from "../keys/key-directory.ts"
import { purposeOf } from "../shown/purpose.ts"
import type { AskedQuestion, Decided } from "./message/asked.ts"
import type { GrantedEntry, GrantedKey, Planned } from "./message/granted.ts"

/** RFC 3339, of milliseconds. */
export const momentOf = (milliseconds: number): string => DateTime.formatIso(DateTime.makeUnsafe(milliseconds))

const maybeMoment = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : momentOf(milliseconds)

export interface Shown {
  readonly question: Question
  readonly state: AskedQuestion["state"]
  /** Milliseconds of the clock. */
  readonly endsAt?: number
}

export const showQuestion = ({ endsAt, question, state }: Shown): AskedQuestion => {
  const { askedAt, client, digest, id, note, offers, said, subject, why } = question
  return {
    id,
    app: subject.app ?? null,
    operation: question.operation,
    operations: subject.operations,
    purpose: purposeOf(subject.command, subject.operations, subject.asked),
    key: subject.keys[0]?.keygrip ?? null,
    keys: subject.keys.map(({ capabilities, fingerprint, keyId, keygrip, userId }) => ({
      keygrip,
      keyId: keyId ?? null,
      fingerprint: fingerprint ?? null,
      userId: userId ?? null,
      capabilities: capabilities === undefined ? null : [...capabilities]
    })),
    command: subject.command,
    who: subject.how,
    recognised: client.recognised,
    uid: client.uid ?? null,
    pid: client.pid ?? null,
    program: client.program ?? null,
    digest: digest === undefined || digest === "unseen" ? null : digest,
    unseen: digest === "unseen",
    said: said ?? null,
    note: note ?? null,
    offers: { forMs: offers.while ?? null, always: offers.always },
    entry: why,
    state,
    askedAt: momentOf(askedAt),
    endsAt: maybeMoment(endsAt)
  }
}

export const showDecision = ({ at, ended, question }: Decision): Decided => {
  const answered = ended.kind === "yes" || ended.kind === "no"
  const [key] = question.subject.keys
  return {
    id: question.id,
    app: question.subject.app ?? null,
    operation: question.operation,
    purpose: purposeOf(question.subject.command, question.subject.operations, question.subject.asked),
    key: key?.keygrip ?? null,
    keyId: key?.keyId ?? null,
    answer: ended.kind,
    good: answered ? ended.good : null,
    through: answered ? ended.by.through : null,
    uid: answered ? ended.by.uid ?? null : null,
    at: momentOf(at)
  }
}

/** What is known beside a grant. */
export interface GrantSurroundings {
  readonly policy: Policy
  readonly info: (keygrip: Keygrip) => KeyInfo
  readonly isLive: (grant: Grant) => boolean
}

export const showGrant = (grant: Grant, around: GrantSurroundings): GrantedEntry => {
  const { answer, by, expiresAt, holder, id, keygrip, lastUsedAt, madeAt, operations, revokedAt, uses } = grant
  const reason = withoutEffect(grant, around)
  return {
    id,
    app: holder.kind === "app" ? holder.app : null,
    session: holder.kind === "app"
      ? null
      : { uid: holder.uid, leaderPid: holder.leader.pid, program: holder.program },
    keys: keygrip === undefined ? [] : [showKey(around.info(keygrip), "none")],
    operations: [...operations],
    answer,
    token: false,
    madeAt: momentOf(madeAt),
    madeBy: { through: by.through, uid: by.uid ?? null },
    expiresAt: maybeMoment(expiresAt),
    revokedAt: maybeMoment(revokedAt),
    uses,
    usesLeft: null,
    limit: null,
    lastUsedAt: maybeMoment(lastUsedAt),
    previousUntil: null,
    effective: reason === undefined,
    reason: reason ?? null
  }
}

const showKey = ({ keyId, keygrip, userId }: KeyInfo, seal: GrantedKey["seal"]): GrantedKey => ({
  keygrip,
  keyId: keyId ?? null,
  userId: userId ?? null,
  seal
})

const REVOKED = "it was revoked"
const OUT_OF_TIME = "its time is up"

const withoutEffect = (grant: Grant, { isLive, policy }: GrantSurroundings): string | undefined => {
  if (grant.unwritten === true) return UNWRITTEN
  if (grant.revokedAt !== undefined) return REVOKED
  if (!isLive(grant)) return OUT_OF_TIME
  if (grant.holder.kind !== "app") return undefined
  return anotherApp(policy, grant.holder.app, grant.definition)
}

const UNWRITTEN = "it was revoked until a restart: revoke it again"

/** Why the app that is meant is not there, if so. */
const anotherApp = (policy: Policy, app: string, definition: string | undefined): string | undefined => {
  const present = definitionOf(policy, app)
  if (present === undefined) return "the policy does not have this app"
  return present === definition ? undefined : "the app is known by another match or socket now"
}

/** What is known beside a grant with a token; `now` in milliseconds of the clock. */
export interface TokenSurroundings extends Pick<GrantSurroundings, "info" | "policy"> {
  readonly isLive: (grant: TokenGrant) => boolean
  readonly now: number
}

export const showTokenGrant = (grant: TokenGrant, around: TokenSurroundings): GrantedEntry => {
  const { app, by, expiresAt, id, keygrips, lastUsedAt, madeAt, maxUses, operations, previous, rate, stale } = grant
  const dead = deadToken(grant, around)
  return {
    id,
    app,
    session: null,
    keys: keygrips.map((keygrip) =>
      showKey(
        around.info(keygrip),
        stale.has(keygrip) ? "stale" : grant.token.seals.has(keygrip) ? "sealed" : "none"
      )
    ),
    operations: [...operations],
    answer: "yes",
    token: true,
    madeAt: momentOf(madeAt),
    madeBy: { through: by.through, uid: by.uid ?? null },
    expiresAt: maybeMoment(expiresAt),
    revokedAt: maybeMoment(grant.revokedAt),
    uses: grant.uses,
    usesLeft: maxUses === undefined ? null : Math.max(0, maxUses - grant.uses),
    limit: rate === undefined ? null : formatRate(rate),
    lastUsedAt: maybeMoment(lastUsedAt),
    previousUntil: previous === undefined || previous.until <= around.now ? null : momentOf(previous.until),
    // the keys whose seal still fits can be used
    effective: dead === undefined && keygrips.some((keygrip) => !stale.has(keygrip)),
    reason: dead ?? staleText(grant, around) ?? null
  }
}

/** Why the token opens nothing, if so. */
const deadToken = (grant: TokenGrant, { isLive, policy }: TokenSurroundings): string | undefined => {
  if (grant.unwritten === true) return UNWRITTEN
  if (grant.revokedAt !== undefined) return REVOKED
  if (grant.maxUses !== undefined && grant.uses >= grant.maxUses) return "it is used up"
  return isLive(grant) ? anotherApp(policy, grant.app, grant.definition) : OUT_OF_TIME
}

/** Which keys it does not open any more, if so. */
const staleText = ({ id, keygrips, stale }: TokenGrant, { info }: TokenSurroundings): string | undefined => {
  const keys = keygrips.flatMap((keygrip) => {
    const at = stale.get(keygrip)
    return at === undefined
      ? []
      : [`the passphrase of ${info(keygrip).keyId ?? keygrip} was changed at ${momentOf(at)}`]
  })
  return keys.length === 0 ? undefined : `${keys.join(", ")}: gripgate rotate ${id} gives it a new token`
}

export const showPlan = ({ app, keys, notes, operations }: Plan): Planned => ({
  app,
  operations: [...operations],
  keys: keys.map(({ info: { keyId, keygrip, userId }, protection, sealed }) => ({
    keygrip,
    keyId: keyId ?? null,
    userId: userId ?? null,
    protection,
    sealed
  })),
  notes: [...notes]
})
