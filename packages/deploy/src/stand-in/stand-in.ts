// Standing in for gpg-agent: the gate has the agent's standard socket, so that every program of the user goes through it without
// being told, and the agent is beside, at `S.gripgate`. An agent that runs there already is moved: its socket gets the other
// name and it notices nothing, so what it has unlocked stays unlocked. Where none runs, one is started there when it is needed.
// At the end the agent gets its place back. All of it can be found again from the names of the sockets alone, after a crash too.
import type { OtherSockets } from "@gripgate/policy/policy"
import { type Log, LogService } from "@gripgate/proxy/log"
import type { Behind, ListenOn } from "@gripgate/proxy/settings"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type SocketName, startAgent } from "./agent-process.ts"
import { listensNow, removeName } from "./files.ts"
import { closedByConfiguration, closeWhile, heldOther, leave } from "./others.ts"
import type { StandInError, StandInPlaces } from "./places.ts"
import { findBehind, heldStandard } from "./standard.ts"

/** What a gate has to be started with to stand in. */
export interface StandIn {
  readonly behind: Effect.Effect<Behind, StandInError, Scope.Scope | LogService>
  readonly listen: ReadonlyArray<ListenOn>
}

const names = ["extra", "browser", "ssh"] as const

/** `asked` says what becomes of the agent's other sockets. */
export const standIn = (places: StandInPlaces, asked: OtherSockets, log: Log): StandIn => {
  const others = { ...asked, ...closedByConfiguration(places.homedir) }
  const left = names.filter((name) => others[name] === "leave")
  const sockets = new Map<SocketName, string>([
    ["std", places.std.aside],
    ...left.map((name) => [name, places[name].aside] as const)
  ])
  const keepLeft = Effect.forEach(left, (name) => leave(places[name]), { discard: true })
  const gated = (["extra", "browser"] as const).filter((name) => others[name] === "gate")
  const origins = { extra: "remote", browser: "browser" } as const
  return {
    behind: Effect.gen(function*() {
      yield* findBehind(places.std)
      for (const name of names) if (others[name] === "close") yield* closeWhile(places[name])
      for (const name of left) {
        const { standard } = places[name]
        if (yield* listensNow(standard)) log.write(4, `the agent's ${name} socket goes around the gate: ${standard}`)
      }
      // the second names go with the gate
      yield* Effect.addFinalizer(() => Effect.sync(() => left.forEach((name) => removeName(places[name].aside))))
      const launch = Effect.andThen(startAgent({ homedir: places.homedir, sockets }), keepLeft)
      return { socket: places.std.aside, launch }
    }),
    listen: [
      { path: places.std.standard, held: heldStandard(places.std, log, keepLeft) },
      ...gated.map((name) => ({ path: places[name].standard, origin: origins[name], held: heldOther(places[name]) }))
    ]
  }
}
