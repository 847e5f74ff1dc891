// Real files and the real watcher of the system: what an editor, a link or a full disk does to a policy cannot be imitated.
// Each test waits for what is to happen, with a limit, and never for time to pass. Files are written in one turn of the event
// loop, so that how fast the disk is makes no difference.
import { assert, describe, it } from "@effect/vitest"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { LogService, type Priority } from "../src/log.ts"
import { loadPolicy, PolicyProblems, watchPolicy } from "../src/policy-file.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "gp-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const put = (file: string, text: string | Buffer): void => writeFileSync(file, text)
const replace = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

describe("loadPolicy", () => {
  const problemsOf = (file: string) =>
    Effect.map(Effect.flip(loadPolicy({ kind: "file", file })), (error) => {
      assert.instanceOf(error, PolicyProblems)
      return error.message
    })

  it.live("reads a file", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "policy.toml")
      put(file, "default = \"ask\"\n")
      const policy = yield* loadPolicy({ kind: "file", file })
      assert.strictEqual(policy.default.verdict, "ask")
      assert.strictEqual(policy.file, file)
    }))

  it.live("makes the built-in policy of a verdict", () =>
    Effect.gen(function*() {
      const policy = yield* loadPolicy({ kind: "default", verdict: "forbid" })
      assert.strictEqual(policy.default.verdict, "forbid")
      assert.isUndefined(policy.file)
    }))

  it.live("says that a file is not there, is a directory, is a FIFO", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const fifo = join(path, "fifo")
      execFileSync("mkfifo", [fifo])
      const missing = join(path, "missing.toml")
      assert.strictEqual(yield* problemsOf(missing), `${missing}: the policy cannot be read: no such file or directory`)
      assert.strictEqual(yield* problemsOf(path), `${path}: expected a policy file, found a directory`)
      assert.strictEqual(
        yield* problemsOf(fifo),
        `${fifo}: expected a policy file, found something that is no regular file`
      )
    }))

  it.live("takes a file of 1 MiB and refuses one byte more", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "policy.toml")
      put(file, `#${" ".repeat(1024 * 1024 - 1)}`)
      yield* loadPolicy({ kind: "file", file })
      put(file, `#${" ".repeat(1024 * 1024)}`)
      assert.strictEqual(yield* problemsOf(file), `${file}: the policy is larger than 1 MiB (1048576 bytes)`)
    }))

  it.live("names the line that is not UTF-8", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "policy.toml")
      put(file, Buffer.from("# gr\u00fcn\n# gr\u00fcn\n", "latin1"))
      assert.strictEqual(yield* problemsOf(file), `${file}:1:1: this line is not UTF-8`)
    }))

  it.live("tells all that is wrong, each with its place", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "policy.toml")
      put(file, "default = \"alow\"\n[operations]\nsing = \"ask\"\n")
      const places = (yield* problemsOf(file)).split("\n").map((line) => line.slice(0, file.length + 5))
      assert.deepStrictEqual(places, [`${file}:1:11`, `${file}:3:1:`])
    }))
})

