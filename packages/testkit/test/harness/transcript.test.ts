// What the assertions on a transcript find, and what they say where they do not.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { escaped, formatEntry, parseEntries } from "@gripgate/testkit/harness/entry"
import { startRecorder } from "@gripgate/testkit/harness/recorder"
import { type HarnessTranscript, transcriptOf } from "@gripgate/testkit/harness/transcript"
import { statSync } from "node:fs"
import { join } from "node:path"

/** Runs something on a transcript of these commands, each answered with OK. */
const withTranscript = async (commands: ReadonlyArray<string>, use: (transcript: HarnessTranscript) => void) => {
  const folder = await makeFolder("gg")
  try {
    const recorder = startRecorder(join(folder, "transcript"))
    assert.strictEqual(statSync(recorder.file).mode & 0o777, 0o600)
    for (const command of commands) {
      recorder.note("program", 1, ">", command)
      recorder.note("program", 1, "<", "OK")
    }
    use(transcriptOf(recorder.file))
  } finally {
    await removeFolder(folder)
  }
}

const messageOf = (assertion: () => void): string => {
  try {
    assertion()
  } catch (error) {
    assert.strictEqual((error as Error).name, "AssertionError")
    return (error as Error).message
  }
  return assert.fail("the assertion held")
}

describe("the assertions on a transcript", () => {
  const commands = ["RESET", "PKSIGN", "PKSIGN", "BYE"]

  it("hold where it is as they say", () =>
    withTranscript(commands, (transcript) => {
      transcript.assertHas("program 1 > PKSIGN")
      transcript.assertHas(/^program 1 > PKSIGN$/)
      transcript.assertHas(/PKSIGN[^]*PKSIGN/)
      transcript.assertNo(/PKSIGN.*PKSIGN/)
      transcript.assertNo(".*")
      transcript.assertTimes(/> pksign/i, 2)
      transcript.assertOrder(["RESET", "PKSIGN", "PKSIGN", "BYE"])
      assert.deepStrictEqual(transcript.commands("program"), commands)
      assert.deepStrictEqual(transcript.commands("agent"), [])
    }))

  it("fail where it is not, and show the dialogue with what they found", () =>
    withTranscript(commands, (transcript) => {
      const twice = messageOf(() => transcript.assertTimes(/> PKSIGN/, 1, "no retry"))
      assert.match(twice, /^no retry: expected \/> PKSIGN\/ 1 times in the transcript, found it 2 times\n/)
      assert.include(twice, "\n-->    4  program 1 > PKSIGN\n       5  program 1 < OK\n-->    6  program 1 > PKSIGN\n")
      assert.match(messageOf(() => transcript.assertNo("BYE")), /0 times.*found it 1 times/)
      assert.match(
        messageOf(() => transcript.assertHas("SIGKEY")),
        /^expected "SIGKEY" in the transcript, it is not there/
      )
      assert.match(
        messageOf(() => transcript.assertOrder(["BYE", "RESET"])),
        /^expected "RESET" behind "BYE" in the transcript, it is not there/
      )
    }))

  it("look at what is said from a moment on", async () => {
    const folder = await makeFolder("gg")
    const recorder = startRecorder(join(folder, "transcript"))
    recorder.note("program", 1, ">", "PKSIGN")
    const later = transcriptOf(recorder.file).since()
    assert.deepStrictEqual(later.entries(), [])
    recorder.note("program", 1, ">", "NOP")
    later.assertNo("PKSIGN")
    const latest = later.since()
    recorder.note("program", 1, ">", "BYE")
    assert.deepStrictEqual(later.commands("program"), ["NOP", "BYE"])
    assert.deepStrictEqual(latest.commands("program"), ["BYE"])
    assert.match(messageOf(() => latest.assertHas("NOP")), / 1 {2}program 1 > BYE\n/)
    recorder.close()
    await removeFolder(folder)
  })

  it("show of a long dialogue what was found and its end", () =>
    withTranscript(
      Array.from({ length: 500 }, (_, i) => i === 100 ? "D " + "x".repeat(900) : `NOP ${i}`),
      (transcript) => {
        const message = messageOf(() => transcript.assertNo("xxxx"))
        assert.isBelow(message.split("\n").length, 120)
        assert.match(message, /--> +202 {2}program 1 > D x{100,150} \.\.\. \(\d+ characters\)/)
        assert.include(message, "NOP 499")
        assert.notInclude(message, "NOP 300\n")
      }
    ))

  it("waits for what comes, and tells the dialogue when it does not", async () => {
    const folder = await makeFolder("gg")
    const recorder = startRecorder(join(folder, "transcript"))
    const transcript = transcriptOf(recorder.file)
    const waiting = transcript.waitFor("BYE")
    recorder.note("program", 1, ">", "BYE")
    await waiting
    const late = await transcript.waitFor("RESET", 20).catch((error: Error) => error.message)
    assert.match(String(late), /^expected "RESET" within 20 ms\n\n/)
    await removeFolder(folder)
  })
})

describe("a line of a transcript", () => {
  it("has every byte, and is read as it was written", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const entry = { place: "agent", connection: 7, mark: "<", text: escaped(bytes) } as const
    const line = formatEntry(entry)
    assert.match(line, /^agent 7 < [\x20-\x7e]*$/)
    assert.deepStrictEqual(parseEntries(`# gripgate transcript 1\n${line}\nprogram 1 > unfin`), [entry])
    const back = entry.text.replace(
      /\\(?:x(..)|(\\))/g,
      (_, hex?: string) => hex === undefined ? "\\" : String.fromCharCode(parseInt(hex, 16))
    )
    assert.deepStrictEqual(Buffer.from(back, "latin1"), bytes)
    assert.throws(() => parseEntries("nobody 1 > x\n"), "line 1 of a transcript is none")
  })
})
