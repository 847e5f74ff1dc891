// One thing that the doctor has to say: what it is, where, and the command that mends it. Pure.
import { harmless } from "@gripgate/policy/harmless"
import { shellWord } from "@gripgate/proxy/shell-word"
import { type FindingId, type Level, levels } from "./ids.ts"

export interface Finding {
  readonly id: FindingId
  readonly level: Level
  /** A sentence without a full stop. It may carry names from elsewhere: whoever shows it makes them harmless. */
  readonly message: string
  /** A path, or what else it is about. */
  readonly where: string | null
  /** A line for a shell. */
  readonly fix: string | null
}

export interface About {
  readonly where?: string | undefined
  readonly fix?: string | undefined
}

export const finding = (id: FindingId, message: string, { fix, where }: About = {}): Finding => ({
  id,
  level: levels[id],
  message,
  where: where ?? null,
  fix: fix ?? null
})

/**
 * Words as a line for a shell; none where a word has characters that nobody sees: such a line would be shown otherwise than it is run.
 */
export const command = (...words: ReadonlyArray<string>): string | undefined =>
  words.some((word) => harmless(word) !== word) ? undefined : words.map(shellWord).join(" ")
