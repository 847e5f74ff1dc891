// A command in its sandbox outlives what it talks to: a gate or an agent that is killed is an error at once and no way around, and
// whoever starts the gate anew has healed it. Signals, too, and another user.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import { killGroup, run } from "@gripgate/testkit/run"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { chmod } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { giveToOther, OTHER, runAsOther } from "../support/as-user.ts"
import { makeStage, outside, program, type Stage } from "./run-stage.ts"

/** A shell in a sandbox, to which lines are written. */
interface Shell extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  /** What a line prints, both streams; the line ends when it has. */
  line(text: string): Promise<string>
  readonly ended: Promise<number | null>
}

const openShell = async (stage: Stage): Promise<Shell> => {
  const child = spawn(process.execPath, [program, "run", "agent", "--", "sh"], {
    env: stage.env,
    cwd: stage.project,
    detached: true
  })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (piece: string) => text += piece)
  child.stderr.setEncoding("utf8").on("data", (piece: string) => text += piece)
  const ended = new Promise<number | null>((done) => child.once("close", done))
  let number = 0
  const line: Shell["line"] = async (command) => {
    text = ""
    const mark = `done ${++number}`
    child.stdin.write(`{ ${command}; } 2>&1; echo ${mark}\n`)
    const end = performance.now() + 20_000
    while (!text.includes(`${mark}\n`)) {
      if (performance.now() > end || child.exitCode !== null) throw new Error(`${command}: ${text}`)
      await sleep(5)
    }
    return text.slice(0, text.indexOf(mark))
  }
  return {
    child,
    line,
    ended,
    [Symbol.asyncDispose]: async () => {
      killGroup(child.pid)
      await ended
    }
  }
}

const sign = "echo a text | gpg --batch --clearsign; echo rc $?"

describe("a command that runs on", () => {
  const stack = new AsyncDisposableStack()
  let stage: Stage
  beforeAll(async () => {
    stage = await makeStage(stack)
  })
  afterAll(() => stack.disposeAsync())

  it("has a clear error within two seconds when the gate was killed, and signs again when it has been started anew", async () => {
    await using shell = await openShell(stage)
    assert.include(await shell.line(sign), "BEGIN PGP SIGNATURE")
    await stage.gate().stop("SIGKILL")
    const before = performance.now()
    const without = await shell.line(sign)
    assert.isBelow(performance.now() - before, 2_000)
    assert.include(without, "no gpg-agent running in this session")
    assert.include(without, "rc 2")
    assert.notInclude(without, "BEGIN PGP SIGNATURE")
    // nor has it started one of its own
    assert.strictEqual(await shell.line("ls $GNUPGHOME/private-keys-v1.d 2>/dev/null"), "")
    await stage.startAgain()
    assert.include(await shell.line(sign), "BEGIN PGP SIGNATURE")
    await stage.gate().waitForLog(/allowed sign .* to app agent /)
  })

  it("signs with the next agent when the agent was killed", async () => {
    await using shell = await openShell(stage)
    const pid = await stage.owner.launchAgent()
    assert.include(await shell.line(sign), "BEGIN PGP SIGNATURE")
    process.kill(pid, "SIGKILL")
    await waitGone([pid], 5_000)
    assert.include(await shell.line(sign), "BEGIN PGP SIGNATURE")
    assert.notStrictEqual(await stage.owner.agentPid(), pid)
  })

  it("gets SIGTERM, SIGHUP and SIGINT, and may heed them as it likes", async () => {
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
      await using shell = await openShell(stage)
      await shell.line(`trap 'echo heard; exit 9' ${signal.slice(3)}`)
      let heard = ""
      shell.child.stdout.on("data", (piece: string) => heard += piece)
      shell.child.stdin.write("echo waiting; while :; do sleep 0.05; done\n")
      while (!heard.includes("waiting")) await sleep(5)
      shell.child.kill(signal)
      assert.strictEqual(await shell.ended, 9, signal)
      assert.include(heard, "heard")
    }
  })

  it("is gone with all that it started when gripgate is killed, and when it ends", async () => {
    for (const how of ["killed", "ended"] as const) {
      await using shell = await openShell(stage)
      const tag = `${31_000 + Math.trunc(process.pid % 1_000)}.${how === "killed" ? 1 : 2}`
      await shell.line(`setsid sleep ${tag} >/dev/null 2>&1 & true`)
      const find = async () => {
        const { stdout } = await run(["pgrep", "-f", `^sleep ${tag}$`])
        return stdout.toString().trim().split("\n").filter((pid) => pid !== "").map(Number)
      }
      let pids: ReadonlyArray<number> = []
      while (pids.length === 0) pids = await find()
      if (how === "killed") shell.child.kill("SIGKILL")
      else shell.child.stdin.end("exit 0\n")
      await shell.ended
      assert.deepStrictEqual(await waitGone(pids, 5_000), [], how)
      assert.isFalse(pids.some(isAlive))
    }
  })
})

