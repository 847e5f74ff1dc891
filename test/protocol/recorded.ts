// The recorded dialogues for the tests of the protocol: by name, and the lines of both sides.
import { readTranscript, type Transcript, type TranscriptConnection } from "@gripgate/testkit/transcript"
import { readdirSync } from "node:fs"
import { join } from "node:path"

const folder = join(import.meta.dirname, "../transcripts")
const names = readdirSync(folder).filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4)).toSorted()

/** Every transcript, by name. */
export const transcripts: ReadonlyArray<readonly [name: string, transcript: Transcript]> = await Promise.all(
  names.map(async (name) => [name, await readTranscript(join(folder, `${name}.txt`))] as const)
)

export const connections: ReadonlyArray<TranscriptConnection> = transcripts.flatMap(([, { connections }]) =>
  connections
)

/** Every different line of one side, without its LF. */
export const linesOf = (side: "client" | "agent"): ReadonlyArray<Buffer> => {
  const found = connections.flatMap(({ lines }) => lines.filter(({ from }) => from === side))
  return [...new Map(found.map(({ bytes }) => [bytes.toString("latin1"), bytes])).values()]
}
