// One question with yes or no, at the terminal that a command was typed at.
import * as Effect from "effect/Effect"
import { createInterface } from "node:readline"
import { isatty } from "node:tty"

/** `true` for `y` and `yes`; anything else, and the end of the input, is no. The question goes to stderr. */
export const saysYes = (question: string): Effect.Effect<boolean | "nobody to ask"> =>
  isatty(0)
    ? Effect.callback<boolean>((resume) => {
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      terminal.once("close", () => resume(Effect.succeed(false)))
      // Ctrl-C would else only end the line
      terminal.once("SIGINT", () => terminal.close())
      terminal.question(question, (answer) => {
        resume(Effect.succeed(/^\s*y(?:es)?\s*$/i.test(answer)))
        terminal.close()
      })
      return Effect.sync(() => terminal.close())
    })
    : Effect.succeed("nobody to ask")
