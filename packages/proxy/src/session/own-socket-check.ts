// gpg-agent looks every minute whether its socket is its own: it connects to the standard place, asks `GETINFO pid`, and
// ends where the answer is not itself (GnuPG agent/gpg-agent.c, check_own_socket). Where the gate has that place the question
// comes here, and is answered whatever the policy says: it tells the agent nothing but its own number. Whether it is the agent
// the agent is asked itself, by the gate; who does not even call himself one is not worth that question.
import type { Command } from "@gripgate/protocol/grammar/command"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { nameOf } from "../listen/facts/process.ts"
import { askAgent } from "../upstream/ask-agent.ts"
import type { SessionContext } from "./context.ts"

const PID = Buffer.from("GETINFO pid\n")

/** The reply to an agent that asks for itself; `undefined` for whoever else asks, or where no agent says who it is. */
export function* answerToItself(session: SessionContext, command: Command): Effect.fn.Return<Buffer | undefined> {
  const { facts, services: { router }, state } = session
  if (command.spec.name !== "GETINFO" || command.args[0] !== "pid" || state.restricted) return undefined
  if (facts.pid === undefined || facts.uid !== process.getuid?.()) return undefined
  if (nameOf(facts.pid) !== "gpg-agent") return undefined
  const asked = yield* Effect.result(
    askAgent(
      router.connect(undefined),
      (connection) =>
        Effect.map(
          connection.exchange([PID], 1, { status: [], live: () => {} }),
          (answer) =>
            answer.kind === "done" && answer.ok
              ? connection.collected.bytes.toString("latin1")
              : ""
        )
    )
  )
  const answer = `D ${facts.pid}\nOK\n`
  return Result.isSuccess(asked) && asked.success.startsWith(`D ${facts.pid}\nOK`) ? Buffer.from(answer) : undefined
}
