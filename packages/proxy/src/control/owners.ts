// Who may use the control socket: an owner, recognised by the kernel, and no process of an app. Everything that a peer shows of
// itself is held against every app, so that none comes in by the back door: neither an app that has a socket of its own, nor
// a program that an app has started.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { matches } from "@gripgate/policy/client/identify"
import { type App, headerOf, type Policy } from "@gripgate/policy/policy"

/** Why a peer may not; the hint says what to do. */
export interface Denied {
  readonly error: string
  readonly hint: string
}

/** `undefined` for an owner. `own` are the facts of the gate itself, which tell the sandbox that it runs in. */
export const deniedTo = (
  policy: Policy,
  peer: ClientFacts,
  gateUid: number | undefined,
  own: Pick<ClientFacts, "container">
): Denied | undefined => {
  const owners = policy.gate.owners?.numbers ?? (gateUid === undefined ? [] : [gateUid])
  if (peer.uid === undefined) {
    return { error: "it cannot be told who you are, so you may not", hint: "the gate's log says what is missing" }
  }
  if (!owners.includes(peer.uid)) {
    const hint = "[gate] owners of the policy names those who may"
    return { error: `only an owner may, and you are the user ${peer.uid}`, hint }
  }
  const app = [...policy.apps.values()].find((app) => isOf(app, peer))
  if (app !== undefined) {
    const hint = "run it outside of that program"
    return {
      error: `this is a process of the app ${app.name} by ${headerOf(app.name)} match, and no app may answer for you`,
      hint
    }
  }
  const sandbox = peer.flatpak ?? peer.snap ?? (peer.container === own.container ? undefined : peer.container)
  if (sandbox === undefined) return undefined
  return {
    error: `this is a process in a sandbox (${sandbox}), and none of these may answer for you`,
    hint: "run it outside"
  }
}

/** Whether a process, or one that it was started by, is this app; what is not known may be. */
const isOf = ({ match, socket }: App, peer: ClientFacts): boolean => {
  if (match === undefined) return false
  // whoever comes through a socket is told from the owner's own programs by more than his user
  if (socket !== undefined && match.conditions.every(({ fact }) => fact === "user" || fact === "group")) return false
  const hidden = new Set<string>(peer.unread ?? [])
  const known = { ...match, conditions: match.conditions.filter(({ fact }) => !hidden.has(fact)) }
  return [undefined, ...peer.chain].some((link) =>
    matches(known, link?.exe === undefined ? peer : { ...peer, exe: link.exe, program: link.exe })
  )
}
