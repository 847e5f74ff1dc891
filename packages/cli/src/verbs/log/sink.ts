// Lines to stdout, no faster than they are read: a journal may be larger than the memory.
import * as Effect from "effect/Effect"
import { readerGone } from "../../output.ts"

/** Characters that are put together before they are written. */
const FULL = 32 * 1024

export class Sink {
  private text = ""

  /** Takes a line; done when there is room for the next. */
  line(line: string): Effect.Effect<void> {
    this.text += `${line}\n`
    return this.text.length < FULL ? Effect.void : this.flush
  }

  /** Writes what there is. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    const { text } = this
    this.text = ""
    if (text === "" || process.stdout.write(text)) return Effect.void
    // who does not read any more makes no room
    return Effect.raceFirst(drained, readerGone)
  })
}

const drained: Effect.Effect<void> = Effect.callback((resume) => {
  const done = () => resume(Effect.void)
  process.stdout.once("drain", done)
  return Effect.sync(() => process.stdout.off("drain", done))
})
