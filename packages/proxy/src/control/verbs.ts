// What the owner can have a running gate do. Its border: who may ask is settled before (owners.ts), how it is said elsewhere.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import type { Desk } from "../approve/desk.ts"
import type { By } from "../approve/question.ts"
import type { GrantStore } from "../grant/grant-store.ts"
import type { Grant } from "../grant/grant.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { Log } from "../log.ts"
import { movedTo } from "../owner/move.ts"
import type { Whereabouts } from "../owner/place.ts"
import { readShortId } from "../short-id.ts"
import type { ResultOf } from "./message/results.ts"
import type { Status } from "./message/status.ts"
import type { ControlProblem, ControlVerbs } from "./server.ts"
import { momentOf, showDecision, showGrant, showQuestion } from "./show.ts"

export interface ControlServices {
  readonly desk: Desk["Service"]
  readonly grants: GrantStore["Service"]
  readonly keys: KeyDirectory["Service"]
  readonly policy: { readonly current: Policy }
  readonly owner: Whereabouts
  readonly log: Log
  readonly now: () => number
  readonly status: () => Omit<Status, "questions" | "grants" | "owner" | "paused">
}

const refused = (error: string, hint?: string): ControlProblem => ({
  fault: "refused",
  error,
  ...hint !== undefined && { hint }
})

const byOf = (through: string, { uid }: ClientFacts): By => ({ through, ...uid !== undefined && { uid } })

export const controlVerbs = (services: ControlServices): ControlVerbs => {
  const { desk, grants, keys, log, now, owner, policy } = services
  const shown = (grant: Grant) => showGrant(grant, { policy: policy.current, info: keys.info, isLive: grants.isLive })
  const place = (): ResultOf<"tty"> => ({
    display: owner.current.variables["WAYLAND_DISPLAY"] ?? owner.current.variables["DISPLAY"] ?? null,
    tty: owner.current.variables["GPG_TTY"] ?? null
  })
  const tell = (taken: ReadonlyArray<Grant>): void => {
    for (const { id, unwritten } of taken) if (unwritten !== true) log.write(5, `the grant ${id} is revoked`)
  }
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
          grants: { inForce: grants.all().filter((grant) => shown(grant).effective).length },
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
        if (id === undefined) return Effect.succeed(grants.all().map(shown))
        const grant = grants.get(readShortId(id))
        return grant === undefined ? Effect.fail(noGrant(id)) : Effect.succeed([shown(grant)])
      }),

    revoke: ({ what }, peer) =>
      Effect.suspend(() => {
        // or has been, which is not written yet: a restart would bring it back
        const canBe = (grant: Grant) => grants.isLive(grant) || grant.unwritten === true
        let chosen: ReadonlyArray<Grant>
        if ("id" in what) {
          const grant = grants.get(readShortId(what.id))
          if (grant === undefined) return Effect.fail(noGrant(what.id))
          if (!canBe(grant)) return Effect.fail(refused(`the grant ${grant.id} is not in force any more`))
          chosen = [grant]
        } else {
          chosen = grants.all().filter((grant) => canBe(grant) && ("all" in what || isOf(what.app, grant)))
        }
        // what refuses is taken back by its own name only: these ways make stricter and never more lenient
        const taken = "id" in what ? chosen : chosen.filter(({ answer }) => answer === "yes")
        return Effect.matchEffect(grants.revoke(taken, byOf("revoke", peer)), {
          onFailure: (error) => {
            tell(taken)
            log.write(3, error)
            return Effect.fail(refused(error, "see to the disk, then revoke again"))
          },
          onSuccess: () => {
            tell(taken)
            const standing = chosen.filter((grant) => grants.isLive(grant)).map(({ id }) => id)
            return Effect.succeed({ revoked: taken.map(({ id }) => id), standing })
          }
        })
      }),

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

const isOf = (app: string, { holder }: Grant): boolean => holder.kind === "app" && holder.app === app

const noGrant = (id: string): ControlProblem =>
  refused(`there is no grant ${JSON.stringify(id)}`, "gripgate grants lists them")
