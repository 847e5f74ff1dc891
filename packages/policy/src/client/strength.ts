// How far a fact can be believed: whether the kernel vouches for it, a transport says it, or a process of the same user can show
// the same.
import type { ClientFacts, Strength } from "./facts.ts"
import type { FactName } from "./match.ts"

/**
 * The strength of a fact of this client, for a gate that runs as `gateUid`. User, groups and label are the kernel's own word.
 * Into a unit and its cgroup the kernel lets a process only with a right to both ends of the way, which other users than
 * root and the gate's own do not have. What the transport says is as good as sshd or qrexec, and as whoever can start a program
 * as the gate's own user. Everything else is how a process shows itself.
 */
export const strengthOf = (fact: FactName, facts: ClientFacts, gateUid: number | undefined): Strength => {
  switch (fact) {
    case "user":
    case "group":
    case "label":
      return "kernel"
    case "unit":
    case "cgroup":
      return isOther(facts, gateUid) ? "kernel" : "advisory"
    case "container":
      return isOther(facts, gateUid) && isRootsContainer(facts) ? "kernel" : "advisory"
    case "via":
    case "remote":
    case "qube":
      return "transport"
    default:
      return "advisory"
  }
}

const isOther = ({ uid }: ClientFacts, gateUid: number | undefined): boolean =>
  uid !== undefined && uid !== 0 && uid !== gateUid

// Whoever a unit has delegated its cgroup to (each user has user@UID.service) names what is below it, after any container.
const isRootsContainer = ({ unit, userUnit }: ClientFacts): boolean =>
  userUnit === undefined && (unit === undefined || /^(?:docker-|libpod-|machine-|systemd-nspawn@)/.test(unit))
