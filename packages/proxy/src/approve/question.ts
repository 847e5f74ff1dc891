// A question to the owner: everything that is shown of it, and what he may answer. It is made once, by the gate, and does not
// change while it is open: what he answers is what he saw.
import type { Rank } from "@gripgate/policy/client/identify"
import type { Operation } from "@gripgate/protocol/operation"
import type { Subject } from "../shown/subject.ts"

/** What is to be signed, as far as an agent is told. */
export interface Digest {
  /** `SHA512`. */
  readonly algorithm: string
  /** Upper-case hexadecimal digits. */
  readonly hex: string
}

/** Words that are not the gate's: of the client, or of the agent. Decoded; not harmless to show. */
export interface Said {
  readonly by: "client" | "agent"
  readonly text: string
}

/** What a yes can be good for besides this once. */
export interface Offers {
  /** Milliseconds for which a yes for a while is good, unless the owner says another time; absent where none is offered. */
  readonly while?: number
  /** Whether always and never are offered. */
  readonly always: boolean
}

/** Who asks, for programs; `subject.how` has it in words. */
export interface Client {
  readonly recognised: Rank | "none"
  readonly uid?: number
  readonly pid?: number
  readonly program?: string
}

export interface Question {
  /** See short-id.ts. */
  readonly id: string
  /** Its operations are all that the use amounts to, whether they need a yes or are allowed anyway. */
  readonly subject: Subject
  /** The one of the subject's operations that the question is for, as the policy names it: the strictest. */
  readonly operation: Operation
  readonly client: Client
  /** The entry of the policy that has it asked, as it reads. */
  readonly why: string
  /** `unseen` where the agent was given the data itself, or in a way that the gate does not read. */
  readonly digest?: Digest | "unseen"
  readonly said?: Said
  /** A line more of the gate's own. */
  readonly note?: string
  readonly offers: Offers
  /** Milliseconds of the clock. */
  readonly askedAt: number
}

/** What a question is made of. */
export type Draft = Omit<Question, "id" | "askedAt">

/** What the owner said, and through what. */
export interface Answer {
  readonly kind: "yes" | "no"
  /** How long it holds: for this use alone, for milliseconds, or always; a no is never good for a time. */
  readonly good: "once" | number | "always"
  readonly by: By
  /** The grant that answered, where nobody did. */
  readonly grant?: string
}

/** Who answered: `pinentry`, `terminal` and the like, and the user where the kernel tells. */
export interface By {
  readonly through: string
  readonly uid?: number
}

/** How it went with one approver. */
export type Asked =
  | Answer
  /** The owner was asked, and said nothing in the time that the approver has. */
  | { readonly kind: "timeout" }
  /** This approver cannot ask him; the reason is for the log. */
  | { readonly kind: "unavailable"; readonly reason: string }

/** How a question ended. */
export type Ended =
  | Answer
  | { readonly kind: "timeout" }
  | { readonly kind: "unavailable"; readonly reason: string }
  /** Too many questions without an answer before this one. */
  | { readonly kind: "paused"; readonly until: number }
  /** Nobody waits for an answer any more. */
  | { readonly kind: "withdrawn" }
  | { readonly kind: "stopped" }

/** How a question ended, in words. */
export const describeEnded = (ended: Ended): string => {
  switch (ended.kind) {
    case "yes":
    case "no":
      return `${ended.kind}, by ${ended.by.through}`
    case "timeout":
      return "no answer in time"
    case "unavailable":
      return `nobody could be asked: ${ended.reason}`
    case "paused":
      return "too many questions without a yes before it"
    case "withdrawn":
      return "the program does not wait any more"
    case "stopped":
      return "the gate stops"
  }
}
