// What the owner can have a running gate do. Its border: who may ask is settled before (owners.ts), how it is said elsewhere.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import type { Desk } from "../approve/desk.ts"
import type { PassphraseAsker } from "../approve/passphrase-asker.ts"
import type { By } from "../approve/question.ts"
import type { GrantStore } from "../grant/grant-store.ts"
import type { Grant } from "../grant/grant.ts"
import type { Issuer } from "../grant/issue.ts"
import type { TokenGrant } from "../grant/token-grant.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { Log } from "../log.ts"
import { movedTo } from "../owner/move.ts"
import type { Whereabouts } from "../owner/place.ts"
import { readShortId } from "../short-id.ts"
import type { ResultOf } from "./message/results.ts"
import type { Status } from "./message/status.ts"
import { noGrant, refused } from "./problem.ts"
import { revoke, type TokenGrants } from "./revoke.ts"
import type { ControlVerbs } from "./server.ts"
import { momentOf, showDecision, showGrant, showQuestion, showTokenGrant } from "./show.ts"
import { tokenVerbs } from "./token-verbs.ts"

export interface ControlServices {
  readonly desk: Desk["Service"]
  readonly grants: GrantStore["Service"]
  readonly tokens: TokenGrants
  readonly issuer: Issuer
  readonly asker: PassphraseAsker
  readonly keys: KeyDirectory["Service"]
  readonly policy: { readonly current: Policy }
  readonly owner: Whereabouts
  readonly log: Log
  readonly now: () => number
  readonly status: () => Omit<Status, "questions" | "grants" | "owner" | "paused">
}

const byOf = (through: string, { uid }: ClientFacts): By => ({ through, ...uid !== undefined && { uid } })

export const controlVerbs = (services: ControlServices): ControlVerbs => {
  const { desk, grants, keys, log, now, owner, policy, tokens } = services
  const shown = (grant: Grant) => showGrant(grant, { policy: policy.current, info: keys.info, isLive: grants.isLive })
  const tokenShown = (grant: TokenGrant) =>
    showTokenGrant(grant, { policy: policy.current, info: keys.info, isLive: tokens.isLive, now: now() })
  /** Both kinds, in the order in which they were made. */
  const all = () =>
    [...grants.all().map(shown), ...tokens.all().map(tokenShown)].toSorted((a, b) =>
      a.madeAt < b.madeAt ? -1 : a.madeAt > b.madeAt ? 1 : 0
    )
  const place = (): ResultOf<"tty"> => ({
    display: owner.current.variables["WAYLAND_DISPLAY"] ?? owner.current.variables["DISPLAY"] ?? null,
    tty: owner.current.variables["GPG_TTY"] ?? null
  })
  const moved = new Set<() => void>()
  const paused = () => desk.paused().map(({ asker, until }) => ({ asker, until: momentOf(until) }))

  return {
    status: () =>
      Effect.sync(() => {
        const standing = desk.standing()
        const waiting = standing.filter(({ state }) => state === "waiting").length
        return {
          ...services.status(),
          questions: { open: standing.length - waiting, waiting },
          grants: { inForce: all().filter(({ effective }) => effective).length },
          owner: place(),
          paused: paused()
        }
      }),

    asks: () => Effect.sync(() => desk.standing().map(showQuestion)),

    answer: ({ good, id, kind, through }, peer) =>
      desk.answer(readShortId(id), { kind, good, by: byOf(through, peer) }).pipe(
        Effect.map((question) => showQuestion({ question, state: "answered" })),
        Effect.mapError((error) => refused(error, "gripgate asks lists what can be answered"))
      ),

    grants: ({ id }) =>
      Effect.suspend(() => {
        if (id === undefined) return Effect.succeed(all())
        const name = readShortId(id)
        const [answer, token] = [grants.get(name), tokens.get(name)]
        const found = [
          ...answer === undefined ? [] : [shown(answer)],
          ...token === undefined ? [] : [tokenShown(token)]
        ]
        return found.length === 0 ? Effect.fail(noGrant(id)) : Effect.succeed(found)
      }),

    revoke: ({ what }, peer) => revoke(services, what, byOf("revoke", peer)),

    ...tokenVerbs({ ...services, show: tokenShown }),

    tty: ({ environment }, peer) =>
      Effect.suspend(() => {
        const next = movedTo(environment, peer.uid)
        if (typeof next === "string") return Effect.fail(refused(next))
        owner.current = next
        moved.forEach((listener) => listener())
        const { display, tty } = place()
        log.write(
          5,
          `the owner is asked at ${[display, tty].filter((at) => at !== null).join(" and ") || "no known place"}`
        )
        return Effect.succeed(place())
      }),

    watch: (listener) => {
      const unwatch = desk.watch(listener)
      moved.add(listener)
      return () => {
        unwatch()
        moved.delete(listener)
      }
    },
    snapshot: () => ({
      at: momentOf(now()),
      asks: desk.standing().map(showQuestion),
      decided: desk.decided().map(showDecision),
      paused: paused(),
      owner: place()
    })
  }
}
