// The calls against the kernel, with what else knows them beside: flock(1), and a receiver of datagrams.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { native } from "../src/native.ts"
import { receiver } from "./support/receiver.ts"
import { scratch } from "./support/scratch.ts"

const opened = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openSync(path, "w+")),
    (fd) => Effect.sync(() => closeSync(fd))
  )

describe("native", () => {
  it("is there, where this is tested", () => {
    assert.isTrue(native.available)
  })

  it.live("locks a file so that other descriptors and flock(1) see it", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "lock")
      const others = (...options: ReadonlyArray<string>) => spawnSync("flock", [...options, "-n", path, "true"]).status
      const [one, two] = [yield* opened(path), yield* opened(path)]
      assert.isUndefined(native.flock(one, true, true))
      assert.strictEqual(native.flock(two, true, true), "EAGAIN")
      assert.strictEqual(native.flock(two, false, true), "EAGAIN")
      assert.strictEqual(others(), 1)
      // a shared one keeps only exclusive ones out
      assert.isUndefined(native.flock(one, false, true))
      assert.isUndefined(native.flock(two, false, true))
      assert.strictEqual(others("--shared"), 0)
      assert.strictEqual(others(), 1)
    }))

  it("names the error of a call that failed", () => {
    assert.strictEqual(native.flock(-1, true, true), "EBADF")
  })

  it.live("sends datagrams to a path and to an abstract name", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      for (const address of [join(dir, "notify"), `@gripgate-test-${process.pid}`]) {
        const { receive } = yield* receiver(address)
        assert.isUndefined(native.sendto(address, Buffer.from("READY=1\n")))
        assert.isUndefined(native.sendto(address, Buffer.from([0, 255])))
        assert.deepStrictEqual(receive(), Buffer.from("READY=1\n"))
        assert.deepStrictEqual(receive(), Buffer.from([0, 255]))
        assert.isUndefined(receive())
      }
    }))

  it.live("says why a datagram did not arrive", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const message = Buffer.from("x")
      assert.strictEqual(native.sendto(join(dir, "none"), message), "ENOENT")
      assert.strictEqual(native.sendto("@gripgate-nobody", message), "ECONNREFUSED")
      assert.strictEqual(native.sendto(`/${"x".repeat(107)}`, message), "ENAMETOOLONG")
      const address = join(dir, "full")
      yield* receiver(address)
      let error: string | undefined
      for (let i = 0; i < 100_000 && error === undefined; i++) error = native.sendto(address, message)
      assert.strictEqual(error, "EAGAIN")
    }))
})

/** Runs a script in a process of its own, with `native` in it; descriptor 47 is this file: Node closes low ones by itself. */
const apart = (script: string, ...args: ReadonlyArray<string>): string => {
  const code = `import { native } from ${JSON.stringify(new URL("../src/native.ts", import.meta.url).href)}\n${script}`
  const node = [process.execPath, "--input-type=module-typescript", "-e", code, ...args]
  const through = ["-c", "exec 47< \"$0\"; exec \"$@\"", import.meta.filename]
  const { stderr, stdout } = spawnSync("bash", [...through, ...node])
  assert.strictEqual(stderr.toString(), "")
  return stdout.toString()
}

describe("native, for good", () => {
  it.live("keeps a process and its children from abstract sockets of others, or says why it cannot", () =>
    Effect.gen(function*() {
      const name = `gripgate-scope-${process.pid}`
      yield* Effect.acquireRelease(
        Effect.promise(() =>
          new Promise<Server>((done) => {
            const server = createServer((socket) => socket.on("error", () => {})).listen(
              `\0${name}`,
              () => done(server)
            )
          })
        ),
        (server) => Effect.sync(() => server.close())
      )
      // what is started connects, and not this process itself
      const connect =
        "const s = require('net').connect('\\0' + process.argv[1], () => { console.log('connected'); s.destroy() });"
        + "s.on('error', (error) => console.log(error.code))"
      const script = (call: string) =>
        `import { spawnSync } from "node:child_process"
        const [, connect, name] = process.argv
        console.log(String(${call}))
        process.stdout.write(spawnSync(process.execPath, ["-e", connect, name]).stdout)`
      // the kernel takes a connection before the server looks at it
      assert.strictEqual(apart(script("undefined"), connect, name), "undefined\nconnected\n")
      assert.match(apart(script("native.scope()"), connect, name), /^(?:undefined\nEPERM|Landlock.*\nconnected)\n$/)
    }))

  it("has a child inherit no descriptor that it is not given", () => {
    const script = (call: string) =>
      `import { spawnSync } from "node:child_process"
      ${call}
      process.stdout.write(spawnSync("readlink", ["/proc/self/fd/47"]).stdout)`
    assert.strictEqual(apart(script("")), `${import.meta.filename}\n`)
    assert.notInclude(apart(script("native.closeOnExec(3)")), import.meta.filename)
  })
})
