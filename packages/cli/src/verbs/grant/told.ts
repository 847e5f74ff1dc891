// What is said beside a token, on stderr: stdout has the token and nothing else.
import { harmless } from "@gripgate/policy/harmless"
import type { GrantedEntry, Planned } from "@gripgate/proxy/control/message/granted"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { printError } from "../../output.ts"
import { madeScreen } from "../../screens/made.ts"
import { askGate, type ControlFlags } from "../control.ts"
import { localOffset } from "../view.ts"

const COLUMNS = 80

/** What the owner should know before he types anything. */
export const printNotes = ({ notes }: Planned): Effect.Effect<void> =>
  Effect.forEach(notes, (note) => printError(`gripgate: note: ${harmless(note)}`), { discard: true })

/** What the token is good for, and how it is used; programs have all of it in their JSON. */
export const printMade = Effect.fnUntraced(function*(flags: ControlFlags, grant: GrantedEntry): Effect.fn.Return<void> {
  if (flags.json) return
  // the token is out: where the gate does not say more, this says less
  const listen = yield* Effect.orElseSucceed(
    Effect.map(askGate(flags, { verb: "status" }), ({ listen }) => listen),
    () => []
  )
  const view = { columns: process.stderr.columns || COLUMNS, now: yield* Clock.currentTimeMillis, offset: localOffset }
  yield* printError(madeScreen(grant, listen, view).map(({ text }) => text).join("\n"))
})
