// One command's tries at the passphrase of a key in loopback mode, held against the wrong ones before. The agent tries by itself
// what was right for another key last, so a client that was asked and does not answer may have tried a guess that way.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Command, InquirySpec } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import type * as Effect from "effect/Effect"
import type { AgentConnection, Answer } from "../upstream/agent.ts"
import { errorCodeOf } from "../upstream/said.ts"
import type { SessionContext } from "./context.ts"
import { waitInTurn } from "./wait.ts"

/** The agent's words for an answer that was wrong, or was none. */
const wrongCodes: ReadonlySet<number> = new Set(
  [gpgError.BAD_PASSPHRASE, gpgError.NO_PASSPHRASE, gpgError.ASS_CANCELED].map(({ value }) => value & 0xffff)
)

const asksForOne = ({ keyword, loopback }: InquirySpec): boolean => keyword === "PASSPHRASE" && loopback === true

export class PassphraseTries {
  private readonly session: SessionContext
  private readonly command: Command
  /** A turn was taken, and what came of it has not been told. */
  private open = false

  constructor(session: SessionContext, command: Command) {
    this.session = session
    this.command = command
  }

  /** Whether an inquiry asks for the passphrase of a key. GET_PASSPHRASE hands any answer back. */
  isOne(spec: InquirySpec): boolean {
    return asksForOne(spec) && this.keygrip !== undefined && this.command.spec.name !== "GET_PASSPHRASE"
  }

  /** Before the command is sent: who gave too many wrong answers waits here already; `false` where it may not be sent. */
  *begin(): Effect.fn.Return<boolean> {
    const { services, state } = this.session
    if (!state.loopback || !this.command.spec.inquiries.some((spec) => this.isOne(spec))) return true
    return services.wrongAnswers.suspects(this.guesser) ? yield* this.take() : true
  }

  /** Waits for the turn of an answer, if there were wrong ones before; `false` where there is none. */
  *take(): Effect.fn.Return<boolean> {
    if (this.open) return true
    const { app, facts, services } = this.session
    const wait = services.wrongAnswers.turn(this.guesser)
    if (wait === undefined) return false
    this.open = true
    if (wait === 0) return true
    services.journal.rejected(app, facts, "a passphrase", `wrong before, so it waits ${wait} ms`)
    return yield* waitInTurn(this.session, wait, () => services.wrongAnswers.isTrusted(this.guesser))
  }

  /** Notes what the agent said to an answer. */
  judge(connection: AgentConnection, answer: Answer): void {
    if (answer.kind !== "done" || !this.open) return
    const { wrongAnswers } = this.session.services
    this.open = false
    if (answer.ok) return wrongAnswers.right(this.guesser)
    if (wrongCodes.has(errorCodeOf(connection.collected.bytes.subarray(answer.finalAt)))) {
      wrongAnswers.wrong(this.guesser)
    } else wrongAnswers.unused(this.guesser)
  }

  /** The client was asked and gave no answer. */
  withdraw(): void {
    this.open = false
    this.session.services.wrongAnswers.wrong(this.guesser)
  }

  /** The command is over: a turn of which nothing came is given back. */
  end(): void {
    if (this.open) this.session.services.wrongAnswers.unused(this.guesser)
    this.open = false
  }

  /**
   * Which tries are counted together: those of an app, or of one user who is no app, for one key. A right one for a key of its
   * own would clear a guesser of another otherwise.
   */
  private get guesser(): string {
    const { app, facts } = this.session
    return `${app ?? `(user ${facts.uid ?? "unknown"})`} ${this.keygrip ?? ""}`
  }

  private get keygrip(): string | undefined {
    const { args, spec } = this.command
    return spec.keys === "session" ? this.session.state.keygrips[0] : args.find(isKeygrip)
  }
}
