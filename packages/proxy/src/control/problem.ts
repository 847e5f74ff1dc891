// Why something is not done, for whoever asked on the control socket.
import type { NotIssued } from "../grant/issue.ts"
import type { Fault } from "./message/envelope.ts"

export interface ControlProblem {
  readonly fault: Fault
  readonly error: string
  readonly hint?: string
  /** The keys whose passphrase was not the right one, where that is all that is wrong. */
  readonly wrong?: ReadonlyArray<string>
}

/** It cannot be done. */
export const refused = (error: string, hint?: string): ControlProblem => ({
  fault: "refused",
  error,
  ...hint !== undefined && { hint }
})

/** There is no grant with a token. */
export const notIssued = ({ hint, message, wrong }: Pick<NotIssued, "hint" | "message" | "wrong">): ControlProblem => ({
  ...refused(message, hint),
  ...wrong !== undefined && { wrong }
})

/** A name that no grant has; it is told back as it was typed, made harmless by whoever prints it. */
export const noGrant = (id: string): ControlProblem =>
  refused(`there is no grant ${JSON.stringify(id)}`, "gripgate grants lists them")
