// Takes out of what programs say whatever differs between two equal runs: where they ran, when, in which process, and what
// was made of chance. What is left must be the same, letter by letter.
import { fixtureKeys } from "@gripgate/testkit/keys"

/** Names of this run: text to be replaced, and what stands for it. */
export type Names = ReadonlyMap<string, string>

const known: ReadonlySet<string> = new Set(
  Object.values(fixtureKeys).flatMap(({ fingerprint, keygrips }) => [
    fingerprint,
    fingerprint.slice(-16),
    keygrips.primary,
    keygrips.encryption
  ])
)

/** Whether an id belongs to one of the ready-made keys. */
export const isKnown = (id: string): boolean => known.has(id)

/**
 * A function that normalises texts of one run. Hexadecimal ids that belong to no ready-made key are
 * numbered in the order in which they turn up, so that two runs agree where the same key turns up at the same places.
 */
export const makeNormaliser = (names: Names): (text: string) => string => {
  const numbers = new Map<string, string>()
  const number = (id: string): string => {
    if (known.has(id) || /^0+$/.test(id)) return id
    // a short id is the end of a long one that was there before
    const long = [...numbers].find(([other]) => other.endsWith(id))
    if (long !== undefined) return `${long[1]}/${id.length}`
    const name = `<id ${numbers.size + 1}>`
    numbers.set(id, name)
    return `${name}/${id.length}`
  }
  const places = [...names].toSorted(([a], [b]) => b.length - a.length)
  return (text) => {
    let result = text
    for (const [name, word] of places) result = result.replaceAll(name, word)
    return result
      .replace(
        /\b20\d\d-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?: UTC)?)?\b/g,
        (date) => date.startsWith("2024-01-01") ? date : "<date>"
      )
      .replace(/\b20\d{6}T\d{6}\b/g, (time) => time.startsWith("20240101") ? time : "<time>")
      .replace(/\b1[789]\d{8}\b/g, "<time>")
      .replace(/\b(process|pid|PINENTRY_LAUNCHED|owner=)( ?)\d+\b/gi, "$1$2<pid>")
      .replace(/(\[GNUPG:\] SIG_ID )\S+/g, "$1<hash>")
      // docs/differences.md: who says that he is a browser is shown as a remote client
      .replace("Note: Request from the web browser.", "Note: Request from a remote site.")
      // gpg's name for a symmetric passphrase is made of the message's salt
      .replace(/\bS[0-9A-F]{16}\b/g, "S<salt>")
      .replace(/\b[0-9A-F]{40}\b|\b[0-9A-F]{16}\b/g, number)
  }
}

/** The same for every string in plain data. */
export const normaliseAll = (value: unknown, normalise: (text: string) => string): unknown => {
  if (typeof value === "string") return normalise(value)
  if (Array.isArray(value)) return value.map((one) => normaliseAll(one, normalise))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normaliseAll(one, normalise)]))
}
