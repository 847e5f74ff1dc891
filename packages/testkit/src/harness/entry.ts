// The lines of a transcript: what one says, who says it to whom, and how it is written. Text in, entries out; the file is
// recorder.ts's. A line of a transcript is one line of a dialogue, so that grep can find it.

/** Who is connected: a program to the gate, the gate to an agent, an agent or a gate to a pinentry. `gate` is the gate's log. */
export type Place = "program" | "agent" | "pinentry" | "gate"

/** `>` from who connected, `<` back to him, `=` what happened without a line of theirs. */
export type Mark = ">" | "<" | "="

export interface Entry {
  readonly place: Place
  /** Counted from 1 for `program` and `agent`; the process id of a `pinentry`; 0 for the gate's log. */
  readonly connection: number
  readonly mark: Mark
  /** Without the line feed; printable ASCII, a backslash as `\\`, every other byte as `\xNN`. */
  readonly text: string
}

/** The first line of a transcript; the number is that of the format. */
export const HEADER = "# gripgate transcript 1"

/** Bytes, or latin1 text, as they stand in a transcript. */
export const escaped = (bytes: Uint8Array | string): string =>
  (typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1")).replace(
    /[^\x20-\x5b\x5d-\x7e]/g,
    (c) => c === "\\" ? "\\\\" : `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
  )

/** One line, without its line feed: `program 1 > PKSIGN`, `gate = ...`. */
export const formatEntry = ({ connection, mark, place, text }: Entry): string =>
  `${place}${connection === 0 ? "" : ` ${connection}`} ${mark} ${text}`

/** The entries of a transcript's text. What is not finished with a line feed is still being written, and is left out. */
export const parseEntries = (text: string): ReadonlyArray<Entry> =>
  text.split("\n").slice(0, -1).flatMap((line, index) => {
    if (line.startsWith("#")) return []
    const [whole, place, connection = "0", mark, said] =
      /^(program|agent|pinentry|gate)(?: (\d+))? ([<>=]) (.*)$/.exec(line) ?? []
    if (whole === undefined) throw new Error(`line ${index + 1} of a transcript is none: ${JSON.stringify(line)}`)
    return [{ place: place as Place, connection: Number(connection), mark: mark as Mark, text: said! }]
  })
