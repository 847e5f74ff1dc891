// The real gpgconf and real agents in throw-away homedirs; a gpgconf of the test's own where one is to fail or to be counted.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { launch, LaunchError, locate, LocateError } from "../../src/upstream/locate.ts"
import { environment, fakeGpgconf, homedir } from "../support/programs.ts"
import { scratch } from "../support/scratch.ts"

/** What an agent at a socket answers to one command, its D line unescaped; fails where there is none. */
const ask = (socket: string, command: string): Effect.Effect<string, Error> =>
  Effect.callback<string, Error>((resume) => {
    let text = ""
    const client = net.connect(socket)
    client.on("error", (error) => resume(Effect.fail(error)))
    client.on("connect", () => client.write(`${command}\nBYE\n`))
    client.on("data", (chunk) => text += chunk.toString())
    client.on("end", () => resume(Effect.succeed(decodeURIComponent(/^D (.*)$/m.exec(text)?.[1] ?? text))))
  })

describe("locate", () => {
  for (const name of ["plain", "a b", "a%41b", "a,b", "it's \"quoted\" $HOME", "gr\u00fcn", "line\nfeed"]) {
    it.live(`finds the agent of a homedir called ${JSON.stringify(name)}`, () =>
      Effect.gen(function*() {
        const settings = { homedir: yield* homedir(name), socket: undefined }
        const { mayLaunch, socket } = yield* locate(settings)
        assert.isTrue(mayLaunch)
        assert.isFalse(fs.existsSync(socket))
        yield* launch(settings)
        assert.strictEqual(yield* ask(socket, "GETINFO socket_name"), socket)
      }))
  }

  it.live("finds the socket of a homedir with a colon in its name, at which gpg-agent refuses to listen", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* homedir("a:b%3ac"), socket: undefined }
      const { socket } = yield* locate(settings)
      // where there is a /run/user/UID the sockets are not in the homedir, and the agent is content
      if (!socket.startsWith(settings.homedir)) return yield* launch(settings)
      assert.strictEqual(socket, join(settings.homedir, "S.gpg-agent"))
      const error = yield* Effect.flip(launch(settings))
      assert.match(error.message, /^the agent cannot be started: gpgconf failed with exit code 1: /)
      assert.strictEqual(error.hint, `gpg-agent tells more: gpg-agent --homedir '${settings.homedir}' --daemon`)
    }))

  it.live("takes GnuPG's own homedir where none is named", () =>
    Effect.gen(function*() {
      const home = yield* homedir("own")
      yield* environment({ GNUPGHOME: home })
      const own = yield* locate({ homedir: undefined, socket: undefined })
      assert.deepStrictEqual(own, yield* locate({ homedir: home, socket: undefined }))
    }))

  it.live("follows a redirect file where the socket is expected", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* homedir("h"), socket: undefined }
      const { socket } = yield* locate(settings)
      const target = join(yield* scratch, "elsewhere")
      fs.writeFileSync(socket, `%Assuan%\nsocket=${target}\n`)
      assert.deepStrictEqual(yield* locate(settings), { socket: target, mayLaunch: true })
      // and the agent that is started listens there too
      yield* launch(settings)
      assert.match(yield* ask(target, "GETINFO pid"), /^\d+$/)
      fs.writeFileSync(socket, "nonsense\n")
      const error = yield* Effect.flip(locate(settings))
      assert.instanceOf(error, LocateError)
      assert.match(error.message, /S\.gpg-agent is neither a socket nor a redirect file that GnuPG follows: /)
      fs.writeFileSync(socket, `%Assuan%\nsocket=${target}\n`)
    }))

  it.live("takes the socket that is named, and will not start anything there", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const socket = join(dir, "agent")
      assert.deepStrictEqual(yield* locate({ homedir: undefined, socket }), { socket, mayLaunch: false })
      fs.writeFileSync(join(dir, "redirect"), `%Assuan%\nsocket=${socket}\n`)
      const redirected = yield* locate({ homedir: undefined, socket: join(dir, "redirect") })
      assert.deepStrictEqual(redirected, { socket, mayLaunch: false })
      const relative = yield* locate({ homedir: undefined, socket: "agent" })
      assert.strictEqual(relative.socket, join(process.cwd(), "agent"))
      const error = yield* Effect.flip(launch({ homedir: undefined, socket }))
      assert.instanceOf(error, LaunchError)
      assert.match(error.message, /was named with --upstream/)
    }))

  it.live("refuses a homedir that is not there, is no directory, or is too deep", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const problem = (homedir: string) => Effect.flip(locate({ homedir, socket: undefined }))
      const none = join(dir, "none")
      assert.strictEqual(
        (yield* problem(none)).message,
        `the homedir ${none} cannot be used: no such file or directory`
      )
      const file = join(dir, "file")
      fs.writeFileSync(file, "")
      assert.strictEqual((yield* problem(file)).message, `the homedir ${file} cannot be used: not a directory`)
      assert.match((yield* problem(join(file, "sub"))).message, /sub cannot be used: not a directory$/)
      const socket = join(dir, "s".repeat(107 - dir.length), "S.gpg-agent")
      const named = yield* Effect.flip(locate({ homedir: undefined, socket }))
      assert.strictEqual(
        named.message,
        `a socket's path has at most 107 bytes, the agent's has ${socket.length}: ${socket}`
      )
    }))

  it.live("does not take whatever gpgconf prints", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      for (const output of ["", "/no/end", "relative\\0", "\\0", "/\\377\\0"]) {
        yield* fakeGpgconf(`printf '${output}'`)
        const error = yield* Effect.flip(locate({ homedir: dir, socket: undefined }))
        assert.match(error.message, /^gpgconf does not name the agent's socket/, output)
      }
      yield* fakeGpgconf("exit 3")
      const failed = yield* Effect.flip(locate({ homedir: dir, socket: undefined }))
      assert.strictEqual(failed.message, "gpgconf failed with exit code 3")
    }))
})

