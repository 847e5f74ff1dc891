// Who may use the control socket: an owner, recognised by the kernel, and no process of an app. Everything that a peer shows of
// itself, and the programs of those that started it, is held against every app, also against one that has a socket of its own.
//
// What this guard is: the kernel vouches for the user, so that users who are no owners stay outside. It keeps the owner from
// answering by accident from within an app, and an app from having its own questions answered by what it plainly starts. It is no
// boundary between programs of one user: one that has itself taken in by the first process of the machine (a double fork)
// is the child of no app any more, and it could ptrace the owner's shell anyway.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { holdsFor } from "@gripgate/policy/client/holds"
import type { Condition, FactName } from "@gripgate/policy/client/match"
import { type App, headerOf, type Policy } from "@gripgate/policy/policy"
import type { ControlPeer } from "./peer.ts"

/** Why a peer may not; the hint says what to do. */
export interface Denied {
  readonly error: string
  readonly hint: string
}

/**
 * `undefined` for an owner. `own` are the facts of the gate itself, which tell the sandbox that it runs in.
 *
 * What is not known of a peer may be what an app shows, so whoever hides it is turned away where a match asks for it. Two things
 * are nobody's hiding, and are passed over:
 *
 * - The system shows program, parents and folder of a process to its own user and to root only. To a gate that is neither they
 *   say nothing, and the peer is held against an app by what else its match names; by nothing else it is not that app.
 * - The program of a parent: `su` and `sudo` are root's, and a shell whose file was replaced by an upgrade has none any more.
 */
export const deniedTo = (
  policy: Policy,
  peer: ControlPeer,
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
  return deniedToApps(policy, peer, gateUid, own, "answer for you")
}

/** The same for whatever else no app may, whoever is the owner: `what` it is. */
export const deniedToApps = (
  policy: Policy,
  peer: ControlPeer,
  gateUid: number | undefined,
  own: Pick<ClientFacts, "container">,
  what: string
): Denied | undefined => {
  const shown = gateUid === 0 || peer.uid === gateUid
  const links = linksOf(peer)
  let possible: App | undefined
  for (const app of policy.apps.values()) {
    const answer = isOf(app, peer, links, shown)
    if (answer === "is") {
      const found = `this is a process of the app ${app.name} by ${headerOf(app.name)} match`
      return { error: `${found}, and no app may ${what}`, hint: "run it outside of that program" }
    }
    if (answer === "may be") possible ??= app
  }
  if (possible !== undefined) {
    const found = `it cannot be told that this is no process of the app ${possible.name}`
    return {
      error: `${found}, and no app may ${what}`,
      hint: "the system does not show all of it: try a new shell"
    }
  }
  const sandbox = peer.flatpak ?? peer.snap ?? (peer.container === own.container ? undefined : peer.container)
  if (sandbox === undefined) return undefined
  return {
    error: `this is a process in a sandbox (${sandbox}), and none of these may ${what}`,
    hint: "run it outside"
  }
}

/** The peer, or one that it was started by, and whether it hides its program. */
interface Link {
  readonly exe: string | undefined
  readonly hides: boolean
}

const linksOf = (peer: ControlPeer): { readonly self: Link; readonly parents: ReadonlyArray<Link> } => {
  const { parents = [] } = peer
  const others = peer.chain.slice(1).filter(({ pid }) => !parents.some((parent) => parent.pid === pid))
  return {
    self: { exe: peer.exe, hides: peer.unread?.includes("exe") === true },
    parents: [...parents, ...others].map(({ exe }) => ({ exe, hides: false }))
  }
}

/** Whether a process, or one that it was started by, is this app; `shown`: whether the system shows the gate what it runs. */
const isOf = (
  { match, socket }: App,
  peer: ControlPeer,
  { parents, self }: ReturnType<typeof linksOf>,
  shown: boolean
): "is" | "may be" | undefined => {
  if (match === undefined) return undefined
  // whoever comes through a socket is told from the owner's own programs by more than his user
  if (socket !== undefined && match.conditions.every(({ fact }) => fact === "user" || fact === "group")) {
    return undefined
  }
  // one that has ended shows no parents at all
  const parentHides = peer.chain.length === 0

  /** `hidden`: it may hold. `unseen`: it may hold, and the peer has no part in that it is not known. */
  const held = (condition: Condition, link: Link): "holds" | "fails" | "hidden" | "unseen" => {
    const { fact } = condition
    const isOfLink = fact === "exe" || fact === "program"
    if (link.exe !== undefined && holdsFor(condition, { ...peer, exe: link.exe, program: link.exe })) return "holds"
    if ((link === self || !isOfLink) && holdsFor(condition, peer)) return "holds"
    const isHidden = isOfLink
      ? link.hides
      : peer.unread?.includes(fact) === true && (fact !== "parent" || !shown || parentHides)
    if (!isHidden) return "fails"
    return !shown && ofOwnUser.has(fact) ? "unseen" : "hidden"
  }

  let found: "may be" | undefined
  for (const link of [self, ...parents]) {
    const each = match.conditions.map((condition) => held(condition, link))
    if (each.every((one) => one === "holds")) return "is"
    if (!each.includes("fails") && each.some((one) => one !== "unseen")) found = "may be"
  }
  return found
}

/** What the system shows of a process to its own user and to root. */
const ofOwnUser: ReadonlySet<FactName> = new Set(["exe", "program", "parent", "cwd"])