describe("watchPolicy", () => {
  /** A watched file that says `ask`; what it becomes and what the log says arrive in queues. */
  const watched = Effect.fnUntraced(function*(options: { readonly behindLink?: boolean } = {}) {
    const path = yield* folder
    const target = join(path, options.behindLink === true ? "there" : ".", "policy.toml")
    const file = join(path, "policy.toml")
    if (options.behindLink === true) {
      mkdirSync(join(path, "there"))
      symlinkSync(target, file)
    }
    put(target, "default = \"ask\"\n")
    const changes = yield* Queue.unbounded<Policy>()
    const lines = yield* Queue.unbounded<readonly [Priority, string]>()
    const log = Layer.succeed(LogService, {
      level: 6 as const,
      write: (priority: Priority, message: string) => void Queue.offerUnsafe(lines, [priority, message])
    })
    const watching = watchPolicy({ kind: "file", file }, (policy) => Effect.asVoid(Queue.offer(changes, policy)))
    const { reload } = yield* Effect.provide(watching, log)
    const within = <A>(effect: Effect.Effect<A>) => Effect.orDie(Effect.timeout(effect, "10 seconds"))
    const change = within(Effect.map(Queue.take(changes), (policy) => policy.default.verdict))
    assert.strictEqual(yield* change, "ask", "at the start it says what the file says")
    return { path, file, target, reload, change, line: within(Queue.take(lines)), changes, lines }
  })

  it.live("notices a file that is renamed over it, again and again", () =>
    Effect.gen(function*() {
      const { change, file, line } = yield* watched()
      replace(file, "default = \"forbid\"\n")
      assert.strictEqual(yield* change, "forbid")
      assert.deepStrictEqual(yield* line, [5, `the policy has been read again: ${file}`])
      replace(file, "default = \"allow\"\n")
      assert.strictEqual(yield* change, "allow")
    }))

  it.live("notices a file that is written in place", () =>
    Effect.gen(function*() {
      const { change, file } = yield* watched()
      put(file, "default = \"forbid\"\n")
      assert.strictEqual(yield* change, "forbid")
    }))

  it.live("keeps the policy when the file is broken, says so, and takes the mended one", () =>
    Effect.gen(function*() {
      const { change, changes, file, line } = yield* watched()
      put(file, "default = \"alow\"\n[oprations]\n")
      assert.deepStrictEqual(yield* line, [3, `the policy is not read again, the one before stays in force: ${file}`])
      const [priority, first] = yield* line
      assert.strictEqual(priority, 3)
      assert.include(first, `${file}:1:11: expected "allow", "ask" or "forbid", got "alow"`)
      assert.include(first, "did you mean \"allow\"?")
      assert.include((yield* line)[1], `${file}:2:2: `)
      assert.strictEqual(yield* Queue.size(changes), 0)
      put(file, "default = \"allow\"\n")
      assert.strictEqual(yield* change, "allow")
    }))

  it.live("keeps the policy when the file is deleted, and takes the one that comes back", () =>
    Effect.gen(function*() {
      const { change, changes, file, line } = yield* watched()
      unlinkSync(file)
      assert.strictEqual((yield* line)[0], 3)
      assert.deepStrictEqual(yield* line, [3, `${file}: the policy cannot be read: no such file or directory`])
      assert.strictEqual(yield* Queue.size(changes), 0)
      put(file, "default = \"forbid\"\n")
      assert.strictEqual(yield* change, "forbid")
    }))

  it.live("keeps the policy when the file is emptied: a full disk must not allow everything", () =>
    Effect.gen(function*() {
      const { change, changes, file, line } = yield* watched()
      put(file, "")
      assert.strictEqual((yield* line)[0], 3)
      assert.include((yield* line)[1], `${file}: the file is empty now`)
      assert.strictEqual(yield* Queue.size(changes), 0)
      put(file, "default = \"allow\"\n")
      assert.strictEqual(yield* change, "allow")
    }))

  it.live("notices a change of the file that a link leads to, and of the link", () =>
    Effect.gen(function*() {
      const { change, file, path, target } = yield* watched({ behindLink: true })
      replace(target, "default = \"forbid\"\n")
      assert.strictEqual(yield* change, "forbid")
      put(join(path, "other.toml"), "default = \"allow\"\n")
      symlinkSync(join(path, "other.toml"), `${file}.new`)
      renameSync(`${file}.new`, file)
      assert.strictEqual(yield* change, "allow")
    }))

  it.live("reads again when asked to, changed or not, and after its folder was made anew", () =>
    Effect.gen(function*() {
      const { change, file, line, path, reload } = yield* watched()
      yield* reload
      assert.strictEqual(yield* change, "ask")
      assert.deepStrictEqual(yield* line, [5, `the policy has been read again: ${file}`])
      renameSync(path, `${path}.old`)
      mkdirSync(path)
      put(file, "default = \"allow\"\n")
      yield* reload
      assert.strictEqual(yield* change, "allow")
      rmSync(`${path}.old`, { recursive: true })
      put(file, "default = \"forbid\"\n")
      assert.strictEqual(yield* change, "forbid")
    }))

  it.live("reads once for what changes at once", () =>
    Effect.gen(function*() {
      const { change, changes, file } = yield* watched()
      for (const verdict of ["allow", "ask", "allow", "forbid"]) replace(file, `default = "${verdict}"\n`)
      assert.strictEqual(yield* change, "forbid")
      assert.strictEqual(yield* Queue.size(changes), 0)
    }))

  it.live("has nothing to read again where the policy is built in, and says so", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const log = Layer.succeed(LogService, {
        level: 6 as const,
        write: (_: Priority, line: string) => void said.push(line)
      })
      const { reload } = yield* Effect.provide(
        watchPolicy({ kind: "default", verdict: "ask" }, () => Effect.die("changed")),
        log
      )
      yield* reload
      assert.deepStrictEqual(said, ["nothing to read again: the policy is built in, default = \"ask\""])
    }))
})
