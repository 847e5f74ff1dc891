// `match = { ... }` as data: which facts a client must show to be an app.
import type { Place } from "../policy.ts"

/** The words that a match can name. */
export const factNames = [
  "user",
  "group",
  "label",
  "unit",
  "user-unit",
  "cgroup",
  "container",
  "flatpak",
  "snap",
  "exe",
  "program",
  "parent",
  "cmdline",
  "cwd",
  "via",
  "remote",
  "qube"
] as const

export type FactName = typeof factNames[number]

/** What only the transport of a client says: no process on this machine shows it by itself. */
export const transportFacts: ReadonlySet<FactName> = new Set(["via", "remote", "qube"])

/** Whether a match names one of these: then it is for clients of a transport alone. */
export const isOfTransport = ({ conditions }: Match): boolean => conditions.some(({ fact }) => transportFacts.has(fact))

/**
 * One fact and the values that will do, of which one must hold. For `user` and `group` they are names or decimal numbers;
 * for all others exact texts, or globs: `*` is any run of characters but `/`, `**` any run, `?` one character but `/`; a
 * backslash takes the next character literally. In `cmdline` and `remote` a `/` is like every other character. `numbers` are the ids of `user` and `group`, once names have been looked up.
 */
export interface Condition {
  readonly fact: FactName
  readonly values: ReadonlyArray<string>
  readonly place: Place
  readonly numbers?: ReadonlyArray<number>
}

/** Every condition must hold; there is at least one. */
export interface Match {
  readonly conditions: ReadonlyArray<Condition>
  readonly place: Place
}
