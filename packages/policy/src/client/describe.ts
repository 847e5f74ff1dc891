// A client in words for people: in prompts, in the log, in `gripgate check`. What comes from the client is cleaned by whoever
// shows it.
import type { ClientFacts } from "./facts.ts"
import type { Doubt, Identity } from "./identify.ts"

/** `user mailpile (1001), /usr/bin/python3 called by /usr/bin/bash`; `nameOf` gives a user's name, where it has one. */
export const describeClient = (facts: ClientFacts, nameOf: (uid: number) => string | undefined): string => {
  const parts: Array<string> = []
  if (facts.uid !== undefined) {
    const name = nameOf(facts.uid)
    parts.push(name === undefined ? `user ${facts.uid}` : `user ${name} (${facts.uid})`)
  }
  if (facts.via !== undefined) parts.push(viaText(facts))
  const unit = facts.unit ?? facts.userUnit
  if (unit !== undefined) parts.push(unit)
  if (facts.container !== undefined) parts.push(facts.container)
  if (facts.flatpak !== undefined) parts.push(`flatpak ${facts.flatpak}`)
  if (facts.snap !== undefined) parts.push(`snap ${facts.snap}`)
  const program = facts.program ?? facts.exe
  if (program !== undefined) parts.push(program)
  return parts.length === 0 ? "of which nothing is known" : parts.join(", ")
}

/** `192.0.2.7 by ssh`, `qube work by qrexec`: where a client of a transport is, and what brought it. */
export const viaText = ({ qube, remote, via }: Pick<ClientFacts, "qube" | "remote" | "via">): string =>
  qube !== undefined ? `qube ${qube} by ${via}` : remote !== undefined ? `${remote} by ${via}` : `by ${via}`

/** How sure it is who a client is. */
export const describeIdentity = (identity: Identity): string => {
  switch (identity.kind) {
    case "app":
      return identity.rank === "socket"
        ? "by its own socket"
        : identity.rank === "kernel"
        ? "by facts that the kernel vouches for"
        : identity.rank === "transport"
        ? "by what its transport says"
        : "by facts that a program of the same user can imitate"
    case "anyone":
      return "no app of the policy"
    case "nobody":
      return `nobody, ${doubts[identity.why]}: ${identity.apps.join(", ")}`
  }
}

const doubts: Record<Doubt, string> = {
  several: "since more than one app fits",
  socket: "since it does not fit the match of the app whose socket it came through",
  transport: "since it does not fit the app that its transport names",
  unread: "since facts that would tell could not be read"
}
