// GRIPGATE REQUEST: an app asks for a grant. The owner says yes or no, his passphrase is asked for by the gate's own pinentry, and
// the app is told the token: bytes that are wiped when they are out.
import { formatDuration, parseDuration } from "@gripgate/policy/duration"
import { formatRate, parseRate } from "@gripgate/policy/file/rate"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has } from "@gripgate/protocol/grammar/command"
import { isOperation, type Operation } from "@gripgate/protocol/operation"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { NotAsked } from "../../approve/passphrase-asker.ts"
import type { By } from "../../approve/question.ts"
import { momentIn } from "../../grant/grant-record.ts"
import type { Bounds, Issued, NotIssued, Plan } from "../../grant/issue.ts"
import { secretSlab } from "../../grant/token.ts"
import { grantLines } from "../../shown/grant-lines.ts"
import type { SessionContext } from "../context.ts"
import { useOf } from "../use.ts"
import { grantLine } from "./whoami.ts"

const NAME = "GRIPGATE REQUEST"

/** How long a grant is good where the app does not say, in milliseconds. */
const TIME = 90 * 86_400_000

interface No {
  readonly error: GpgError
  readonly reason: string
}

const kinds: Readonly<Record<NonNullable<NotIssued["kind"]>, GpgError>> = {
  // which keys there are is not told: one that is hidden is none
  key: gpgError.NO_SECKEY,
  forbidden: gpgError.FORBIDDEN,
  agent: gpgError.NOT_SUPPORTED
}

const errors: Readonly<Record<NotAsked["why"], GpgError>> = {
  cancelled: gpgError.CANCELED,
  timeout: gpgError.TIMEOUT,
  unavailable: gpgError.NO_PIN_ENTRY
}

const noOf = (no: NotIssued | NotAsked): No => {
  if (no._tag === "NotAsked") return { error: errors[no.why], reason: no.message }
  return { error: no.kind === undefined ? gpgError.BAD_PASSPHRASE : kinds[no.kind], reason: no.message }
}

/** Sends the grant and its token, or why there is none. */
export function* requestToken(session: SessionContext, command: Command): Effect.fn.Return<void> {
  const { client, services } = session
  const { app, facts } = session
  const made = yield* Effect.result(Effect.gen(() => request(session, command)))
  if (Result.isFailure(made)) {
    const { error, reason } = made.failure
    services.journal.rejected(app, facts, NAME, reason)
    return client.send(errLine(error, error === gpgError.FORBIDDEN ? "gripgate: see the gate's log" : undefined))
  }
  const { grant, token } = made.success
  if (client.isLost || session.app !== grant.app) {
    // nobody has this token, or somebody who is not meant
    token.fill(0)
    yield* Effect.ignore(services.own.tokens.revoke([grant], { through: "gripgate" }))
    return client.send(errLine(gpgError.CANCELED))
  }
  const head = grantLine(grant)
  const reply = secretSlab(head.length + 2 + token.length + 1 + OK_LINE.length)
  let at = head.copy(reply)
  at += reply.write("D ", at, "latin1")
  at += token.copy(reply, at)
  reply[at++] = 0x0a
  OK_LINE.copy(reply, at)
  token.fill(0)
  client.sendSlab(reply, reply)
}

