// A gate that runs on a terminal: its questions are answered where it was started.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { commandLine } from "../support/command-line.ts"
import { startTmux } from "./tmux.ts"

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

const policy = `default = "ask"
[apps.git]
socket = "SOCKET"
keys = ["*"]
[approve]
approvers = ["terminal"]
timeout = "20s"
`

/** An owner at a terminal, a gate that can be started there, and a client of it. */
const setUp = async (stack: AsyncDisposableStack) => {
  const owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  await importKey(owner, "plain")
  const socket = join(owner.path, "git.sock")
  const file = join(owner.path, "policy.toml")
  await writeFile(file, policy.replace("SOCKET", socket))
  const terminal = stack.use(await startTmux({ columns: 100, rows: 40, env: { ...owner.env, TERM: "screen" } }))
  const client = stack.use(await makeClientHome({ owner, socket }))
  const serve = [
    `'${process.execPath}' '${PROGRAM}' serve --homedir ${owner.path} --policy ${file}`,
    `--listen ${owner.path}/S --state ${owner.path}/state --control ${owner.path}/control`
  ].join(" ")
  const sign = () => client.run(["gpg", "-u", fixtureKeys.plain.fingerprint, "--clearsign"], { input: "x\n" })
  const asked = async () => /^([2-9A-Z]{4}) {2}git {2}/m.exec(await terminal.waitFor(/or type here: once ID/))![1]!
  return { owner, terminal, serve, sign, asked, ...commandLine(owner, owner.path) }
}

describe("a gate on a terminal", () => {
  it("shows its questions there, and takes a word with the name of a question for an answer, and nothing else", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, serve, sign, terminal } = await setUp(stack)
    await terminal.line(serve)
    await terminal.waitFor(/listening at/)
    // typed before anything was asked
    await terminal.line("once")
    const signing = sign()
    const id = await asked()
    assert.match((await terminal.screen()).join("\n"), /sign,certify[^]*SHA(256|512) [0-9A-F]{8} /)
    for (const line of ["", "y", "once ZZZZ"]) await terminal.line(line)
    await terminal.waitFor(/there is no question ZZZZ/)
    await terminal.line(`once ${id.toLowerCase()}`)
    const result = await signing
    assert.strictEqual(result.code, 0, result.stderr)
    await terminal.waitFor(new RegExp(`answered ${id}: yes, by terminal`))
    await terminal.keys("C-c")
    await terminal.waitFor(/stopping: running commands may finish[^]*\$ ?$/)
  })

  it("is not stopped by its terminal when it runs in the background, and is answered from elsewhere", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, gripgate, serve, sign, terminal } = await setUp(stack)
    await terminal.line(`${serve} &`)
    await terminal.waitFor(/listening at/)
    const signing = sign()
    const id = await asked()
    // the shell reads this
    await terminal.line(`echo once ${id}`)
    await terminal.waitFor(new RegExp(`^once ${id}`, "m"))
    await terminal.line("jobs")
    await terminal.waitFor(/Running/)
    assert.strictEqual((await gripgate("approve", id)).code, 0)
    const result = await signing
    assert.strictEqual(result.code, 0, result.stderr)
    await terminal.line("kill %1; wait")
    await terminal.waitFor(/stopping/)
  })

  it("does not offer to be typed at after Ctrl-D, and goes on", async () => {
    await using stack = new AsyncDisposableStack()
    const { asked, gripgate, serve, sign, terminal } = await setUp(stack)
    await terminal.line(serve)
    await terminal.waitFor(/listening at/)
    const first = sign()
    const one = await asked()
    // it is read from a quarter of a second later
    await sleep(500)
    await terminal.keys("C-d")
    assert.strictEqual((await gripgate("approve", one)).code, 0)
    assert.strictEqual((await first).code, 0)
    await terminal.waitFor(new RegExp(`answered ${one}: yes`))
    const second = sign()
    const text = await terminal.waitFor(/approve [2-9A-Z]{4} \[[^]*approve [2-9A-Z]{4} \[/)
    const [, two = ""] = [...text.matchAll(/approve ([2-9A-Z]{4}) \[/g)].map(([, id = ""]) => id)
    assert.notStrictEqual(two, one)
    assert.lengthOf(text.match(/or type here/g) ?? [], 1)
    assert.strictEqual((await gripgate("approve", two)).code, 0)
    assert.strictEqual((await second).code, 0)
    // the end of the terminal is no end of a gate: SIGHUP has it read its policy
    await terminal.keys("C-c")
    await terminal.waitFor(/stopping: running commands may finish[^]*\$ ?$/)
  })
})
