// `gripgate connect` as a process, from the bundle and from source, with a socket of the test's in the gate's place.
import { assert, describe, it } from "@effect/vitest"
import { version } from "gripgate/version"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { chmodSync, readFileSync } from "node:fs"
import net from "node:net"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { environment, MAIN, makeFolder } from "../support/cli.ts"

const BUNDLE = fileURLToPath(new URL("../../bin/gripgate.mjs", import.meta.url))

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** Somebody in the gate's place: `serve` has each connection, after its descriptor. */
const listening = async (
  serve: (socket: net.Socket) => void
): Promise<AsyncDisposable & { readonly path: string; readonly first: () => string }> => {
  const path = join(makeFolder(), "connect")
  let first = ""
  const open = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket.on("error", () => {}))
    const take = (chunk: Buffer): void => {
      const text = chunk.toString("latin1")
      const at = text.indexOf("\n") + 1
      first += at === 0 ? text : text.slice(0, at)
      if (at === 0) return
      socket.off("data", take).pause()
      if (at < chunk.length) socket.unshift(chunk.subarray(at))
      serve(socket)
      socket.resume()
    }
    socket.on("data", take)
  })
  server.listen(path)
  await once(server, "listening")
  return {
    path,
    first: () => first,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, "close")
    }
  }
}

const connect = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}, program = BUNDLE): Child =>
  spawn(process.execPath, [program, "connect", ...args], {
    env: { ...environment(makeFolder()), ...env },
    stdio: ["pipe", "pipe", "pipe"]
  })

const ended = async (child: Child) => {
  let [stdout, stderr] = ["", ""]
  child.stdout.setEncoding("latin1").on("data", (text: string) => stdout += text)
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text)
  child.stdin.on("error", () => {})
  const [code] = await once(child, "close")
  return { code, stdout, stderr }
}

describe("gripgate connect", () => {
  for (const [name, program] of [["bundle", BUNDLE], ["source", MAIN]] as const) {
    it(`says whom it brings, copies both ways, and passes the end of its input on: ${name}`, async () => {
      await using gate = await listening((socket) => {
        let heard = ""
        socket.on("data", (chunk) => heard += chunk).on("end", () => socket.end(`OK ${heard}`))
        socket.write("OK hello\n")
      })
      const env = { SSH_CONNECTION: "192.0.2.7 1 192.0.2.1 22", SSH_ORIGINAL_COMMAND: "gripgate connect release" }
      const child = connect(["build", "--socket", gate.path], env, program)
      child.stdin.end("{\"v\":1,\"app\":\"release\",\"via\":\"connect\"}\nBYE\n")
      assert.deepStrictEqual(await ended(child), {
        code: 0,
        stdout: "OK hello\nOK {\"v\":1,\"app\":\"release\",\"via\":\"connect\"}\nBYE\n",
        stderr: ""
      })
      assert.strictEqual(gate.first(), "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\",\"remote\":\"192.0.2.7\"}\n")
    })
  }

  it("copies 32 MiB each way at once, whoever is slow, and holds none of it", async () => {
    const chunk = Buffer.alloc(65_536, 7)
    const all = 512
    const digest = createHash("sha256")
    await using gate = await listening((socket) => {
      let left = all
      const write = (): void => {
        while (left > 0) if (left--, !socket.write(chunk)) return void socket.once("drain", write)
        socket.end()
      }
      write()
      socket.on("data", (data: Buffer) => digest.update(data))
    })
    const child = connect(["build", "--socket", gate.path])
    child.stdout.pause()
    const feeding = (async () => {
      for (let i = 0; i < all; i++) if (!child.stdin.write(chunk)) await once(child.stdin, "drain")
      child.stdin.end()
    })()
    // nobody reads what comes back yet: what is sent still gets through, as the two ways do not wait for each other
    await feeding
    await sleep(200)
    const memory = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024
    assert.isBelow(memory, 120)
    const back = createHash("sha256")
    for await (const data of child.stdout) back.update(data as Buffer)
    const expected = createHash("sha256")
    for (let i = 0; i < all; i++) expected.update(chunk)
    const whole = expected.digest("hex")
    assert.deepStrictEqual([digest.digest("hex"), back.digest("hex")], [whole, whole])
  })

  it("ends with what the gate has said when the gate ends, although its input goes on", async () => {
    await using gate = await listening((socket) => socket.end("OK closing connection\n"))
    const child = connect(["build", "--socket", gate.path])
    assert.deepStrictEqual(await ended(child), { code: 0, stdout: "OK closing connection\n", stderr: "" })
  })

  it("ends when the gate is killed, whatever is under way", async () => {
    await using gate = await listening((socket) => socket.destroy())
    const child = connect(["build", "--socket", gate.path])
    const timer = setInterval(() => child.stdin.write("NOP\n"), 20)
    const { code, stdout } = await ended(child)
    clearInterval(timer)
    // by what was under way it is an end, or an error that is told
    assert.include([0, 69], code)
    assert.strictEqual(stdout, "")
  })

  it("ends when nobody reads what it says any more", async () => {
    await using gate = await listening((socket) => {
      const timer = setInterval(() => socket.write("S PROGRESS\n"), 5)
      socket.once("close", () => clearInterval(timer))
    })
    const child = connect(["build", "--socket", gate.path])
    child.stdout.destroy()
    child.stderr.resume()
    const [code] = await once(child, "close")
    assert.strictEqual(code, 0)
  })

  it("says that no gate is there, and that it is another user's, without a word on stdout", async () => {
    const none = join(makeFolder(), "connect")
    const hint =
      "gripgate: hint: start one with `gripgate serve`, or name its socket with --socket: `gripgate status` lists it\n"
    assert.deepStrictEqual(await ended(connect(["build", "--socket", none])), {
      code: 69,
      stdout: "",
      stderr: `gripgate: error: no gate takes clients at "${none}" (ENOENT)\n${hint}`
    })
    const child = connect(["build"])
    const { code, stderr } = await ended(child)
    assert.strictEqual(code, 69)
    assert.match(stderr, /no gate takes clients at ".*\/\.local\/state\/gripgate\/run\/connect" \(ENOENT\)/)
    if (process.getuid?.() === 0) return
    await using gate = await listening(() => {})
    chmodSync(gate.path, 0)
    assert.strictEqual((await ended(connect(["build", "--socket", gate.path]))).code, 77)
  })

  it("has the words of every other verb where its command line is not plain", async () => {
    for (
      const [args, code, text] of [
        [[], 64, "gripgate: error: APP is missing\n"],
        [["Build"], 64, "gripgate: error: \"Build\" is no name for an app\n"],
        [["build", "more"], 64, "gripgate: error: too many arguments: \"more\"\n"],
        [["build", "--sokcet", "x"], 64, "gripgate: hint: did you mean --socket?\n"],
        [["build", "--socket", ""], 64, "gripgate: error: --socket needs a value\n"],
        [["--help"], 0, "usage: gripgate connect APP [flags]\n"],
        [["--version"], 0, `gripgate ${version}\n`]
      ] as const
    ) {
      const child = connect(args)
      child.stdin.end()
      const end = await ended(child)
      assert.strictEqual(end.code, code, args.join(" "))
      assert.include(code === 0 ? end.stdout : end.stderr, text)
    }
  })

  it("is a bundle of its own, without Effect and whatever else", () => {
    const text = readFileSync(fileURLToPath(new URL("../../dist/connect.mjs", import.meta.url)), "utf8")
    assert.isBelow(text.length, 16_384)
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name]) => name)
    assert.sameMembers(imports, ["node:net", "node:path"])
  })
})
