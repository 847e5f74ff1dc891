// Redirect files, good and bad. What GnuPG makes of the same file is the second opinion.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname, join } from "node:path"
import { gpgconf } from "../../src/upstream/gpgconf.ts"
import { followRedirects, parseRedirect } from "../../src/upstream/redirect.ts"
import { homedir } from "../support/programs.ts"
import { scratch } from "../support/scratch.ts"

const parse = (text: string, env: Record<string, string> = {}) => parseRedirect(Buffer.from(text, "latin1"), env)

const start = "%Assuan%\nsocket="
const path107 = `/${"p".repeat(106)}`

describe("parseRedirect", () => {
  const good: ReadonlyArray<readonly [name: string, text: string, path: string]> = [
    ["a path", `${start}/run/S.gpg-agent\n`, "/run/S.gpg-agent"],
    ["blanks in a path", `${start}/run/a b \n`, "/run/a b "],
    ["further lines", `${start}/run/S\nmore=x\n\n`, "/run/S"],
    ["a variable", `${start}\${DIR}/S\n`, "/run/dir/S"],
    ["a variable in the middle, twice", `${start}/x\${N}y\${N}\n`, "/x1y1"],
    ["an unset variable", `${start}/x\${UNSET}y\n`, "/xy"],
    ["a variable without a name", `${start}/x\${}y\n`, "/xy"],
    ["what is no variable", `${start}/$x}$\n`, "/$x}$"],
    ["a variable's text is not looked at again", `${start}/\${ODD}\n`, "/${N}"],
    ["107 bytes", `${start}${path107}\n`, path107]
  ]
  const env = { DIR: "/run/dir", N: "1", ODD: "${N}" }
  for (const [name, text, path] of good) {
    it(`takes ${name}`, () => {
      assert.deepStrictEqual(parse(text, env), Result.succeed(path))
    })
  }

  const beginning = "it does not begin with the lines \"%Assuan%\" and \"socket=PATH\""
  const bad: ReadonlyArray<readonly [name: string, text: string, why: string]> = [
    ["an empty file", "", beginning],
    ["another file", "hello\n", beginning],
    ["a first line with CR", "%Assuan%\r\nsocket=/run/S\n", beginning],
    ["another case", "%assuan%\nsocket=/run/S\n", beginning],
    ["a blank before the path's name", "%Assuan%\n socket=/run/S\n", beginning],
    ["no LF at the end", `${start}/run/S`, "its last line does not end with a line feed"],
    ["no LF at the end of a further line", `${start}/run/S\nx`, "its last line does not end with a line feed"],
    ["no path", `${start}\n`, "expected an absolute path, found \"\""],
    ["a relative path", `${start}run/S\n`, "expected an absolute path, found \"run/S\""],
    ["a blank before the path", `${start} /run/S\n`, "expected an absolute path, found \" /run/S\""],
    ["a variable that is nothing", `${start}\${UNSET}\n`, "expected an absolute path, found \"\""],
    ["a CR after the path", `${start}/run/S\r\n`, "the path contains a carriage return or a NUL"],
    ["a NUL in the path", `${start}/run/S\0x\n`, "the path contains a carriage return or a NUL"],
    ["a variable without an end", `${start}/run/\${DIR\n`, "a \"${\" has no \"}\""],
    ["108 bytes", `${start}${path107}x\n`, "a socket's path has at most 107 bytes, this one has 108"],
    ["512 bytes", `${start}/run/S\n`.padEnd(511, "x") + "\n", "it has more than 511 bytes"],
    ["what is no text", `${start}/run/\xff\n`, "it is not UTF-8"]
  ]
  for (const [name, text, why] of bad) {
    it(`refuses ${name}`, () => {
      assert.deepStrictEqual(parse(text, { DIR: "/run/dir" }), Result.fail(why))
    })
  }

  it("takes a file of 511 bytes", () => {
    assert.deepStrictEqual(parse(`${start}/run/S\n`.padEnd(510, "x") + "\n"), Result.succeed("/run/S"))
  })
})

