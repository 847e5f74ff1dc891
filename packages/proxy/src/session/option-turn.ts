// Options that the agent has to judge: loopback, which it may not allow, what restricts the connection, and every option
// of a connection that is restricted.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Operation } from "@gripgate/protocol/operation"
import { errLine } from "@gripgate/protocol/reply"
import { writeOption } from "@gripgate/protocol/request"
import type { OptionNameSpec } from "@gripgate/protocol/table/option"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { refusal, type Use } from "../authority/authority.ts"
import { entryText } from "../journal/journal.ts"
import type { Listening, NoAgent } from "../upstream/agent.ts"
import { bringState } from "./bring.ts"
import type { SessionContext } from "./context.ts"

const quiet: Listening = { status: [], live: () => {} }

/** Judges the option by the policy: `undefined` for yes, else the line to answer. */
const judge = Effect.fnUntraced(
  function*(session: SessionContext, option: OptionNameSpec): Effect.fn.Return<Buffer | undefined> {
    const { app, facts, services, state } = session
    const use = (operations: ReadonlyArray<Operation>): Use => ({
      app,
      facts,
      command: `OPTION ${option.name}`,
      operations,
      keygrips: []
    })
    if (option.fate === "mode") {
      // only a refusal is settled here: whoever has to be asked, or to present a token, is so at the first use
      const { entry, verdict } = services.authority.verdict(app, "loopback")
      if (verdict !== "forbid") return undefined
      state.loopbackRefused = true
      services.journal.refused(use(["loopback"]), refusal(gpgError.FORBIDDEN, entryText(entry)))
      return errLine(gpgError.FORBIDDEN, "gripgate: see the gate's log")
    }
    if (option.is.length === 0 || option.fate === "environment") return undefined
    const permit = yield* Effect.result(services.authority.permit(use(option.is)))
    return Result.isFailure(permit) ? errLine(permit.failure.error) : undefined
  }
)

const bring = Effect.fnUntraced(
  function*(session: SessionContext, option: OptionNameSpec, value: Buffer): Effect.fn.Return<Buffer, NoAgent> {
    const { state } = session
    const connection = yield* session.connect(undefined)
    const line = writeOption(option.name, value)
    const lines = [...bringState(state, session.environment, connection, undefined), line]
    const answer = yield* connection.exchange(lines, lines.length, quiet)
    if (answer.kind === "setter") {
      session.disconnect()
      return answer.error
    }
    if (answer.kind === "inquire") {
      session.disconnect()
      return errLine(gpgError.INV_RESPONSE)
    }
    const reply = Buffer.from(connection.collected.bytes.subarray(answer.finalAt))
    if (answer.ok) {
      connection.applied.set(option.name, line)
      state.options.set(option.name, line)
    }
    if (option.fate === "mode") {
      const loopback = value.equals(LOOPBACK)
      if (answer.ok) state.loopback = loopback
      state.loopbackRefused = loopback && !answer.ok
    }
    if (option.name === "pretend-request-origin" && answer.ok && !value.equals(LOCAL)) state.restricted = true
    return reply
  }
)

const LOOPBACK = Buffer.from("loopback")
const LOCAL = Buffer.from("local")

/** Answers an option through the agent. Sends exactly one reply. */
export const optionTurn = Effect.fnUntraced(
  function*(session: SessionContext, option: OptionNameSpec, value: Buffer): Effect.fn.Return<void> {
    const refused = yield* judge(session, option)
    if (refused !== undefined) return session.client.send(refused)
    const reply = yield* Effect.result(bring(session, option, value))
    if (Result.isFailure(reply)) session.disconnect()
    session.client.send(Result.isFailure(reply) ? errLine(gpgError.NO_AGENT) : reply.success)
  }
)
