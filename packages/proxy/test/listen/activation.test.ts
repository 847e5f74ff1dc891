// Descriptors as systemd hands them over, to a process of its own: they begin at 3, and LISTEN_PID is that process.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, type StdioOptions } from "node:child_process"
import * as dgram from "node:dgram"
import { closeSync, openSync } from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { takePassed } from "../../src/listen/activation.ts"
import { scratch } from "../support/scratch.ts"

const program = fileURLToPath(new URL("../support/activation-program.ts", import.meta.url))

interface Seen {
  readonly passed?: ReadonlyArray<{ readonly fd: number; readonly name?: string; readonly path: string }>
  readonly error?: string
  /** Sockets and variables that a child of the process has. */
  readonly left: ReadonlyArray<string>
}

/** The process becomes what LISTEN_PID says: only the shell before it knows its number. */
const start = (fds: ReadonlyArray<number>, variables: Readonly<Record<string, string>>): Effect.Effect<Seen> =>
  Effect.callback<Seen>((resume) => {
    const stdio: StdioOptions = ["ignore", "pipe", "inherit", ...fds]
    const argv = ["-c", "export LISTEN_PID=${LISTEN_PID:-$$} && exec \"$@\"", "sh", process.execPath, program]
    const child = spawn("sh", argv, { stdio, env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...variables } })
    let text = ""
    child.stdout!.on("data", (chunk) => text += String(chunk))
    child.once("close", () => resume(Effect.succeed(JSON.parse(text) as Seen)))
  })

const fdOf = (server: net.Server): number => (server as unknown as { _handle: { fd: number } })._handle.fd

const server = (listen: (server: net.Server, ready: () => void) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<net.Server>((resume) => {
        const made = net.createServer()
        listen(made, () => resume(Effect.succeed(made)))
      }),
      (made) => Effect.sync(() => made.close())
    ),
    fdOf
  )

const at = (path: string) => server((made, ready) => made.listen(path, ready))

describe("takePassed", () => {
  it.live("gives each socket with its name and the path that it was bound to, and leaves nothing to children", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const paths = [join(dir, "a"), join(dir, "b and c")]
      const fds = [yield* at(paths[0]!), yield* at(paths[1]!)]
      assert.deepStrictEqual(yield* start(fds, { LISTEN_FDS: "2", LISTEN_FDNAMES: "mail:x.socket" }), {
        passed: [{ fd: 3, name: "mail", path: paths[0]! }, { fd: 4, name: "x.socket", path: paths[1]! }],
        left: []
      })
    }))

  it.live("needs no names", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "a")
      const seen = yield* start([yield* at(path)], { LISTEN_FDS: "1" })
      assert.deepStrictEqual(seen.passed, [{ fd: 3, path }])
    }))

  it.live("takes nothing that was meant for another process, and leaves its variables to nobody", () =>
    Effect.gen(function*() {
      const fd = yield* at(join(yield* scratch, "a"))
      const seen = yield* start([fd], { LISTEN_FDS: "1", LISTEN_FDNAMES: "mail", LISTEN_PID: "1" })
      assert.deepStrictEqual(seen, { passed: [], left: [] })
    }))

  it.live("refuses what is no listening Unix socket with a path, and says why", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const file = yield* Effect.acquireRelease(
        Effect.sync(() => openSync(process.execPath, "r")),
        (fd) => Effect.sync(() => closeSync(fd))
      )
      const tcp = yield* server((made, ready) => made.listen(0, "127.0.0.1", ready))
      const abstract = yield* at("\0gripgate-test-" + dir)
      const [, connected] = yield* Effect.acquireRelease(
        Effect.callback<readonly [net.Server, net.Socket]>((resume) => {
          const made = net.createServer().listen(join(dir, "s"), () => {
            const socket = net.connect(join(dir, "s"), () => resume(Effect.succeed([made, socket])))
          })
        }),
        ([made, socket]) =>
          Effect.sync(() => {
            socket.destroy()
            made.close()
          })
      )
      const udp = yield* Effect.acquireRelease(
        Effect.callback<dgram.Socket>((resume) => {
          const made = dgram.createSocket("udp4").bind(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.close())
      )
      const handleOf = (of: unknown): number => (of as { _handle: { fd: number } })._handle.fd
      const udpFd = (udp as unknown as Record<symbol, { handle: { fd: number } }>)[
        Object.getOwnPropertySymbols(udp).find(({ description }) => description === "state symbol")!
      ]!.handle.fd
      const cases: ReadonlyArray<readonly [number, RegExp]> = [
        [file, /^the descriptor 3 \("mail"\) cannot be listened with: it is no socket$/],
        [tcp, /it is no Unix socket$/],
        [udpFd, /it is no Unix socket$/],
        [handleOf(connected), /it does not listen: a unit with Accept=yes/],
        [abstract, /has no absolute path in UTF-8/]
      ]
      for (const [fd, expected] of cases) {
        const { error, left } = yield* start([fd], { LISTEN_FDS: "1", LISTEN_FDNAMES: "mail" })
        assert.match(error ?? "", expected)
        assert.deepStrictEqual(left, [])
      }
      const missing = yield* start([], { LISTEN_FDS: "1", LISTEN_FDNAMES: "mail" })
      assert.match(missing.error ?? "", /the descriptor 3 \("mail"\) cannot be listened with/)
    }))

  it("refuses variables that contradict each other, and unsets them all the same", () => {
    const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, RegExp]> = [
      [{ LISTEN_FDS: "two" }, /^LISTEN_FDS is no number of descriptors up to 4096: "two"$/],
      [{ LISTEN_FDS: "-1" }, /LISTEN_FDS is no number/],
      [{ LISTEN_FDS: "99999" }, /LISTEN_FDS is no number/],
      [{ LISTEN_FDS: "2", LISTEN_FDNAMES: "one" }, /^LISTEN_FDNAMES has 1 names for 2 descriptors: "one"$/]
    ]
    for (const [variables, expected] of cases) {
      const env: Record<string, string | undefined> = { LISTEN_PID: "7", ...variables, HOME: "/h" }
      const { message } = Effect.runSync(Effect.flip(takePassed(env, 7)))
      assert.match(message, expected)
      assert.deepStrictEqual(Object.keys(env), ["HOME"])
    }
    assert.deepStrictEqual(Effect.runSync(takePassed({ LISTEN_PID: "7", LISTEN_FDS: "0", LISTEN_FDNAMES: "" }, 7)), [])
    assert.deepStrictEqual(Effect.runSync(takePassed({}, 7)), [])
  })
})
