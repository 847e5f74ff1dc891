// Recorded dialogues of real programs with a real gpg-agent (test/transcripts): text in, bytes out. The recorder wrote
// printable ASCII as it is, a backslash as `\\`, every other byte as `\xNN`, and a line without its LF.
import { readFile } from "node:fs/promises"

export interface TranscriptLine {
  readonly from: "client" | "agent"
  /** Without the LF. */
  readonly bytes: Buffer
}

export interface TranscriptCount {
  readonly lines: number
  readonly bytes: number
}

export interface TranscriptConnection {
  /** What the recorder saw of the client: `by pid 9602 uid 0: gpg --sign ...`. */
  readonly opened: string
  readonly lines: ReadonlyArray<TranscriptLine>
  /**
   * What the recorder counted on the wire, LFs included. It counted before it wrote `/HOME` in place of its own
   * homedir, which was one byte shorter.
   */
  readonly counted: { readonly client: TranscriptCount; readonly agent: TranscriptCount }
}

export interface Transcript {
  readonly command: string
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly connections: ReadonlyArray<TranscriptConnection>
}

const unescape = (text: string): Buffer =>
  Buffer.from(
    text.replace(/\\(?:x([0-9A-F]{2})|(\\)|)/g, (whole, hex?: string, backslash?: string) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16))
      if (backslash !== undefined) return backslash
      throw new Error(`expected \\\\ or \\xNN, got ${JSON.stringify(whole)} in ${JSON.stringify(text)}`)
    }),
    "latin1"
  )

const CLOSED = /^client (\d+) lines\/(\d+) bytes, server (\d+) lines\/(\d+) bytes/

/** Parses the text of one transcript. Throws an Error with the number of the line that it does not understand. */
export const parseTranscript = (text: string): Transcript => {
  const connections: Array<{ opened: string; lines: Array<TranscriptLine>; counted: TranscriptConnection["counted"] }> =
    []
  const output: Record<string, Array<string>> = { command: [], "exit code": [], stdout: [], stderr: [] }
  const connection = (number: string) => {
    const none = { lines: 0, bytes: 0 }
    return connections[Number(number) - 1] ??= { opened: "", lines: [], counted: { client: none, agent: none } }
  }
  text.split("\n").forEach((line, index) => {
    const [, side, number = "1", escaped] = /^([CS])(\d+)?: (.*)$/.exec(line) ?? []
    const [, opened, who] = /^# --- connection (\d+) opened (.*)$/.exec(line) ?? []
    const [, closed, sums] = /^# --- connection (\d+) closed: (.*)$/.exec(line) ?? []
    const [, heading, rest] = /^## (command|exit code|stdout|stderr): ?(.*)$/.exec(line) ?? []
    if (side !== undefined) {
      connection(number).lines.push({ from: side === "C" ? "client" : "agent", bytes: unescape(escaped!) })
    } else if (opened !== undefined) {
      connection(opened).opened = who!
    } else if (closed !== undefined) {
      const [a = NaN, b = NaN, c = NaN, d = NaN] = CLOSED.exec(sums!)?.slice(1).map(Number) ?? []
      connection(closed).counted = { client: { lines: a, bytes: b }, agent: { lines: c, bytes: d } }
    } else if (heading !== undefined) {
      output[heading]!.push(rest!)
    } else if (line !== "" && !line.startsWith("# TOTAL: ")) {
      throw new Error(`line ${index + 1}: expected C:, S:, a comment or a heading, got ${JSON.stringify(line)}`)
    }
  })
  const [exitCode] = output["exit code"]!
  if (exitCode === undefined) throw new Error("expected a line `## exit code: N`, got none")
  return {
    command: output["command"]!.join("\n"),
    exitCode: Number(exitCode),
    stdout: output["stdout"]!.join("\n"),
    stderr: output["stderr"]!.join("\n"),
    connections
  }
}

/** Reads and parses a transcript's file. */
export const readTranscript = async (path: string): Promise<Transcript> =>
  parseTranscript(await readFile(path, "latin1"))
