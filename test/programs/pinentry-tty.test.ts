// A real pinentry on a real terminal: what the person sees and types, directly and through a gate that allows everything. The
// terminal is the client's own, a pseudo-terminal that socat makes.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, type RunResult } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Place, sameBothWays } from "../e2e/both-ways.ts"

const agentConf = ["disable-scdaemon", `pinentry-program ${needs("pinentry-tty")}`]
const socat = needs("socat")
const bob = fixtureKeys.protected.fingerprint

/** Runs a command on a terminal of its own and types one answer after another, each when its prompt has come. */
const onTerminal = (place: Place, command: string, answers: ReadonlyArray<readonly [RegExp, string]>) =>
  new Promise<{ readonly code: number | null; readonly screen: string }>((resolve, reject) => {
    const shell = join(place.client.path, "on-terminal")
    const start = async () => {
      await writeFile(shell, `#!/bin/sh\nGPG_TTY=$(tty); export GPG_TTY\n${command}\n`, { mode: 0o700 })
      const child = spawn(socat, ["-t", "0.1", "STDIO", `EXEC:${shell},pty,setsid,ctty,stderr`], {
        env: { ...place.client.env, TERM: "xterm" },
        cwd: place.client.path,
        detached: true,
        stdio: ["pipe", "pipe", "inherit"]
      })
      const timer = setTimeout(() => killGroup(child.pid), 20_000)
      const left = [...answers]
      let screen = ""
      let from = 0
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        screen += chunk
        const [prompt, answer] = left[0] ?? []
        const found = prompt?.exec(screen.slice(from))
        if (found === null || found === undefined) return
        from = screen.length
        left.shift()
        child.stdin.write(answer!)
      })
      child.on("error", reject)
      child.on("close", (code) => {
        clearTimeout(timer)
        resolve({ code, screen })
      })
    }
    start().catch(reject)
  })

/** The same as what `run` gives, with the screen for its output. */
const asResult = ({ code, screen }: { readonly code: number | null; readonly screen: string }): RunResult => ({
  code,
  signal: null,
  timedOut: false,
  stdout: Buffer.from(screen),
  stderr: ""
})
const shown = async (_: Place, { stdout }: RunResult) =>
  stdout.toString().replace(/\/dev\/pts\/\d+/g, "<terminal>").split(/\r?\n/)

const sign = `echo text | gpg -u ${bob} -o signature --sign`

describe("pinentry-tty is the same both ways", () => {
  sameBothWays([
    {
      name: "a passphrase that is typed, and not shown",
      keys: ["protected"],
      agentConf,
      command: async (place) => asResult(await onTerminal(place, sign, [[/Passphrase: ?$/, "abc\r"]])),
      exits: [],
      compare: async (place, result) => {
        assert.strictEqual(result.code, 0, result.stdout.toString())
        assert.include(result.stdout.toString(), "Bob <bob@example.org>")
        assert.notInclude(result.stdout.toString(), "abc")
        return shown(place, result)
      }
    },
    {
      name: "a wrong one first",
      keys: ["protected"],
      agentConf,
      command: async (place) =>
        asResult(await onTerminal(place, sign, [[/Passphrase: ?$/, "not it\r"], [/Passphrase: ?$/, "abc\r"]])),
      exits: [],
      compare: async (place, result) => {
        assert.strictEqual(result.code, 0, result.stdout.toString())
        assert.include(result.stdout.toString(), "(try 2 of 3)")
        return shown(place, result)
      }
    }
  ])
})