describe("as another user", () => {
  it("who has a socket in a folder of his own does not keep the owner's command from starting", async () => {
    await using stack = new AsyncDisposableStack()
    const stage = await makeStage(stack)
    const folder = await makeFolder("rx", outside())
    stack.defer(() => removeFolder(folder))
    stack.use(await giveToOther(folder))
    const listen =
      `import socket, time\ns = socket.socket(socket.AF_UNIX); s.bind('${folder}/S'); s.listen(); time.sleep(6)`
    const listening = runAsOther(["python3", "-c", listen], { cwd: folder, env: { PATH: "/usr/bin:/bin" } })
    await sleep(500)
    const { code, stderr, stdout } = await stage.shell(`echo ran; ls ${folder}`)
    assert.strictEqual(stdout.toString(), "ran\n", stderr)
    assert.include(stderr, "Permission denied")
    assert.strictEqual(code, 2)
    await listening
  })

  it("whose gate, agent and keys are his own, it signs as its app and sees none of them", async () => {
    needs("bwrap")
    const home = await makeFolder("rn", outside())
    await using stack = new AsyncDisposableStack()
    stack.defer(() => removeFolder(home))
    await chmod(home, 0o755)
    stack.use(await giveToOther(home))
    const gripgate = `${process.execPath} ${program}`
    const script = [
      "set -e",
      "umask 077; mkdir -p .config/gripgate project keys",
      "printf 'disable-scdaemon\\n' > keys/gpg-agent.conf",
      "printf 'default = \"allow\"\\n[apps.agent]\\nsocket = \"agent\"\\nkeys = [\"*\"]\\n' > .config/gripgate/policy.toml",
      "gpg --batch -q --passphrase '' --quick-generate-key 'N <n@example.org>' ed25519 default never",
      `${gripgate} serve 2> log & gate=$!`,
      "trap 'kill $gate; wait $gate; gpgconf --kill gpg-agent' EXIT",
      "for i in $(seq 100); do grep -q '^gripgate: policy' log && break; sleep 0.1; done",
      "cd project",
      `${gripgate} run agent -- sh -c 'id -u; echo x | gpg --batch --clearsign > signed; echo signed $?;`
      + " cat ~/.config/gripgate/policy.toml; ls ~/keys/private-keys-v1.d; touch ~/new; echo end' 2> said",
      "gpg --batch --verify signed",
      "grep -c 'allowed sign .* to app agent ' ../log",
      "grep -c 'No such file' said; grep -c 'Read-only file system' said"
    ].join("\n")
    const { code, stderr, stdout } = await runAsOther(["sh", "-c", script], {
      cwd: home,
      env: { HOME: home, GNUPGHOME: `${home}/keys`, PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
      timeoutMs: 50_000
    })
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout.toString(), `${OTHER.uid}\nsigned 0\nend\n1\n2\n1\n`, stderr)
    assert.include(stderr, "Good signature")
  })
})
