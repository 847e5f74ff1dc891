// What is not wrong with a policy and still deserves a word. None of it stops the gate; what is marked as an error makes it
// refuse somebody.
import { comparePlaces, type Policy } from "../policy.ts"
import { approveFindings } from "./approve.ts"
import { certifyFindings, type KnownKey } from "./certify.ts"
import { clientFindings, type Programs } from "./clients.ts"
import { entryFindings } from "./entries.ts"
import type { Finding } from "./finding.ts"

/** What a policy can be judged against, beside itself. */
export interface Known {
  readonly gateUid?: number | undefined
  readonly programs?: Programs
  readonly key?: KnownKey
}

/** Judges a policy that was read without problems. The findings come in the order of the file. */
export const lint = (policy: Policy, known: Known = {}): ReadonlyArray<Finding> =>
  [
    ...entryFindings(policy),
    ...clientFindings(policy, known.gateUid, known.programs),
    ...approveFindings(policy, known.gateUid),
    ...(known.key === undefined ? [] : certifyFindings(policy, known.key))
  ].toSorted((a, b) => comparePlaces(a.place, b.place))