describe("launch", () => {
  it.live("starts an agent, and finds that one runs", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* homedir("h"), socket: undefined }
      const { socket } = yield* locate(settings)
      yield* launch(settings)
      const pid = yield* ask(socket, "GETINFO pid")
      assert.match(pid, /^\d+$/)
      yield* launch(settings)
      assert.strictEqual(yield* ask(socket, "GETINFO pid"), pid)
    }))

  it.live("starts another one where the last was killed and left its socket", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* homedir("h"), socket: undefined }
      const { socket } = yield* locate(settings)
      yield* launch(settings)
      const pid = yield* ask(socket, "GETINFO pid")
      process.kill(Number(pid), "SIGKILL")
      while (Exit.isSuccess(yield* Effect.exit(ask(socket, "NOP")))) yield* Effect.sleep(5)
      yield* launch(settings)
      assert.notStrictEqual(yield* ask(socket, "GETINFO pid"), pid)
    }))

  it.live("is one start for all who ask at the same moment", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* scratch, socket: undefined }
      const { dir, runs } = yield* fakeGpgconf("printf '%s ' \"$@\" > \"$DIR/args\"; sleep 0.2")
      yield* Effect.all(Array.from({ length: 50 }, () => launch(settings)), { concurrency: "unbounded" })
      assert.strictEqual(runs(), 1)
      const args = fs.readFileSync(join(dir, "args"), "utf8")
      assert.strictEqual(args, `--homedir ${settings.homedir} --launch gpg-agent `)
      yield* launch(settings)
      assert.strictEqual(runs(), 2, "later it is another")
    }))

  it.effect("is one failure for all, and is not repeated for 2 s", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* scratch, socket: undefined }
      const { runs } = yield* fakeGpgconf("sleep 0.1; echo 'gpgconf: no agent' >&2; exit 2")
      const failing = Effect.map(Effect.flip(launch(settings)), (error) => error.message)
      const message = "the agent cannot be started: gpgconf failed with exit code 2: gpgconf: no agent"
      const all = yield* Effect.all(Array.from({ length: 50 }, () => failing), { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(all), new Set([message]))
      assert.strictEqual(runs(), 1)
      yield* TestClock.adjust(1_999)
      assert.strictEqual(yield* failing, message)
      assert.strictEqual(runs(), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* failing, message)
      assert.strictEqual(runs(), 2)
    }))

  it.live("keeps the hint of what is missing", () =>
    Effect.gen(function*() {
      yield* environment({ PATH: "/nonexistent", GNUPGHOME: yield* scratch })
      const error = yield* Effect.flip(launch({ homedir: undefined, socket: undefined }))
      assert.match(error.message, /^the agent cannot be started: gpgconf was not found/)
      assert.match(error.hint ?? "", /^install GnuPG/)
    }))

  it.live("goes on for the others when the one who began it has gone", () =>
    Effect.gen(function*() {
      const settings = { homedir: yield* scratch, socket: undefined }
      const { runs } = yield* fakeGpgconf("sleep 0.2")
      const first = yield* Effect.forkChild(launch(settings))
      while (runs() === 0) yield* Effect.sleep(5)
      const second = yield* Effect.forkChild(launch(settings))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      yield* Fiber.join(second)
      assert.strictEqual(runs(), 2)
    }))
})
