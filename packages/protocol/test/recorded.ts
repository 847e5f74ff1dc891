// Lines of recorded dialogues as raw material for changed ones. What they say as dialogues is tested in the workspace's own
// tests, with the reader of the testkit, which this package comes before.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface RecordedLine {
  readonly from: "client" | "agent"
  readonly bytes: Buffer
}

const folder = join(import.meta.dirname, "../../../test/transcripts")

const unescape = (text: string): Buffer =>
  Buffer.from(
    text.replace(/\\(?:x(..)|\\)/g, (_, hex?: string) =>
      hex === undefined ? "\\" : String.fromCharCode(parseInt(hex, 16))),
    "latin1"
  )

/** The connections of all transcripts. */
export const connections: ReadonlyArray<ReadonlyArray<RecordedLine>> = readdirSync(folder)
  .filter((name) => name.endsWith(".txt"))
  .toSorted()
  .flatMap((name) => {
    const found = new Map<string, Array<RecordedLine>>()
    for (
      const [, side, number = "", text = ""] of readFileSync(join(folder, name), "latin1").matchAll(
        /^([CS])(\d*): (.*)$/gm
      )
    ) {
      const lines = found.get(number) ?? []
      lines.push({ from: side === "C" ? "client" : "agent", bytes: unescape(text) })
      found.set(number, lines)
    }
    return [...found.values()]
  })

/** Every different line of one side. */
export const linesOf = (side: "client" | "agent"): ReadonlyArray<Buffer> => {
  const found = connections.flat().filter(({ from }) => from === side)
  return [...new Map(found.map(({ bytes }) => [bytes.toString("latin1"), bytes])).values()]
}
