// The commands of docs/containers.md as they stand there. Neither Podman nor Docker is here: a program in the place of podman makes a
// sandbox with namespaces of its own (files, processes, network, user) by bubblewrap, from the same flags.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk } from "@gripgate/testkit/run"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { PROGRAM } from "../support/command-line.ts"
import { longLines } from "../support/prose.ts"

const page = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/containers.md"), "utf8")
const blocksOf = (language: string): ReadonlyArray<string> =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, "gm"))].map(([, text = ""]) => text)

/** What git says of a signature that is good, by a key that its owner trusts ultimately, since he made it. */
const GOOD = "G"

/** `podman run FLAGS IMAGE COMMAND`, as far as the page has flags. */
const podman = `#!/bin/bash
[ "$1" = run ] || exit 125
shift
system=(--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/sbin /sbin)
system+=(--ro-bind /etc /etc --tmpfs /tmp --tmpfs /run --proc /proc --dev /dev --setenv HOME /tmp --setenv PATH /usr/bin)
while :; do
  case "$1" in
    -v) system+=(--bind "\${2%%:*}" "\${2#*:}"); shift 2 ;;
    -e) variables+=(--setenv "\${2%%=*}" "\${2#*=}"); shift 2 ;;
    -w) system+=(--chdir "$2"); shift 2 ;;
    --network) shift 2 ;;
    --rm | --interactive) shift ;;
    *) shift; break ;;
  esac
done
exec bwrap --unshare-all --die-with-parent --clearenv "\${system[@]}" "\${variables[@]}" -- "$@"
`

describe("docs/containers.md", () => {
  const stack = new AsyncDisposableStack()
  let owner: Homedir
  let gate: Gate
  const at = (name: string) => join(owner.path, name)
  const repository = () => at("src")
  const env = () => ({ ...owner.env, PATH: `${at("bin")}:${owner.env["PATH"]}`, XDG_RUNTIME_DIR: at("r") })
  const [policy = ""] = blocksOf("toml")
  const [homedir = "", commit = ""] = blocksOf("sh")

  const shell = (text: string, input?: string) =>
    run(["bash", "-c", text], { env: env(), cwd: repository(), ...input !== undefined && { input } })
  const start = () => startGate({ home: owner, policy: `${policy}\n`, env: { XDG_RUNTIME_DIR: at("r") } })
  /** The same container with another command in it. */
  const inside = (command: string): string => `${commit.slice(0, commit.indexOf("\n  git "))}\n  ${command}`
  const signatures = async (): Promise<ReadonlyArray<string>> =>
    (await runOk(["git", "log", "--format=%G?"], { env: env(), cwd: repository() })).stdout.toString().trim().split(
      "\n"
    )

  beforeAll(async () => {
    for (const program of ["bwrap", "git", "gpg", "gpg-agent"] as const) needs(program)
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    for (const name of ["build@example.org", "other@example.org"]) {
      await owner.gpg(["--passphrase", "", "--quick-gen-key", name, "ed25519", "sign", "never"])
    }
    for (const folder of ["bin", "r", "src"]) await mkdir(at(folder), { mode: 0o700 })
    await writeFile(at("bin/podman"), podman)
    await chmod(at("bin/podman"), 0o755)
    for (const args of [["init", "-q"], ["config", "user.name", "B"], ["config", "user.email", "build@example.org"]]) {
      await runOk(["git", ...args], { env: env(), cwd: repository() })
    }
    gate = await start()
    stack.defer(() => gate.close())
    const made = await shell(homedir)
    assert.strictEqual(made.code, 0, made.stderr)
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  it("has what it needs, and is laid out for reading", () => {
    assert.isTrue(Result.isSuccess(parsePolicy(policy, "policy.toml")))
    assert.lengthOf(blocksOf("sh"), 2)
    assert.deepStrictEqual(longLines(page), [])
    const [devcontainer = ""] = blocksOf("json")
    const { containerEnv, mounts } = JSON.parse(devcontainer)
    for (const [name, value] of Object.entries(containerEnv)) assert.include(commit, `-e ${name}=${value}`)
    for (const mount of mounts as ReadonlyArray<string>) {
      const [, source = "", target = ""] = /^source=(.*),target=(.*),type=bind$/.exec(mount) ?? []
      assert.include(commit, `-v "${source.replace(/\$\{localEnv:(\w+)\}/, "$$$1")}:${target}"`)
    }
  })

  it("has git sign inside, as its app, and nothing else is to be had there", async () => {
    const { code, stderr } = await shell(commit)
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(await signatures(), [GOOD])
    await gate.waitForLog(/allowed sign .* to app build \(session/)
    const records = (await owner.run([process.execPath, PROGRAM, "log", "--verdict", "allowed", "--json"])).stdout
      .toString()
    const allowed = records.trimEnd().split("\n").map((line) => JSON.parse(line)).findLast(({ op }) => op === "allowed")
    assert.deepStrictEqual([allowed.uid, allowed.recognised], [process.getuid?.(), "socket"])

    const other = await shell(inside("git -c user.signingkey=other@example.org commit -S --allow-empty -m x"))
    assert.notStrictEqual(other.code, 0)
    const exported = await shell(inside("gpg --batch --export-secret-keys build@example.org"))
    assert.strictEqual(exported.stdout.length, 0)
    const seen = await shell(inside("ls -A /run /run/gripgate /gnupg"))
    assert.notMatch(seen.stdout.toString(), /control|connect|private-keys/)
    assert.include(seen.stdout.toString(), "S.gpg-agent")
  })

  it("goes on in a container that runs while the gate is started anew", async () => {
    const before = await signatures()
    const again = commit.slice(commit.indexOf("\n  git ")).trim()
    const child = spawn("bash", ["-c", inside(`sh -c 'echo up; read line; ${again}'`)], {
      env: env(),
      cwd: repository(),
      stdio: ["pipe", "pipe", "inherit"]
    })
    const exited = once(child, "close")
    await once(child.stdout, "data")
    child.stdout.resume()
    await gate.close()
    gate = await start()
    child.stdin.end("go\n")
    assert.deepStrictEqual(await exited, [0, null])
    assert.lengthOf(await signatures(), before.length + 1)
  })
})
