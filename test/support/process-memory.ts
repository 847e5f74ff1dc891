// Looks for secrets in the memory of another process, as root can. What is looked for goes to the searching program on its standard
// input: an argument could be read by everybody.
import { runOk } from "@gripgate/testkit/run"

/** Goes through all that can be read of a process, in pieces that overlap, and prints how often it has found each needle. */
const searcher = `
import { openSync, readFileSync, readSync } from "node:fs"
const needles = readFileSync(0, "latin1").trimEnd().split("\\n").map((line) => Buffer.from(line, "hex"))
const pid = process.argv[1]
const counts = needles.map(() => 0)
const longest = Math.max(...needles.map(({ length }) => length))
const piece = Buffer.alloc(4 * 1024 * 1024)
const memory = openSync("/proc/" + pid + "/mem", "r")
for (const line of readFileSync("/proc/" + pid + "/maps", "latin1").split("\\n")) {
  const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line) ?? []
  if (from === undefined || /\\[v(var|syscall|var_vclock)\\]/.test(line)) continue
  const end = parseInt(to, 16)
  for (let at = parseInt(from, 16); at < end;) {
    const length = Math.min(piece.length, end - at)
    let read
    try {
      read = readSync(memory, piece, 0, length, at)
    } catch {
      break
    }
    if (read === 0) break
    const seen = piece.subarray(0, read)
    needles.forEach((needle, i) => {
      for (let found = seen.indexOf(needle); found >= 0; found = seen.indexOf(needle, found + 1)) counts[i]++
    })
    if (at + read >= end) break
    at += Math.max(1, read - longest + 1)
  }
}
console.log(JSON.stringify(counts))
`

/** A text as bytes of one and of two bytes a character: V8 keeps strings in both ways. */
const forms = (text: string): ReadonlyArray<Buffer> => [Buffer.from(text, "latin1"), Buffer.from(text, "utf16le")]

/** How often each of these texts is in the memory of a process. */
export const countInMemory = async (pid: number, ...texts: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n", "--"]
  const input = texts.flatMap(forms).map((needle) => `${needle.toString("hex")}\n`).join("")
  const argv = [...asRoot, process.execPath, "--input-type=module", "-e", searcher, String(pid)]
  const counts = JSON.parse((await runOk(argv, { input, timeoutMs: 60_000 })).stdout.toString()) as ReadonlyArray<
    number
  >
  return texts.map((_, i) => counts[2 * i]! + counts[2 * i + 1]!)
}
