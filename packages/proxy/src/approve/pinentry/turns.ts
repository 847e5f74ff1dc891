// One pinentry at a time, where the owner is, whatever it asks: in the order of asking, a moment apart, and beside what gpg-agent shows
// on the same terminal. What is withdrawn before its turn is never shown.
import { harmless } from "@gripgate/policy/harmless"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { AgentDialogs } from "../../owner/agent-dialogs.ts"
import type { Whereabouts } from "../../owner/place.ts"
import type { Asking } from "./dialog.ts"
import { pinentryFinder, type ProgramSettings } from "./find.ts"
import { Gap } from "./gap.ts"
import { Unavailable } from "./unavailable.ts"

export interface PinentrySettings extends ProgramSettings {
  /** Where the owner is; looked at when it is a dialog's turn. */
  readonly owner: Whereabouts
  /** What the agent shows on the owner's terminal meanwhile. */
  readonly dialogs: AgentDialogs
  /** Milliseconds that he has for an answer, from when he can see the dialog. */
  readonly timeout: () => number
}

export interface PinentryTurns {
  /**
   * Runs a dialog when it is its turn. `hidden` is called when one of the agent's took its place; then it is run again. It gives
   * something in any case: `undefined` stands for a dialog that made way.
   */
  readonly run: <A extends NonNullable<unknown>, E>(
    dialog: (asking: Asking) => Effect.Effect<A, E | Unavailable, Scope.Scope>,
    hidden?: () => void
  ) => Effect.Effect<A, E | Unavailable>
}

/** Makes the turns. They need no scope: between dialogs nothing of them runs. */
export const pinentryTurns = ({ dialogs, owner, timeout, ...settings }: PinentrySettings): PinentryTurns => {
  const turn = Semaphore.makeUnsafe(1)
  const gap = new Gap()
  const find = pinentryFinder(settings)
  return {
    run: (dialog, hidden = () => {}) =>
      Effect.gen(function*() {
        const program = yield* find
        const ask = Effect.suspend(() =>
          Effect.scoped(dialog({ program, place: owner.current, timeout: timeout(), gap })).pipe(
            Effect.mapError((error) =>
              error instanceof Unavailable
                ? new Unavailable({ reason: `${harmless(program)}: ${error.reason}` })
                : error
            ),
            Effect.ensuring(gap.end)
          )
        )
        return yield* owner.current.onTerminal ? besideAgent(ask, dialogs, timeout(), hidden) : ask
      }).pipe(turn.withPermit)
  }
}

/** Asks while the agent shows nothing on the same terminal: its dialog takes the place of this one, which comes again after it. */
const besideAgent = <A extends NonNullable<unknown>, E>(
  ask: Effect.Effect<A, E>,
  dialogs: AgentDialogs,
  patience: number,
  hidden: () => void
): Effect.Effect<A, E | Unavailable> =>
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
