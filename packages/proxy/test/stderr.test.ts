// The log at the real standard errors of a real process: whatever is there, and however it fails, the process goes on.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { execFileSync, spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Child, startChild } from "./support/child.ts"
import { scratch } from "./support/scratch.ts"

interface Went {
  readonly took: number
  readonly slowest: number
}

/** Far more than a pipe (64 KiB), a socket (some 200 KiB) and the queue (256 KiB) hold together. */
const FLOOD = ["20000", "100"] as const

/** Nobody waits: a write that does would not come back at all. */
const assertLively = (went: unknown): void => assert.isBelow((went as Went).slowest, 2_000)

const opened = (path: string, flags: string | number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const handle = { fd: fs.openSync(path, flags), open: true }
      return { fd: handle.fd, close: () => handle.open && (handle.open = false, fs.closeSync(handle.fd)) }
    }),
    (handle) => Effect.sync(() => void handle.close())
  )

/** A FIFO with both its ends open here. */
const fifo = Effect.gen(function*() {
  const path = join(yield* scratch, "fifo")
  execFileSync("mkfifo", [path])
  const reader = yield* opened(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  const writer = yield* opened(path, fs.constants.O_WRONLY)
  return { reader, writer }
})

/** What can be read until it is as much as this, or the other end is closed. */
const readSome = (fd: number, enough: number): Effect.Effect<string> =>
  Effect.promise(async () => {
    const chunks: Array<Buffer> = []
    const bytes = Buffer.alloc(65536)
    for (;;) {
      try {
        const count = fs.readSync(fd, bytes)
        chunks.push(Buffer.from(bytes.subarray(0, count)))
        const read = Buffer.concat(chunks)
        if (count === 0 || read.length >= enough) return read.toString("latin1")
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  })

const readAll = (fd: number): Effect.Effect<string> => readSome(fd, Infinity)

/** Every line is whole and in order, and the lost ones are counted. */
const assertComplete = (text: string, total: number): void => {
  const lines = text.split("\n").slice(0, -1)
  let next = 0
  let lost = 0
  for (const line of lines) {
    const count = /^gripgate: (\d+) log lines were lost/.exec(line)?.[1]
    if (count !== undefined) {
      lost += Number(count)
      next += Number(count)
    } else {
      assert.strictEqual(line, `gripgate: ${next++} ${"x".repeat(100)}`)
    }
  }
  assert.strictEqual(next, total)
  assert.isAbove(lost, 0)
}

const assertEndsWell = (child: Child) =>
  Effect.map(child.exited, (exit) => assert.deepStrictEqual(exit, { code: 0, signal: null }))

describe("standard error", () => {
  it.live("gets the last lines also when the process exits at once, or the log is closed", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const expected = Array.from({ length: 50 }, (_, i) => `gripgate: ${i} xxxxxxxxxx\n`).join("")
      for (const then of ["exit", "close"]) {
        const file = yield* opened(join(dir, then), "w+")
        const child = yield* startChild("log-program.ts", { args: ["50", "10", then], stderr: file.fd })
        yield* assertEndsWell(child)
        assert.strictEqual(fs.readFileSync(join(dir, then), "latin1"), expected, then)
        const { reader, writer } = yield* fifo
        const piped = yield* startChild("log-program.ts", { args: ["50", "10", then], stderr: writer.fd })
        writer.close()
        assert.strictEqual(yield* readAll(reader.fd), expected, then)
        yield* assertEndsWell(piped)
      }
    }))

  it.live("may be a pipe that nobody reads", () =>
    Effect.gen(function*() {
      const { reader, writer } = yield* fifo
      const child = yield* startChild("log-program.ts", { args: [...FLOOD, "wait"], stderr: writer.fd })
      writer.close()
      assertLively(yield* child.hear)
      // and once somebody does, it all comes, but for what was lost
      const reading = yield* Effect.forkScoped(readAll(reader.fd))
      yield* Effect.sleep(500)
      child.process.send({ end: true })
      assertComplete(yield* Fiber.join(reading), 20_000)
      yield* assertEndsWell(child)
    }))

  it.live("may be a socket that nobody reads", () =>
    Effect.gen(function*() {
      const child = yield* startChild("log-program.ts", { args: [...FLOOD, "wait"], stderr: "pipe" })
      assertLively(yield* child.hear)
      child.process.send({ end: true })
      yield* assertEndsWell(child)
    }))

  it.live("may be a pipe whose reader is gone", () =>
    Effect.gen(function*() {
      const { reader, writer } = yield* fifo
      const child = yield* startChild("log-program.ts", { args: [...FLOOD, "wait"], stderr: writer.fd })
      reader.close()
      assertLively(yield* child.hear)
      child.process.send({ end: true })
      yield* assertEndsWell(child)
    }))

  it.live("may be a file on a full disk", () =>
    Effect.gen(function*() {
      const { fd } = yield* opened("/dev/full", "w")
      const child = yield* startChild("log-program.ts", { args: [...FLOOD, "exit"], stderr: fd })
      assertLively(yield* child.hear)
      yield* assertEndsWell(child)
    }))

  it.live("may be a terminal that has been stopped", () =>
    Effect.gen(function*() {
      const report = join(yield* scratch, "report")
      const { reader, writer } = yield* fifo
      const program = fileURLToPath(new URL("support/log-program.ts", import.meta.url))
      const command = `'${process.execPath}' '${program}' ${FLOOD.join(" ")} exit '${report}'`
      // script(1) gives it a terminal, and waits with what it reads there until this test has read what came before
      const script = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const env = { ...process.env, NODE_OPTIONS: "", SHELL: "/bin/sh" }
          return spawn("script", ["-qfc", command, "/dev/null"], { env, stdio: ["ignore", writer.fd, "inherit"] })
        }),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      assert.isDefined(script.pid)
      while (!fs.existsSync(report) || fs.readFileSync(report, "utf8") === "") yield* Effect.sleep(20)
      assertLively(JSON.parse(fs.readFileSync(report, "utf8")))
      const line = (i: number) => `gripgate: ${i} ${"x".repeat(100)}\r\n`
      const shown = line(0) + line(1) + line(2)
      // script(1) hands on what the terminal got when it gets to it
      const text = yield* readSome(reader.fd, shown.length)
      assert.isTrue(text.startsWith(shown), "it was a terminal, and shows the log")
    }))

  it.live("has priorities where, and only where, it is the journal's", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const run = (env: Record<string, string>) =>
        Effect.gen(function*() {
          const file = yield* opened(join(dir, "log"), "w")
          const child = yield* startChild("log-program.ts", { args: ["2", "1", "exit"], stderr: file.fd, env })
          yield* assertEndsWell(child)
          return fs.readFileSync(join(dir, "log"), "latin1")
        })
      assert.strictEqual(yield* run({ AS_JOURNAL: "1" }), "<5>gripgate: 0 x\n<6>gripgate: 1 x\n")
      assert.strictEqual(yield* run({ JOURNAL_STREAM: "8:12345" }), "gripgate: 0 x\ngripgate: 1 x\n")
      assert.strictEqual(yield* run({}), "gripgate: 0 x\ngripgate: 1 x\n")
    }))
})