describe("followRedirects", () => {
  it.live("ends at whatever is no regular file", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const none = join(dir, "none")
      assert.deepStrictEqual(followRedirects(none, {}), Result.succeed(none))
      assert.deepStrictEqual(followRedirects(dir, {}), Result.succeed(dir))
      fs.symlinkSync("none", join(dir, "link"))
      assert.deepStrictEqual(followRedirects(join(dir, "link"), {}), Result.succeed(join(dir, "link")))
    }))

  it.live("names the file that is wrong, and follows no circle", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const [one, two] = [join(dir, "one"), join(dir, "two")]
      fs.writeFileSync(one, `${start}${two}\n`)
      fs.writeFileSync(two, "hello\n")
      const why = "it does not begin with the lines \"%Assuan%\" and \"socket=PATH\""
      const message = `${two} is neither a socket nor a redirect file that GnuPG follows: ${why}`
      assert.deepStrictEqual(followRedirects(one, {}), Result.fail(message))
      fs.writeFileSync(two, `${start}${one}\n`)
      const circle = `${one} leads to more than 2 redirect files, the last is ${one}`
      assert.deepStrictEqual(followRedirects(one, {}), Result.fail(circle))
    }))

  it.live("leads where GnuPG goes", () =>
    Effect.gen(function*() {
      const home = yield* homedir("h")
      const dir = yield* scratch
      const real = join(dir, "real")
      yield* agent(real)
      const output = yield* gpgconf(["--homedir", home, "--null", "--list-dirs", "agent-socket"])
      const socket = output.subarray(0, -1).toString()
      fs.mkdirSync(dirname(socket), { recursive: true })
      const at = (name: string) => join(dir, name)
      fs.writeFileSync(at("hop"), `${start}${real}\n`)
      fs.writeFileSync(at("hop2"), `${start}${at("hop")}\n`)
      fs.symlinkSync(real, at("link"))
      const env = { D: dir }
      const cases = {
        direct: `${start}${real}\n`,
        lines: `${start}${real}\nmore\n`,
        variable: `${start}\${D}/real\n`,
        unset: `${start}${real}\${UNSET_ANYWAY}\n`,
        link: `${start}${at("link")}\n`,
        oneMore: `${start}${at("hop")}\n`,
        twoMore: `${start}${at("hop2")}\n`,
        511: `${start}${real}\n`.padEnd(510, "x") + "\n",
        noLf: `${start}${real}`,
        cr: `${start}${real}\r\n`,
        crBefore: `%Assuan%\r\nsocket=${real}\n`,
        blank: `${start} ${real}\n`,
        empty: `${start}\n`,
        open: `${start}\${D/real\n`,
        nothing: ""
      }
      const reached: Array<string> = []
      for (const [name, text] of Object.entries(cases)) {
        fs.rmSync(socket, { force: true })
        fs.writeFileSync(socket, text)
        const ours = followRedirects(socket, env)
        const follows = Result.isSuccess(ours) && fs.realpathSync(ours.success) === real
        assert.strictEqual(follows, yield* reaches(home, env), name)
        if (follows) reached.push(name)
      }
      assert.sameMembers(reached, ["direct", "lines", "variable", "unset", "link", "oneMore", "511"])
      fs.rmSync(socket)
      fs.symlinkSync(real, socket)
      assert.deepStrictEqual(followRedirects(socket, env), Result.succeed(socket))
      assert.isTrue(yield* reaches(home, env))
    }))
})

/** Answers OK to everything, as far as gpg-connect-agent needs. */
const agent = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((socket) => {
        socket.on("error", () => {})
        socket.write("OK fake\n")
        socket.on("data", (chunk) => socket.write("OK\n".repeat(chunk.toString("latin1").split("\n").length - 1)))
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** Whether a client of GnuPG reaches an agent for this homedir. Its exit code is 0 either way, but only an agent says OK. */
const reaches = (home: string, env: Record<string, string>): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const args = ["--homedir", home, "--no-autostart", "NOP", "/bye"]
    const stdio = ["ignore", "pipe", "ignore"] as const
    const child = spawn("gpg-connect-agent", args, { env: { ...process.env, ...env }, stdio: [...stdio] })
    let text = ""
    child.stdout!.on("data", (chunk: Buffer) => text += chunk.toString())
    child.once("error", (error) => resume(Effect.die(error)))
    child.once("close", () => resume(Effect.succeed(text === "OK\n")))
  })
