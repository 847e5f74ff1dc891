// Who asks, as far as it counts: whose questions are counted together, and for whom a yes is good longer than once.
import type { ClientFacts } from "@gripgate/policy/client/facts"

/**
 * For whom a grant is good: an app; or, of those who are no app, one program within one session of one user, as sudo's tickets
 * are for one terminal. What a program shows of itself can be imitated by another of the same user.
 */
export type Holder =
  | { readonly kind: "app"; readonly app: string }
  | {
    readonly kind: "session"
    readonly uid: number
    readonly leader: { readonly pid: number; readonly started: number }
    readonly program: string
    /** The sandbox that the program runs in; absent for one outside of any. */
    readonly sandbox?: string
  }

/** A holder as a key of a map. */
export const holderKey = (holder: Holder): string =>
  holder.kind === "app"
    ? `app ${holder.app}`
    : `session ${holder.uid} ${holder.leader.pid} ${holder.leader.started} ${holder.sandbox ?? ""} ${holder.program}`

/** Who a client is to grants; `undefined` for one that cannot be told from others. */
export const holderOf = (app: string | undefined, facts: ClientFacts): Holder | undefined => {
  if (app !== undefined) return { kind: "app", app }
  const { leader, program, uid } = facts
  // leader 1 is the system's own manager, whose session is everybody's
  if (uid === undefined || leader === undefined || leader.pid <= 1 || program === undefined) return undefined
  const sandbox = sandboxOf(facts)
  return { kind: "session", uid, leader, program, ...sandbox !== undefined && { sandbox } }
}

/** What confines a client; no blank stands in it. */
const sandboxOf = ({ container, flatpak, qube, snap }: ClientFacts): string | undefined => {
  const all = Object.entries({ container, flatpak, snap, qube }).filter(([, name]) => name !== undefined)
  return all.length === 0 ? undefined : all.map(([kind, name]) => `${kind}:${encodeURIComponent(name!)}`).join("+")
}

/**
 * Whose questions are counted together: an app's; those of all programs of one user that are no app, and apart from them those
 * of all his sandboxes, so that what is confined cannot use up what his own programs have. A process is no measure, for each
 * gpg is a new one, nor is the name of a sandbox: whoever may start one chooses it.
 */
export const askerOf = (app: string | undefined, facts: ClientFacts): string => {
  if (app !== undefined) return `app ${app}`
  return `user ${facts.uid ?? "unknown"}${sandboxOf(facts) === undefined ? "" : ", in a sandbox"}`
}
