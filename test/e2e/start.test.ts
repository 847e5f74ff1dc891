// How a gate that cannot serve ends, and what it says: the command as a user starts it.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, openSync } from "node:fs"
import { readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { agentConf, assertSigns, gateOf } from "./set-up.ts"

const program = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

const argvOf = (home: Homedir, args: ReadonlyArray<string>) => [
  process.execPath,
  program,
  "serve",
  "--homedir",
  home.path,
  ...args.includes("--listen") ? [] : ["--listen", join(home.path, "gate.sock")],
  ...args.includes("--state") ? [] : ["--state", join(home.path, "state")],
  ...args.includes("--control") ? [] : ["--control", join(home.path, "control")],
  ...args
]

/** Starts a gate that is expected to end by itself. */
const serve = (home: Homedir, ...args: ReadonlyArray<string>) => home.run(argvOf(home, args), { timeoutMs: 10_000 })

/** Asserts how it ended, and that it complained in its own form and in no other. */
const assertEnds = (
  result: { readonly code: number | null; readonly stderr: string },
  code: number,
  ...says: ReadonlyArray<RegExp>
): void => {
  assert.strictEqual(result.code, code, result.stderr)
  for (const pattern of says) assert.match(result.stderr, pattern)
  for (const line of result.stderr.trimEnd().split("\n")) assert.match(line, /^gripgate: (?:error|hint): \S/)
}

describe("a policy that cannot be used: exit code 78", () => {
  it("with every mistake, its line and column", async () => {
    await using home = await makeHomedir({ agentConf })
    const file = join(home.path, "policy.toml")
    await writeFile(file, "default = \"allow\"\n\n[operations]\nsing = \"forbid\"\nexport = \"never\"\n")
    const result = await serve(home, "--policy", file)
    assertEnds(
      result,
      78,
      new RegExp(`^gripgate: error: ${file}:4:1: .*sing`, "m"),
      /^gripgate: hint: .*sign/m,
      new RegExp(`^gripgate: error: ${file}:5:10: `, "m")
    )
  })

  it("where it is no TOML", async () => {
    await using home = await makeHomedir({ agentConf })
    const file = join(home.path, "policy.toml")
    await writeFile(file, "default = \"allow\"\n[operations]\nsign = forbid\n")
    assertEnds(
      await serve(home, "--policy", file),
      78,
      new RegExp(`^gripgate: error: ${file}:3:8: `, "m"),
      /^gripgate: hint: .*"forbid"$/m
    )
  })

  it("where it is not there, is a directory, or may not be read", async () => {
    await using home = await makeHomedir({ agentConf })
    const file = join(home.path, "policy.toml")
    assertEnds(
      await serve(home, "--policy", file),
      78,
      /policy\.toml: the policy cannot be read: no such file or directory$/m
    )
    assertEnds(await serve(home, "--policy", home.path), 78, /expected a policy file, found a directory$/m)
    // a loop of links cannot be read by root either
    await symlink(file, file)
    assertEnds(
      await serve(home, "--policy", file),
      78,
      /the policy cannot be read: too many symbolic links encountered$/m
    )
  })
})

describe("a place that cannot be listened at: exit code 1", () => {
  it("where another gate listens, which goes on", async () => {
    await using stack = new AsyncDisposableStack()
    const home = stack.use(await makeHomedir({ agentConf }))
    await importKey(home, "plain")
    const gate = stack.use(await gateOf(home))
    const other = ["--state", join(home.path, "other"), "--control", join(home.path, "other-control")]
    const result = await serve(home, ...other)
    assertEnds(result, 1, new RegExp(`^gripgate: error: .*${gate.socket}.*\\(pid ${gate.pid}\\)`, "m"))
    const client = stack.use(await makeClientHome({ owner: home, socket: gate.socket }))
    await assertSigns(client)
  })

  it("where another gate has the state directory", async () => {
    await using stack = new AsyncDisposableStack()
    const home = stack.use(await makeHomedir({ agentConf }))
    const gate = stack.use(await gateOf(home))
    const other = ["--listen", join(home.path, "other.sock"), "--control", join(home.path, "other-control")]
    assertEnds(
      await serve(home, ...other),
      1,
      new RegExp(
        `^gripgate: error: another gate \\(pid ${gate.pid}\\) uses the state directory ${home.path}/state$`,
        "m"
      ),
      /^gripgate: hint: .*--state DIR$/m
    )
  })

  it("where somebody else listens, and where a file lies", async () => {
    await using home = await makeHomedir({ agentConf })
    await home.launchAgent()
    const elsewhere = ["--upstream", join(home.path, "nobody")]
    const taken = await serve(home, ...elsewhere, "--listen", await home.agentSocket())
    assertEnds(taken, 1, /listens at .*S\.gpg-agent already/)
    assert.isDefined(await home.agentPid(), "the agent has kept its socket")
    const file = join(home.path, "gpg.conf")
    const before = await readFile(file)
    assertEnds(await serve(home, "--listen", file), 1, /gpg\.conf.*(?:socket|file)/)
    assert.deepEqual(await readFile(file), before)
  })

  it("where the path is too long for a socket", async () => {
    await using home = await makeHomedir({ agentConf })
    const path = join(home.path, "x".repeat(110 - home.path.length - 1))
    assert.strictEqual(path.length, 110)
    assertEnds(await serve(home, "--listen", path), 1, /at most 107 bytes.*110/)
  })

  it("where there is no homedir: exit code 69", async () => {
    await using home = await makeHomedir({ agentConf })
    const result = await home.run([
      process.execPath,
      program,
      "serve",
      "--homedir",
      join(home.path, "missing"),
      "--listen",
      join(home.path, "gate.sock")
    ])
    assertEnds(result, 69, /^gripgate: error: the homedir \/.*missing /m, /^gripgate: hint: .*--homedir DIR$/m)
  })
})

describe("a gate whose log cannot be written goes on serving", () => {
  /** A gate whose stderr is the test's own choice; it ends with the test in any case. */
  const start = async (home: Homedir, stderr: number | "pipe") => {
    const [file, ...args] = argvOf(home, ["--default", "allow"])
    const child = spawn(file!, args, { env: home.env, stdio: ["ignore", "ignore", stderr] })
    const exited = once(child, "exit")
    return {
      child,
      serves: async () => {
        for (let tries = 0; tries < 500; tries++) {
          const client = await connectRaw(join(home.path, "gate.sock")).catch(() => undefined)
          if (client !== undefined) return client.close()
          await sleep(20)
        }
        throw new Error("the gate does not listen")
      },
      stops: async () => {
        child.kill("SIGTERM")
        assert.deepEqual(await exited, [0, null])
      },
      [Symbol.asyncDispose]: async () => {
        child.kill("SIGKILL")
        await exited
      }
    }
  }

  it("because the disk is full", async () => {
    await using home = await makeHomedir({ agentConf })
    await importKey(home, "plain")
    const full = openSync("/dev/full", constants.O_WRONLY)
    await using gate = await start(home, full)
    closeSync(full)
    await gate.serves()
    await using client = await makeClientHome({ owner: home, socket: join(home.path, "gate.sock") })
    for (let i = 0; i < 3; i++) await assertSigns(client)
    await gate.stops()
  })

  it("because nobody reads it any more", async () => {
    await using home = await makeHomedir({ agentConf })
    await importKey(home, "plain")
    await using gate = await start(home, "pipe")
    await gate.serves()
    gate.child.stderr!.destroy()
    await using client = await makeClientHome({ owner: home, socket: join(home.path, "gate.sock") })
    for (let i = 0; i < 3; i++) await assertSigns(client)
    await gate.stops()
  })
})
