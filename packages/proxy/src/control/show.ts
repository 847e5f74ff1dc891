// What a gate knows as messages: questions, their ends, and grants. Pure.
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as DateTime from "effect/DateTime"
import type { Decision } from "../approve/desk.ts"
import type { Question } from "../approve/question.ts"
import { definitionOf } from "../grant/definition.ts"
import type { Grant } from "../grant/grant.ts"
import type { KeyInfo } from "../keys/key-directory.ts"
import { purposeOf } from "../shown/purpose.ts"
import type { AskedQuestion, Decided } from "./message/asked.ts"
import type { GrantedEntry } from "./message/granted.ts"

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
  const key = keygrip === undefined ? undefined : around.info(keygrip)
  const reason = withoutEffect(grant, around)
  return {
    id,
    app: holder.kind === "app" ? holder.app : null,
    session: holder.kind === "app"
      ? null
      : { uid: holder.uid, leaderPid: holder.leader.pid, program: holder.program },
    key: keygrip ?? null,
    keyId: key?.keyId ?? null,
    userId: key?.userId ?? null,
    operations: [...operations],
    answer,
    madeAt: momentOf(madeAt),
    madeBy: { through: by.through, uid: by.uid ?? null },
    expiresAt: maybeMoment(expiresAt),
    revokedAt: maybeMoment(revokedAt),
    uses,
    lastUsedAt: maybeMoment(lastUsedAt),
    effective: reason === undefined,
    reason: reason ?? null
  }
}

const withoutEffect = (grant: Grant, { isLive, policy }: GrantSurroundings): string | undefined => {
  if (grant.unwritten === true) return "it was revoked until a restart: revoke it again"
  if (grant.revokedAt !== undefined) return "it was revoked"
  if (!isLive(grant)) return "its time is up"
  if (grant.holder.kind !== "app") return undefined
  const definition = definitionOf(policy, grant.holder.app)
  if (definition === undefined) return "the policy does not have this app"
  return definition === grant.definition ? undefined : "the app is known by another match or socket now"
}
