// The approver that runs a pinentry of its own, on the owner's display or terminal.
import * as Effect from "effect/Effect"
import type { Approver } from "../approver.ts"
import type { Asked } from "../question.ts"
import { askPinentry } from "./dialog.ts"
import type { PinentryTurns } from "./turns.ts"
import type { Unavailable } from "./unavailable.ts"

const unavailable = ({ reason }: Unavailable): Effect.Effect<Asked> => Effect.succeed({ kind: "unavailable", reason })

export const pinentryApprover = (turns: PinentryTurns): Approver => ({
  name: "pinentry",
  ask: (question, shown, hidden) =>
    Effect.catchTag(
      turns.run((asking) => askPinentry(asking, question, shown), hidden),
      "Unavailable",
      unavailable
    )
})
