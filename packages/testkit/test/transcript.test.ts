// The decoder of transcripts, held against what the recorder counted on the wire in every one of them.
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseTranscript, readTranscript, type TranscriptConnection } from "../src/transcript.ts"

const folder = join(import.meta.dirname, "../../../test/transcripts")
const names = readdirSync(folder).filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4))

/** Lines and bytes of one side, with the recorder's own homedir, which was a byte shorter than the `/HOME` it wrote. */
const count = (connection: TranscriptConnection, side: "client" | "agent") => {
  const lines = connection.lines.filter(({ from }) => from === side).map(({ bytes }) => bytes)
  const homes = lines.map((line) => line.toString("latin1").split("/HOME").length - 1)
  const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)
  return { lines: lines.length, bytes: sum(lines.map(({ length }) => length + 1)) - sum(homes) }
}

describe("transcripts", () => {
  for (const name of names) {
    it(`${name}: every line decodes to as many bytes as were on the wire`, async () => {
      const transcript = await readTranscript(join(folder, `${name}.txt`))
      assert.notStrictEqual(transcript.command, "")
      for (const connection of transcript.connections) {
        assert.match(connection.opened, /^by pid \d+ uid \d+: /)
        assert.deepEqual({ client: count(connection, "client"), agent: count(connection, "agent") }, connection.counted)
      }
    })
  }

  it("are all there, with the connections and exit codes that their index names", async () => {
    const index = readFileSync(join(folder, "INDEX.md"), "utf8")
    const rows = index.split("\n").map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim())).slice(2)
    const expected = rows.filter(({ length }) => length > 1).map((row) => [row[0], Number(row[1]), Number(row.at(-1))])
    assert.isAbove(expected.length, 100)
    const found = await Promise.all(names.map(async (name) => {
      const { connections, exitCode } = await readTranscript(join(folder, `${name}.txt`))
      return [name, connections.length, exitCode]
    }))
    const byName = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>) => String(a[0]) < String(b[0]) ? -1 : 1
    assert.deepEqual(found.toSorted(byName), expected.toSorted(byName))
  })

  it("keep apart what two connections said that were open at once", async () => {
    const { connections } = await readTranscript(join(folder, "gpg1-symmetric.txt"))
    const last = (index: number) => connections[index]!.lines.at(-1)!.bytes.toString()
    assert.deepEqual([last(0), last(1)], ["OK closing connection", "OK closing connection"])
    assert.strictEqual(connections[1]!.lines[0]!.bytes.toString(), "OK Pleased to meet you, process 18925")
  })

  it("decode escapes to bytes and leave everything else alone", () => {
    const text = [
      "## command: x",
      "S: D a\\x00\\xFF\\\\x41%25",
      "C2: ",
      "## exit code: 2",
      "## stderr: one",
      "## stderr: ",
      "## stdout: two"
    ]
    const { connections, exitCode, stderr, stdout } = parseTranscript(text.join("\n"))
    assert.deepEqual([exitCode, stderr, stdout], [2, "one\n", "two"])
    const bytes = Buffer.concat([Buffer.from("D a"), Buffer.from([0, 255]), Buffer.from("\\x41%25")])
    assert.deepEqual(connections[0]!.lines, [{ from: "agent", bytes }])
    assert.deepEqual(connections[1]!.lines, [{ from: "client", bytes: Buffer.alloc(0) }])
  })

  it("are refused with the line where they are none", () => {
    assert.throws(() => parseTranscript("## exit code: 0\nX: what"), "line 2: expected")
    assert.throws(() => parseTranscript("C: a\\q\n## exit code: 0"), "expected \\\\ or \\xNN")
    assert.throws(() => parseTranscript("C: a\n"), "exit code")
  })
})
