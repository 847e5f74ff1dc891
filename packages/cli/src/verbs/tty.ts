// `gripgate tty`: says where the owner is now, by the environment and the terminal of this command.
import { placeVariables, withoutToken } from "@gripgate/proxy/owner/place"
import * as Effect from "effect/Effect"
import { readlinkSync } from "node:fs"
import { isatty } from "node:tty"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { sentence } from "../screens/line.ts"
import { placeText } from "../screens/status.ts"
import { askGate, type ControlFlags } from "./control.ts"
import { stdoutView } from "./view.ts"

/** Longest value that is sent; the gate takes no longer one. */
const LONGEST = 4096

/** Has questions appear here. Without a place there is nothing to say: it would only take the last one from the gate. */
export const tty = Effect.fnUntraced(function*(flags: ControlFlags): Effect.fn.Return<void, Failure> {
  const environment = placeOfThis(process.env, ownTerminal)
  if (!["GPG_TTY", "DISPLAY", "WAYLAND_DISPLAY"].some((name) => name in environment)) {
    const hint = "run it where questions are to appear, or set DISPLAY, WAYLAND_DISPLAY or GPG_TTY"
    return yield* failure(exitCode.failed, "there is no terminal here, and no display", hint)
  }
  const place = yield* askGate(flags, { verb: "tty", environment })
  if (flags.json) return yield* printJson(place)
  const where = placeText(place)
  const text = where === undefined ? "questions appear nowhere: no place is known" : `questions appear on ${where}`
  yield* printLines(sentence(text, yield* stdoutView))
})

/** The variables that say where somebody is. `GPG_TTY=$(tty)` in a script says `not a tty`, which is no terminal either. */
export const placeOfThis = (
  env: Readonly<Record<string, string | undefined>>,
  terminal: () => string | undefined
): Readonly<Record<string, string>> => {
  const named = env["GPG_TTY"]
  const all = { ...withoutToken(env), GPG_TTY: named?.startsWith("/") ? named : terminal() }
  return Object.fromEntries(
    placeVariables.flatMap((name) => {
      const value = all[name as keyof typeof all]
      return value === undefined || value === "" || value.length > LONGEST ? [] : [[name, value] as const]
    })
  )
}

/** The terminal of one of the standard streams, by its path. */
const ownTerminal = (): string | undefined => {
  for (const fd of [0, 1, 2]) {
    if (!isatty(fd)) continue
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // no /proc: GPG_TTY has to say it
    }
  }
  return undefined
}
