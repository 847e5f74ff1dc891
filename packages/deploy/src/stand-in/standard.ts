// The agent's standard socket while a gate stands in: the agent that has it is moved beside, and whoever takes the place later,
// such as an agent that gpg started while the gate was dead, is told to go.
import type { Held } from "@gripgate/proxy/listen/held-socket"
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import { ListenError } from "@gripgate/proxy/listen/socket-file"
import { type Log, LogService } from "@gripgate/proxy/log"
import { reasonOf } from "@gripgate/proxy/reason"
import { SocketConnection } from "@gripgate/proxy/upstream/connection"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { type Answerer, answererAt, answererText, ask } from "./answerer.ts"
import { isSameFile, linkOver, listensNow, removeName } from "./files.ts"
import { type Pair, StandInError } from "./places.ts"

/** An agent of this very homedir: it says that one of the two places is its own. */
const isOurs = (found: Answerer, { aside, standard }: Pair): boolean =>
  found.kind === "agent" && found.socket !== undefined
  && (isSamePlace(found.socket, standard) || isSamePlace(found.socket, aside))

const inTheWay = (found: Answerer, path: string): { readonly message: string; readonly hint: string } => ({
  message: `the gate cannot stand in at ${path}: there is ${answererText(found)}`,
  hint: found.kind === "gate"
    ? "stop that gate first; `gripgate status` names it"
    : "stop whoever it is, or remove what is there, and start the gate again"
})

/**
 * Before the gate listens: an agent that has the standard place has the other one too from now on. It is left where it is if an
 * agent is at the other place already: a gate that was killed has left it there.
 */
export const findBehind = Effect.fnUntraced(function*(
  pair: Pair
): Effect.fn.Return<void, StandInError, LogService> {
  const { aside, standard } = pair
  const log = yield* LogService
  const there = yield* answererAt(standard)
  if (there.kind === "gate") return yield* new StandInError(inTheWay(there, standard))
  const behind = yield* answererAt(aside)
  if (behind.kind === "agent") return log.write(5, `${answererText(behind)} is at ${aside} already`)
  if (behind.kind !== "nothing" && behind.kind !== "stale") return yield* new StandInError(inTheWay(behind, aside))
  if (there.kind === "nothing" || there.kind === "stale") return
  if (!isOurs(there, pair)) return yield* new StandInError(inTheWay(there, standard))
  yield* move(pair, log, there)
})

const move = ({ aside, standard }: Pair, log: Log, agent: Answerer): Effect.Effect<void, StandInError> =>
  Effect.try({
    try: () => {
      linkOver(standard, aside)
      log.write(5, `${answererText(agent)} is moved aside, to ${aside}`)
    },
    catch: (error) => new StandInError({ message: `the agent cannot be moved to ${aside}: ${reasonOf(error)}` })
  })

/** How the gate has the standard place while it runs. `taken` is for whatever an agent that goes takes with it. */
export const heldStandard = (pair: Pair, log: Log, taken: Effect.Effect<void>): Held => {
  const { aside, standard } = pair
  let leaving: SocketConnection | undefined
  return {
    makeRoom: Effect.gen(function*() {
      if (isSameFile(standard, aside)) return
      const there = yield* answererAt(standard)
      if (there.kind === "nothing" || there.kind === "stale") return
      if (!isOurs(there, pair)) return yield* new ListenError(inTheWay(there, standard))
      if (!(yield* listensNow(aside))) {
        return yield* Effect.mapError(move(pair, log, there), ({ message }) => new ListenError({ message }))
      }
      // of two agents of one homedir the gate keeps the one that it has been using
      leaving = yield* Effect.catch(SocketConnection.open(standard), () => Effect.succeed(undefined))
      log.write(4, `${answererText(there)} had taken the place of the gate, and is told to go`)
    }),
    taken: Effect.suspend(() => {
      const connection = leaving
      leaving = undefined
      return Effect.andThen(connection === undefined ? Effect.void : dismiss(connection), taken)
    }),
    giveBack: Effect.map(listensNow(aside), (listens) => {
      try {
        if (listens) fs.renameSync(aside, standard)
        else removeName(aside)
      } catch (error) {
        log.write(3, `the agent cannot be given its place back: ${reasonOf(error)}; see gripgate stand-down`)
      }
    })
  }
}

/** Milliseconds for an agent to take the word. */
const TIMEOUT = 2_000

/** Ends an agent, whatever it holds unlocked, and closes the connection. */
export const dismiss = (connection: SocketConnection): Effect.Effect<void> =>
  Effect.ensuring(
    Effect.asVoid(Effect.timeoutOption(ask(connection, "KILLAGENT"), TIMEOUT)),
    Effect.sync(() => connection.close())
  )
