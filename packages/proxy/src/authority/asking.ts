// A use as a question to the owner: what he is shown, what he may answer, and what his answer is good for.
import { describeIdentity } from "@gripgate/policy/client/describe"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import { askerOf, type Holder, holderOf } from "../approve/asker.ts"
import type { Asking } from "../approve/desk.ts"
import type { Answer, Draft, Offers, Question } from "../approve/question.ts"
import { definitionOf } from "../grant/definition.ts"
import type { GrantStore } from "../grant/grant-store.ts"
import type { Terms } from "../grant/grant.ts"
import { entryText } from "../journal/record.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { Facts } from "../listen/facts.ts"
import type { Use } from "./authority.ts"
import type { Judged, Need } from "./judge.ts"

/** What the way of a question needs. */
export interface AskingServices {
  readonly keys: KeyDirectory["Service"]
  readonly grants: GrantStore["Service"]
  readonly policy: { readonly current: Policy }
  /** A client in words, as far as it is known; not harmless to show. */
  readonly describe: (facts: Facts) => string
}

/** What a client is, in words for the owner: first how sure that is, because what comes behind may be long, and is cut. */
export const howOf = ({ facts, identity }: Use, describe: AskingServices["describe"]): string =>
  identity.kind === "app" ? `${describeIdentity(identity)}: ${describe(facts)}` : describe(facts)

/** How long a yes for a while may be good for: the shortest time that an entry has; 0 for never. */
export const rememberOf = (policy: Policy, asks: ReadonlyArray<Need>): number =>
  Math.min(...asks.map(({ entry }) => entry.remember ?? policy.approve.remember))

const offersOf = (use: Use, judged: Judged, policy: Policy, holder: Holder | undefined): Offers => {
  // a card's own commands name no key that could be kept, an import may replace any: nobody could know what he says yes to
  const nameless = use.keygrips.length === 0 && judged.asks.some(({ operation }) => ofKeys.has(operation))
  const remember = judged.asks.length === 0 ? 0 : rememberOf(policy, judged.asks)
  if (use.confirm === true || holder === undefined || nameless || remember === 0) return { always: false }
  return { while: remember, always: holder.kind === "app" }
}

/** What is done with a key, or to it. */
const ofKeys: ReadonlySet<Operation> = new Set([
  "sign",
  "certify",
  "authenticate",
  "decrypt",
  "export",
  "passwd",
  "delete"
])

/** Why the owner is asked for what the policy allows. */
const whyConfirm = ({ said, wanted }: Use): string =>
  wanted !== undefined
    ? "the app asks for a token"
    : said === undefined
    ? "the agent's own dialog would name nobody"
    : `the ${said.by} asks for it`

/** Behind the question before a dialog of the agent's that names nobody. */
const FOLLOWS = "After a yes the next dialogs of gpg-agent belong to it."

/** Everything that is shown of a use. */
export const draftOf = (services: AskingServices, use: Use, judged: Judged | undefined): Draft => {
  const { describe, keys, policy } = services
  const { app, command, facts, identity, keygrips } = use
  const { pid, program = facts.exe, uid } = facts
  const digest = use.digest?.()
  return {
    subject: {
      app,
      how: howOf(use, describe),
      operations: use.wanted?.operations ?? (judged === undefined ? use.operations : judged.operations()),
      ...judged !== undefined && { asked: [...new Set(judged.asks.map(({ operation }) => operation))] },
      command,
      keys: keygrips.map((keygrip) => keys.info(keygrip))
    },
    operation: judged?.operation ?? use.wanted?.operations[0] ?? use.operations[0] ?? "list",
    client: {
      recognised: identity.kind === "app" ? identity.rank : "none",
      ...uid !== undefined && { uid },
      ...pid !== undefined && { pid },
      ...program !== undefined && { program }
    },
    why: judged?.verdict === "ask" ? entryText(judged.entry) : whyConfirm(use),
    ...digest !== undefined && { digest },
    ...use.said !== undefined && { said: use.said },
    ...use.wanted !== undefined
      ? { note: use.wanted.note }
      : use.confirm === true && use.said === undefined && { note: FOLLOWS },
    offers: judged === undefined
      ? { always: false }
      : offersOf(use, judged, policy.current, holderOf(app, facts))
  }
}

/** The question that a use is. `covered` says whether it has been answered by the way. */
export const askingOf = (
  services: AskingServices,
  use: Use,
  judged: Judged | undefined,
  covered: () => Answer | undefined,
  opened: (question: Question) => void
): Asking => {
  const holder = holderOf(use.app, use.facts)
  // the owner's yes is for the app that asks, and not for one that has its name by the time that he answers
  const definition = holder?.kind === "app" ? definitionOf(services.policy.current, holder.app) : undefined
  return {
    asker: askerOf(use.app, use.facts),
    draft: draftOf(services, use, judged),
    opened,
    covered,
    whenLost: use.whenLost,
    keep: (answer) => {
      if (answer.good === "once" || holder === undefined || judged === undefined) return Effect.void
      return services.grants.give(
        termsOf(judged.asks, holder, definition, answer),
        typeof answer.good === "number" ? answer.good : undefined
      )
    }
  }
}

/** A grant for each key, of the operations that were asked for with it. */
const termsOf = (
  asks: ReadonlyArray<Need>,
  holder: Holder,
  definition: string | undefined,
  { by, kind }: Answer
): ReadonlyArray<Terms> => {
  const byKey = new Map<Keygrip | undefined, Set<Operation>>()
  for (const { keygrip, operation } of asks) {
    byKey.set(keygrip, (byKey.get(keygrip) ?? new Set()).add(operation))
  }
  return [...byKey].map(([keygrip, operations]): Terms => ({
    holder,
    ...definition !== undefined && { definition },
    keygrip,
    operations,
    answer: kind === "yes" ? "yes" : "never",
    by
  }))
}