function* request(session: SessionContext, command: Command): Effect.fn.Return<Issued, No> {
  const { app, facts, services } = session
  const { own } = services
  if (app === undefined) return yield* Effect.fail({ error: gpgError.FORBIDDEN, reason: "only an app has grants" })
  const bounds = boundsOf(command)
  if (typeof bounds === "string") return yield* Effect.fail({ error: gpgError.ASS_PARAMETER, reason: bounds })
  // an agent that hangs is not waited for longer than the client does
  const planning = Effect.mapError(untilLost(session, own.issuer.plan(wishOf(app, command))), noOf)
  const plan = yield* planning
  const use = {
    ...useOf(session, NAME, [], plan.keys.map(({ info }) => info.keygrip)),
    confirm: true as const,
    wanted: { operations: plan.operations, note: noteOf(plan, bounds) }
  }
  const decided = services.authority.permit(use)
  const permit = Effect.isEffect(decided) ? yield* decided : decided
  // why not is told already
  if (permit._tag === "Refusal") return yield* Effect.fail({ error: permit.error, reason: permit.reason })
  // what the policy says now: it may have been read anew while the owner was asked
  const now = yield* planning
  if (!isSamePlan(plan, now)) {
    const reason = "what the grant would be for is not what the owner said yes to: the policy or the keys have changed"
    return yield* Effect.fail({ error: gpgError.FORBIDDEN, reason })
  }
  const by: By = { through: "request", ...facts.uid !== undefined && { uid: facts.uid } }
  const lines = grantLines({ app, operations: now.operations, until: untilOf(bounds, own.now()) })
  // what was made is not lost with whoever waited for it: it has to be taken back then
  let issued: Issued | undefined
  const asking = own.asker.ask(
    lines,
    now.keys,
    (passphrases) =>
      Effect.uninterruptible(Effect.tap(own.issuer.issue(now, bounds, passphrases, by), (made) =>
        Effect.sync(() => {
          issued = made
        })))
  )
  const asked = yield* Effect.result(untilLost(session, asking))
  if (issued !== undefined) return issued
  if (Result.isSuccess(asked)) return asked.success
  return yield* Effect.fail(noOf(asked.failure))
}

const isSamePlan = (one: Plan, other: Plan): boolean => textOf(one) === textOf(other)

const textOf = ({ definition, keys, operations }: Plan): string =>
  JSON.stringify([definition, operations, keys.map(({ info, sealed }) => [info.keygrip, sealed])])

/** Ends with the client: nobody types a passphrase, and no agent looks at a key, for whoever does not wait for it. */
const untilLost = <A, E>({ client }: SessionContext, effect: Effect.Effect<A, E>) =>
  Effect.raceFirst(
    Effect.interruptible(effect),
    Effect.interruptible(Effect.callback<never, NotAsked>((resume) => {
      const lost = new NotAsked({ why: "cancelled", message: "the client did not wait for the answer" })
      const stop = client.whenLost(() => resume(Effect.fail(lost)))
      return Effect.sync(stop)
    }))
  )

const wishOf = (app: string, command: Command) => {
  const named = command.options.get("--operations")
  const operations = named === undefined ? undefined : String(named).split(",").filter(isOperation)
  return {
    app,
    keys: command.args.map(String),
    ...operations !== undefined && { operations: [...new Set<Operation>(operations)] },
    seal: !has(command, "--no-seal")
  }
}

/** What the options say of it, or what is wrong with them. */
const boundsOf = ({ options }: Command): Bounds | string => {
  const time = options.has("--for") ? parseDuration(String(options.get("--for"))) : Result.succeed(TIME)
  if (Result.isFailure(time)) return time.failure.message
  const rate = options.has("--limit") ? parseRate(String(options.get("--limit"))) : undefined
  if (rate !== undefined && Result.isFailure(rate)) return rate.failure.message
  const uses = options.has("--uses") ? Number(options.get("--uses")) : undefined
  if (uses === 0) return "--uses needs a number from 1 on"
  return {
    time: time.success,
    ...uses !== undefined && { maxUses: uses },
    ...rate !== undefined && { rate: rate.success }
  }
}

const untilOf = ({ time }: Bounds, now: number): string => time === undefined ? "it is revoked" : momentIn(now + time)!

/** What a yes would mean, in a sentence. */
const noteOf = (plan: Plan, { maxUses, rate, time }: Bounds): string => {
  const often = [
    ...maxUses === undefined ? [] : [`${maxUses} times`],
    ...rate === undefined ? [] : [`at most ${formatRate(rate)}`]
  ]
  const until = time === undefined ? "until you revoke it" : `for ${formatDuration(time)}`
  const what = `It may then ${plan.operations.join(", ")} without a question, ${[until, ...often].join(", ")}.`
  return plan.keys.some(({ sealed }) => sealed) ? `${what} You are asked for the passphrase next.` : what
}
