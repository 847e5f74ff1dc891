// Keys that the agent has just said to exist. gpg asks with HAVEKEY up to three times for one decryption and once for each
// signature; the way to the agent and back costs more than the gate does in all. Only a yes is remembered, for a moment.
import type { Command } from "@gripgate/protocol/grammar/command"

/** How long a yes is believed, in milliseconds from the time when the agent said it. */
export const MEMORY = 2_000

/** Questions that are remembered at once: more are asked of the agent. */
const MAX_QUESTIONS = 256

export class KnownKeys {
  private readonly until = new Map<string, number>()
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  /** Whether the agent said yes to this very question a moment ago. */
  has(command: Command): boolean {
    const question = questionOf(command)
    const until = question === undefined ? undefined : this.until.get(question)
    return until !== undefined && this.now() < until
  }

  /** Notes the agent's yes. */
  note(command: Command): void {
    const question = questionOf(command)
    if (question === undefined) return
    if (this.until.size >= MAX_QUESTIONS) this.until.clear()
    this.until.set(question, this.now() + MEMORY)
  }

  /** Something may have changed: keys were made or deleted, a card was pulled out, the agent is another one. */
  forget(): void {
    this.until.clear()
  }
}

const questionOf = ({ args, options, spec }: Command): string | undefined =>
  spec.name === "HAVEKEY" && options.size === 0 ? args.join(" ") : undefined
