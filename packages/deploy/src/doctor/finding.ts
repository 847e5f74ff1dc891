// One thing that the doctor has to say: what it is, where, and the command that mends it. Pure.
import { shellWord } from "@gripgate/proxy/shell-word"
import { tidy } from "@gripgate/proxy/shown/lines"
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

/** Characters of a line that is shown whole. */
const LONGEST = 2_000

/**
 * Words as a line for a shell; none where a screen could not show the line as it is run: characters that nobody sees, blanks in a row,
 * or too many of all.
 */
export const command = (...words: ReadonlyArray<string>): string | undefined => {
  const line = words.map(shellWord).join(" ")
  return line.length > LONGEST || words.some((word) => tidy(word) !== word) ? undefined : line
}
