// One record of the journal as fields between colons, for programs; docs/journal.md lists them.
import { harmless } from "@gripgate/policy/harmless"
import type { ReadRecord } from "@gripgate/proxy/journal/read-record"

const list = (all: ReadonlyArray<string> | undefined): string | undefined => all?.join(",")

const seconds = (at: string | undefined): number | undefined =>
  at === undefined ? undefined : Math.floor(Date.parse(at) / 1000)

/** The fields in their order. New ones are added behind the last. */
export const colonsFields: ReadonlyArray<readonly [name: string, of: (record: ReadRecord) => unknown]> = [
  ["op", ({ op }) => op],
  ["n", ({ n }) => n],
  ["time", ({ at }) => seconds(at)],
  ["app", ({ app }) => app],
  ["operations", ({ operations }) => list(operations)],
  ["keys", ({ keys }) => list(keys)],
  ["command", ({ command }) => command],
  ["verdict", ({ verdict }) => verdict],
  ["result", ({ result }) => result],
  ["error", ({ error }) => error],
  ["use", ({ use }) => use],
  ["session", ({ session }) => session],
  ["pid", ({ pid }) => pid],
  ["uid", ({ uid }) => uid],
  ["program", ({ program }) => program],
  ["recognised", ({ recognised }) => recognised],
  ["by", ({ by }) => by],
  ["reason", ({ reason }) => reason],
  ["grants", ({ grants }) => list(grants)],
  ["grant", ({ grant }) => grant],
  ["grantsAt", ({ grantsAt }) => grantsAt],
  ["question", ({ question }) => question],
  ["answer", ({ answer }) => answer],
  ["through", ({ through }) => through],
  ["byUid", ({ byUid }) => byUid],
  ["milliseconds", ({ milliseconds }) => milliseconds],
  ["times", ({ times }) => times],
  ["since", ({ since }) => seconds(since)],
  ["version", ({ version }) => version],
  ["file", ({ file }) => file],
  ["via", ({ via }) => via],
  ["remote", ({ remote }) => remote],
  ["qube", ({ qube }) => qube]
]

/** A record in one line. What is not there is empty; in a field `\xNN` stands for a byte, as gpg writes it. */
export const colonsLine = (record: ReadRecord): string =>
  `${colonsFields.map(([, of]) => escaped(String(of(record) ?? ""))).join(":")}:`

const escaped = (text: string): string =>
  text.replace(/[:\\]|[^\x20-\x7e]/gu, (character) => {
    if (character !== ":" && character !== "\\" && harmless(character) === character) return character
    return Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")
  })
