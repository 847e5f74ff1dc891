// Sets back what a gate that stood in has left when it was killed: the agent gets its place, and stale names are removed. The
// same again does no harm.
import { takeLock } from "@gripgate/proxy/lock"
import { LogService } from "@gripgate/proxy/log"
import { reasonOf } from "@gripgate/proxy/reason"
import { SocketConnection } from "@gripgate/proxy/upstream/connection"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { answererAt, answererText } from "./answerer.ts"
import { isSameFile, listensNow, removeName } from "./files.ts"
import { type Pair, StandInError, type StandInPlaces } from "./places.ts"
import { dismiss } from "./standard.ts"

/** Each thing that was done, as a sentence; none where there was nothing to do. */
export const standDown = Effect.fnUntraced(function*(
  places: StandInPlaces
): Effect.fn.Return<ReadonlyArray<string>, StandInError, LogService> {
  const { standard } = places.std
  const there = yield* answererAt(standard)
  if (there.kind === "gate") return yield* runs(standard)
  const log = yield* LogService
  const lock = takeLock({ file: `${standard}.lock`, held: () => ({ message: "", hint: "" }) }, log)
  return yield* Effect.acquireUseRelease(
    Effect.catch(lock, () => runs(standard)),
    () =>
      Effect.gen(function*() {
        const done: Array<string> = []
        for (const name of ["std", "extra", "browser", "ssh"] as const) {
          const sentence = yield* setBack(places[name], name === "std")
          if (sentence !== undefined) done.push(sentence)
        }
        return done
      }),
    ({ release }) => Effect.sync(release)
  )
})

const runs = (path: string): Effect.Effect<never, StandInError> =>
  Effect.fail(
    new StandInError({
      message: `a gate stands in at ${path} and runs`,
      hint: "stop it, and it sets everything back itself; one that hangs has to be killed first"
    })
  )

const setBack = Effect.fnUntraced(function*(
  { aside, standard }: Pair,
  isStandard: boolean
): Effect.fn.Return<string | undefined, StandInError> {
  const attempt = (call: () => void) =>
    Effect.try({
      try: call,
      catch: (error) => new StandInError({ message: `${standard} cannot be set back: ${reasonOf(error)}` })
    })
  yield* attempt(() => {
    removeName(`${standard}.gate`)
    if (!isStandard) removeName(`${standard}.lock`)
    // left to the agent, and only its second name
    if (isSameFile(aside, standard)) removeName(aside)
  })
  const taken = yield* listensNow(standard)
  const behind = yield* listensNow(aside)
  if (behind && !taken) {
    yield* attempt(() => fs.renameSync(aside, standard))
    return `the agent has its place back: ${standard}`
  }
  const stale = [aside, standard].filter((path) => fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true)
  if (behind && isStandard) {
    // two agents for one homedir: programs have come to use the other one
    const connection = yield* Effect.catch(SocketConnection.open(aside), () => Effect.succeed(undefined))
    if (connection !== undefined) yield* dismiss(connection)
    yield* attempt(() => removeName(aside))
    return `${answererText(yield* answererAt(standard))} has ${standard} already; the one at ${aside} was told to go`
  }
  const removed = stale.filter((path) => path === aside || !taken)
  if (removed.length === 0) return undefined
  yield* attempt(() => removed.forEach(removeName))
  return `removed ${removed.join(" and ")}: nobody has listened there any more`
})
