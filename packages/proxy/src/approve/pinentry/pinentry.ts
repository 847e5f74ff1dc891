// The approver that runs a pinentry of its own, on the owner's display or terminal. Questions wait in the order of asking: there
// is one dialog at a time, and one that is withdrawn before its turn is never shown.
import { harmless } from "@gripgate/policy/harmless"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { AgentDialogs } from "../../owner/agent-dialogs.ts"
import type { Whereabouts } from "../../owner/place.ts"
import type { Approver } from "../approver.ts"
import type { Asked } from "../question.ts"
import { askPinentry } from "./dialog.ts"
import { pinentryFinder, type ProgramSettings } from "./find.ts"
import { Gap } from "./gap.ts"
import { Unavailable } from "./unavailable.ts"

export interface PinentrySettings extends ProgramSettings {
  /** Where the owner is; looked at when it is a question's turn. */
  readonly owner: Whereabouts
  /** What the agent shows on the owner's terminal meanwhile. */
  readonly dialogs: AgentDialogs
  /** Milliseconds that he has for an answer, from when he can see the question. */
  readonly timeout: () => number
}

/** Makes the approver. It needs no scope: between questions nothing of it runs. */
export const pinentryApprover = ({ dialogs, owner, timeout, ...settings }: PinentrySettings): Approver => {
  const turn = Semaphore.makeUnsafe(1)
  const gap = new Gap()
  const find = pinentryFinder(settings)
  const unavailable = ({ reason }: Unavailable): Effect.Effect<Asked> => Effect.succeed({ kind: "unavailable", reason })
  return {
    name: "pinentry",
    ask: (question, shown, hidden) =>
      Effect.gen(function*() {
        const program = yield* find
        const ask = Effect.suspend(() => {
          const asking = { program, place: owner.current, timeout: timeout(), gap }
          return Effect.scoped(askPinentry(asking, question, shown)).pipe(
            Effect.mapError(({ reason }) => new Unavailable({ reason: `${harmless(program)}: ${reason}` })),
            Effect.ensuring(gap.end)
          )
        })
        return yield* owner.current.onTerminal ? besideAgent(ask, dialogs, timeout(), hidden) : ask
      }).pipe(Effect.catchTag("Unavailable", unavailable), turn.withPermit)
  }
}

/** Asks while the agent shows nothing on the same terminal: its dialog takes the place of this one, which comes again after it. */
const besideAgent = (
  ask: Effect.Effect<Asked, Unavailable>,
  dialogs: AgentDialogs,
  patience: number,
  hidden: () => void
): Effect.Effect<Asked, Unavailable> =>
  Effect.gen(function*() {
    for (;;) {
      const free = yield* Effect.timeoutOption(dialogs.free, patience)
      if (free._tag === "None") {
        return yield* new Unavailable({ reason: "gpg-agent asks for something on the owner's terminal all the time" })
      }
      const asked = yield* dialogs.beside(ask)
      if (asked !== undefined) return asked
      hidden()
    }
  })
