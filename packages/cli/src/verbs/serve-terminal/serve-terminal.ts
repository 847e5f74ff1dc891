// Questions at the terminal where `gripgate serve` itself runs: each is shown once, and answered by a line. Its border: which
// questions there are, and what an answer does, is the desk's.
import type { Desk } from "@gripgate/proxy/approve/desk"
import { showQuestion } from "@gripgate/proxy/control/show"
import { LogService } from "@gripgate/proxy/log"
import type { Whereabouts } from "@gripgate/proxy/owner/place"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { createInterface } from "node:readline"
import { printError } from "../../output.ts"
import { asksScreen } from "../../screens/asks.ts"
import { localOffset } from "../view.ts"
import { FORMS, readAnswerLine } from "./answer-line.ts"
import { isForeground } from "./foreground.ts"

/** Milliseconds between two looks at who has the terminal, while something is asked. */
const LOOK = 250

/** Answers questions at this terminal until the scope ends; does nothing where there is none, or where a pinentry uses it. */
export const answerHere = Effect.fnUntraced(function*(
  desk: Desk["Service"],
  owner: Whereabouts
): Effect.fn.Return<void, never, Scope.Scope | LogService> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime<never, unknown, unknown>()
  const shown = new Set<string>()
  // by Ctrl-D, or the terminal has gone: nothing more can be typed
  let ended = false

  const say = (text: string): void => void run(printError(text))
  const show = (): void => {
    const open = desk.standing().filter(({ state }) => state === "open")
    const fresh = open.filter(({ question }) => !shown.has(question.id))
    for (const { question } of fresh) shown.add(question.id)
    for (const id of shown) if (!open.some(({ question }) => question.id === id)) shown.delete(id)
    // a pinentry without windows has the terminal for itself
    if (fresh.length === 0 || owner.current.onTerminal) return
    const view = { columns: process.stderr.columns || 80, now: clock.currentTimeMillisUnsafe(), offset: localOffset }
    const lines = asksScreen(fresh.map(showQuestion), [], view).map(({ text }) => text)
    say(["", ...lines, ...ended ? [] : [`or type here: ${FORMS}`], ""].join("\n"))
  }

  const reader = yield* Effect.acquireRelease(
    Effect.sync(() => createInterface({ input: process.stdin, terminal: false })),
    (reader) => Effect.sync(() => reader.close())
  )
  reader.pause()
  let reading = false
  const read = (wanted: boolean): void => {
    if (ended || wanted === reading) return
    reading = wanted
    if (wanted) reader.resume()
    else reader.pause()
  }
  reader.on("line", (line) => {
    const typed = readAnswerLine(line)
    if (typed === undefined) return
    if (Result.isFailure(typed)) return say(`gripgate: error: ${typed.failure}`)
    const { good, id, kind } = typed.success
    const uid = process.getuid?.()
    const answer = desk.answer(id, { kind, good, by: { through: "terminal", ...uid !== undefined && { uid } } })
    run(Effect.catch(Effect.asVoid(answer), (problem) => Effect.sync(() => say(`gripgate: error: ${problem}`))))
  })
  reader.on("close", () => ended = true)
  reader.on("error", () => log.write(4, "the terminal cannot be read any more"))
  const unwatch = desk.watch(show)
  yield* Effect.addFinalizer(() => Effect.sync(unwatch))
  const look = Effect.sync(() => read(shown.size > 0 && !owner.current.onTerminal && isForeground()))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, LOOK)))
})
