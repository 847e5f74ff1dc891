// What a line looks like and what becomes of it, over a sink that does as it is told. Real standard errors: stderr.test.ts.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { makeLog, MAX_LOG_LINE, MAX_LOG_QUEUE, type Priority } from "../src/log.ts"

/** A sink that takes what it is allowed to; everything without limit where `room` is undefined. */
const makeSink = () => {
  let text = ""
  const state = { room: undefined as number | undefined, writes: 0 }
  const sink = (bytes: Buffer): number => {
    state.writes++
    const taken = Math.min(bytes.length, state.room ?? bytes.length)
    if (state.room !== undefined) state.room -= taken
    text += bytes.toString("latin1", 0, taken)
    return taken
  }
  return { sink, state, text: () => text }
}

const logged = (priority: Priority, message: string, journal = false): string => {
  const { sink, text } = makeSink()
  const log = makeLog(7, sink, journal)
  log.write(priority, message)
  log.flush()
  return text()
}

describe("a log line", () => {
  it("has the program's name, and a priority where the journal reads it", () => {
    assert.strictEqual(logged(5, "refused sign to anyone"), "gripgate: refused sign to anyone\n")
    assert.strictEqual(logged(3, "no agent", true), "<3>gripgate: no agent\n")
  })

  it("makes control characters and what is not ASCII harmless", () => {
    assert.strictEqual(logged(6, "a\nb\r\t\x1b[2J\x7f\0"), "gripgate: a\\x0ab\\x0d\\x09\\x1b[2J\\x7f\\x00\n")
    assert.strictEqual(logged(6, "gr\u00fcn \u202e"), "gripgate: gr\\xc3\\xbcn \\xe2\\x80\\xae\n")
  })

  it("is one line of printable ASCII of at most 8 KiB, whatever is in it", () => {
    const point = fc.oneof(fc.nat(0x1f), fc.nat(0x7f), fc.nat(0x10ffff))
    const string = fc.array(point, { minLength: 1, maxLength: 40 }).map((points) => String.fromCodePoint(...points))
    const times = fc.constantFrom(1, 1, 1000, 5000)
    fc.assert(
      fc.property(string, times, fc.boolean(), (text, times, journal) => {
        const message = text.repeat(times)
        const line = logged(5, message, journal)
        return /^(<5>)?gripgate: [\x20-\x7e]*\n$/.test(line) && line.length <= MAX_LOG_LINE + 1
      }),
      { seed: 1, numRuns: 200 }
    )
  })

  it("says where it was cut, and cuts no escape in two", () => {
    const room = MAX_LOG_LINE - "gripgate: ".length
    const fits = "x".repeat(room)
    assert.strictEqual(logged(5, fits), `gripgate: ${fits}\n`)
    const cut = logged(5, `${fits}x`)
    assert.strictEqual(cut, `gripgate: ${"x".repeat(room - 4)} ...\n`)
    for (let i = 0; i < 4; i++) {
      const line = logged(5, `${"x".repeat(room - 4 - i)}${"\n".repeat(10)}`)
      assert.match(line, /x(\\x0a)* \.\.\.\n$/)
      assert.isAtMost(line.length, MAX_LOG_LINE + 1)
    }
  })
})

describe("a log", () => {
  it("drops what is above its level", () => {
    const { sink, text } = makeSink()
    const log = makeLog(5, sink, false)
    for (const priority of [3, 4, 5, 6, 7] as const) log.write(priority, String(priority))
    log.flush()
    assert.strictEqual(text(), "gripgate: 3\ngripgate: 4\ngripgate: 5\n")
  })

  it("writes all lines of one turn at once, and not within the turn", async () => {
    const { sink, state, text } = makeSink()
    const log = makeLog(7, sink, false)
    for (let i = 0; i < 100; i++) log.write(6, String(i))
    assert.strictEqual(state.writes, 0)
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    assert.strictEqual(state.writes, 1)
    assert.strictEqual(text(), Array.from({ length: 100 }, (_, i) => `gripgate: ${i}\n`).join(""))
  })

  it("collects what tells of nothing wrong for a while, and goes out at once with what does", async () => {
    const { sink, state, text } = makeSink()
    const log = makeLog(7, sink, false, 60_000)
    log.write(6, "one")
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    assert.strictEqual(state.writes, 0)
    log.write(4, "two")
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    assert.strictEqual(text(), "gripgate: one\ngripgate: two\n")
    const soon = makeLog(7, sink, false, 1)
    soon.write(6, "three")
    for (let i = 0; i < 500 && !text().endsWith("three\n"); i++) await new Promise((resolve) => setTimeout(resolve, 2))
    assert.strictEqual(text(), "gripgate: one\ngripgate: two\ngripgate: three\n")
  })

  it("goes on in mid-line where the sink took only a part", () => {
    const { sink, state, text } = makeSink()
    const log = makeLog(7, sink, false)
    state.room = 12
    log.write(6, "one")
    log.write(6, "two")
    log.flush()
    assert.strictEqual(text(), "gripgate: on")
    state.room = undefined
    log.flush()
    assert.strictEqual(text(), "gripgate: one\ngripgate: two\n")
  })

  it("tries again by itself, without being written to", async () => {
    const { sink, state, text } = makeSink()
    const log = makeLog(7, sink, false)
    state.room = 0
    log.write(6, "one")
    log.flush()
    state.room = undefined
    for (let i = 0; i < 100 && text() === ""; i++) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.strictEqual(text(), "gripgate: one\n")
  })

  it("keeps a bounded queue, and tells how many lines it lost once there is room", () => {
    const { sink, state, text } = makeSink()
    const log = makeLog(7, sink, true)
    const total = 10_000
    state.room = 0
    for (let i = 0; i < total; i++) {
      log.write(6, `${i} ${"x".repeat(100)}`)
      if (i % 1000 === 0) log.flush()
    }
    state.room = undefined
    log.flush()
    assert.isAtMost(text().length, MAX_LOG_QUEUE + MAX_LOG_LINE)
    const lines = text().split("\n").slice(0, -1)
    const kept = lines.length - 1
    assert.isAbove(kept, 1000)
    lines.slice(0, -1).forEach((line, i) => assert.strictEqual(line, `<6>gripgate: ${i} ${"x".repeat(100)}`))
    const told = `<4>gripgate: ${total - kept} log lines were lost, because standard error took no more`
    assert.strictEqual(lines.at(-1), told)
    log.write(6, "and on")
    log.flush()
    assert.isTrue(text().endsWith(`${told}\n<6>gripgate: and on\n`))
  })
})
