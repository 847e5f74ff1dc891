// What the lint finds, and what its rooms share.
import type { App, Entry, Place, Policy } from "../policy.ts"

/**
 * An `error` makes the gate refuse somebody, a `warning` is about something that will not happen as it reads, a `note` about
 * what is weaker or longer than need be, an `info` says what the file means.
 */
export interface Finding {
  readonly place?: Place
  readonly level: "error" | "warning" | "note" | "info"
  readonly message: string
  readonly hint?: string
}

/** Every table of a client. */
export const clients = (policy: Policy): ReadonlyArray<App> => [
  ...policy.apps.values(),
  ...(policy.anyone === undefined ? [] : [policy.anyone])
]

/** The app of a table, as questions name it. */
export const idOf = (policy: Policy, client: App): string | undefined =>
  client === policy.anyone ? undefined : client.name

/** A finding about an entry. */
export const about = ({ place }: Entry, level: Finding["level"], message: string): Finding =>
  place === undefined ? { level, message } : { place, level, message }
