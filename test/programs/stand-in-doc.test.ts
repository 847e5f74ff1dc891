// The commands of docs/stand-in.md as they stand there, in a shell of somebody who has GnuPG and a key, and what they come to.
import { assert, describe, it } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { run } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { mkdir, symlink } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/stand-in.md"), "utf8")
const blocks = [...page.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, text = ""]) => text)

describe("docs/stand-in.md", () => {
  it("has a gate stand in, a program that goes through it, and a way back", async () => {
    assert.lengthOf(blocks, 3)
    const [serve = "", use = "", standDown = ""] = blocks
    await using stack = new AsyncDisposableStack()
    const home = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(home, "plain")
    const bin = join(home.path, "bin")
    await mkdir(bin)
    await symlink(process.execPath, join(bin, "node"))
    await symlink(join(root, "packages/cli/bin/gripgate.mjs"), join(bin, "gripgate"))
    const env = { ...home.env, PATH: `${bin}:${home.env["PATH"]}` }
    const shell = (text: string) => run(["bash", "-c", text], { env, cwd: home.path })
    const gate = spawn("bash", ["-c", `exec ${serve}`], { env, stdio: ["ignore", "ignore", "pipe"] })
    stack.defer(async () => {
      if (gate.exitCode === null && gate.signalCode === null) {
        await Promise.all([once(gate, "exit"), gate.kill("SIGKILL")])
      }
    })
    let log = ""
    for await (const chunk of gate.stderr.setEncoding("utf8")) if ((log += chunk).includes("gripgate: policy:")) break
    gate.stderr.resume()
    const used = await shell(use)
    assert.strictEqual(used.code, 0, used.stderr)
    assert.include(used.stdout.toString(), "BEGIN PGP SIGNATURE")
    assert.match(used.stdout.toString(), /allowed +sign|sign.*allow/)
    await Promise.all([once(gate, "exit"), gate.kill("SIGKILL")])
    const back = await shell(standDown)
    assert.strictEqual(back.code, 0, back.stderr)
    assert.include(back.stdout.toString(), "the agent has its place back")
    const agent = stack.use(await connectRaw(await home.agentSocket()))
    assert.notInclude((await agent.readReply()).last, "gripgate")
  })

  it("names the files that there are meanwhile", async () => {
    await using stack = new AsyncDisposableStack()
    const home = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await home.launchAgent()
    const program = join(root, "packages/cli/bin/gripgate.mjs")
    const gate = spawn(process.execPath, [program, "serve", "--stand-in"], {
      env: home.env,
      stdio: ["ignore", "ignore", "pipe"]
    })
    stack.defer(async () => void await Promise.all([once(gate, "exit"), gate.kill()]))
    let log = ""
    for await (const chunk of gate.stderr.setEncoding("utf8")) if ((log += chunk).includes("gripgate: policy:")) break
    gate.stderr.resume()
    const files = readdirSync(dirname(await home.agentSocket())).filter((name) => name.startsWith("S."))
    const named = new Set([...page.matchAll(/`(S\.[\w.-]+)`/g)].map(([, name = ""]) => name))
    const like = (name: string): boolean => named.has(name) || named.has(name.replace(/\.(?:extra|browser)\./, "."))
    assert.deepStrictEqual(files.filter((name) => !like(name)), [], "every file is in the table")
    for (const name of ["S.gpg-agent", "S.gripgate", "S.gripgate.extra", "S.gpg-agent.lock"]) {
      assert.include(files, name)
    }
  })
})
