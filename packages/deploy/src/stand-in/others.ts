// The agent's other sockets while a gate stands in: for other machines and for browsers, which the gate can have as well, and
// for ssh, which it cannot.
import type { OtherSockets } from "@gripgate/policy/policy"
import type { Held } from "@gripgate/proxy/listen/held-socket"
import { ListenError } from "@gripgate/proxy/listen/socket-file"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { join } from "node:path"
import { isOtherFile, isSameFile, linkOver, listensNow, removeName } from "./files.ts"
import type { Pair } from "./places.ts"

/** How the gate has the place of one of them while it runs; where the agent has it, it gets it back. */
export const heldOther = (pair: Pair): Held => {
  const { aside, standard } = pair
  return {
    makeRoom: Effect.gen(function*() {
      if (isOtherFile(standard)) {
        return yield* new ListenError({
          message: `${standard} is no socket, and is left alone`,
          hint: "remove it, or let the policy say `leave` of this socket"
        })
      }
      if (isSameFile(standard, aside) || !(yield* listensNow(standard)) || (yield* listensNow(aside))) return
      yield* Effect.try({ try: () => linkOver(standard, aside), catch: () => cannot(aside) })
    }),
    taken: Effect.void,
    giveBack: Effect.ignore(giveBack(pair))
  }
}

const cannot = (path: string): ListenError =>
  new ListenError({ message: `the agent's socket cannot be moved to ${path}` })

const giveBack = ({ aside, standard }: Pair) =>
  Effect.flatMap(
    listensNow(aside),
    (listens) => Effect.try(() => listens ? fs.renameSync(aside, standard) : removeName(aside))
  )

/** Takes a socket away from its place as long as the scope lasts: clients find nobody there. */
export const closeWhile = (pair: Pair): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.flatMap(listensNow(pair.standard), (listens) =>
      Effect.ignore(Effect.try(() => {
        if (listens) fs.renameSync(pair.standard, pair.aside)
      }))),
    () =>
      // whoever has the place by now keeps it
      Effect.flatMap(
        listensNow(pair.standard),
        (taken) => taken ? Effect.sync(() => removeName(pair.aside)) : Effect.ignore(giveBack(pair))
      )
  ))

/**
 * Keeps a socket that is left to the agent where it is: an agent that was started over a dead gate takes the name with it when
 * it goes, so the other agent's socket has a second one.
 */
export const leave = ({ aside, standard }: Pair): Effect.Effect<void> =>
  Effect.gen(function*() {
    const [there, behind] = [yield* listensNow(standard), yield* listensNow(aside)]
    if (there === behind || isOtherFile(standard)) return
    yield* Effect.ignore(Effect.try(() => there ? linkOver(standard, aside) : linkOver(aside, standard)))
  })

/** Which of them GnuPG's own configuration says that there are not: a gate opens no door that the owner has closed. */
export const closedByConfiguration = (homedir: string): Partial<OtherSockets> => {
  let text: string
  try {
    text = fs.readFileSync(join(homedir, "gpg-agent.conf"), "utf8")
  } catch {
    return {}
  }
  const isNone = (name: string): boolean => new RegExp(`^\\s*${name}-socket[ \\t]+none\\s*$`, "m").test(text)
  return { ...isNone("extra") && { extra: "close" }, ...isNone("browser") && { browser: "close" } }
}
