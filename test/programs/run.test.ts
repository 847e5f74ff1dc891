// `gripgate run` with stock gpg, git and bubblewrap: what a command in its sandbox can do as its app, and every way around the gate
// that is known, tried from inside. What is tried succeeds outside, so that each refusal is the sandbox's.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk, type RunResult } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeStage, outside, program, root, type Stage } from "./run-stage.ts"

const { plain, protected: bob } = fixtureKeys
const python = needs("python3")

const out = ({ stderr, stdout }: RunResult): string => `${stdout.toString()}${stderr}`

/** Connects to a Unix socket, and prints `connected` or the error. */
const connect = (address: string): ReadonlyArray<string> => [
  python,
  "-c",
  "import socket, sys\n"
  + "a = sys.argv[1]\n"
  + "s = socket.socket(socket.AF_UNIX)\n"
  + "try:\n"
  + "  s.connect('\\0' + a[1:] if a[0] == '@' else a); print('connected')\n"
  + "except OSError as e:\n"
  + "  print(e.strerror)\n",
  address
]

describe("gripgate run", () => {
  const stack = new AsyncDisposableStack()
  let stage: Stage
  beforeAll(async () => {
    stage = await makeStage(stack)
  })
  afterAll(() => stack.disposeAsync())

  describe("the command is the app", () => {
    it("signs with stock gpg, and the gate knows the app", async () => {
      const { code, stderr, stdout } = await stage.inside(["gpg", "--batch", "--clearsign"], { input: "a text\n" })
      assert.strictEqual(code, 0, stderr)
      const { stdout: status } = await stage.owner.gpg(["--status-fd", "1", "--verify"], { input: stdout })
      assert.include(status.toString(), `VALIDSIG ${plain.fingerprint}`)
      await stage.gate().waitForLog(/allowed sign with key [0-9A-F]{40} to app agent /)
    })

    it("sees the app's keys and no others", async () => {
      const { stdout } = await stage.inside(["gpg", "--batch", "--with-colons", "-K"])
      assert.deepStrictEqual(stdout.toString().match(/^fpr:.*$/gm)?.[0]?.split(":")[9], plain.fingerprint)
      const signed = await stage.inside(["gpg", "--batch", "-u", bob.fingerprint, "--clearsign"], { input: "x" })
      assert.include(signed.stderr, "No secret key")
      assert.strictEqual(signed.code, 2)
    })

    it("so are all processes that it starts: git commit -S, from a shell in a shell", async () => {
      needs("git")
      const script = [
        "set -e",
        "git init -q repo && cd repo",
        "git config user.name A && git config user.email a@example.org",
        `git config user.signingKey ${plain.fingerprint}`,
        "bash -c \"sh -c 'git commit -q --allow-empty -S -m signed'\"",
        "git verify-commit --raw HEAD"
      ].join("\n")
      const { code, stderr } = await stage.shell(script, { env: { GIT_CONFIG_NOSYSTEM: "1" } })
      assert.strictEqual(code, 0, stderr)
      assert.include(stderr, `VALIDSIG ${plain.fingerprint}`)
      assert.isTrue(existsSync(join(stage.project, "repo/.git/HEAD")), "the working directory is the owner's own")
    })

    it("gpg 1.4 reaches the gate by GPG_AGENT_INFO", async () => {
      const before = await stage.owner.pinentry.questions()
      const gpg1 = [needs("gpg1"), "--batch", "--no-tty", "-c"]
      const { code, stderr } = await stage.inside(gpg1, { input: "a text\n" })
      assert.strictEqual(code, 0, stderr)
      assert.isAbove(await stage.owner.pinentry.questions(), before)
      await stage.gate().waitForLog(/allowed passphrase to app agent /)
    })

    it("its exit code, output and input are those of the command", async () => {
      const done = await stage.shell("cat; echo oops >&2; exit 7", { input: "a text\n" })
      assert.strictEqual(done.code, 7)
      assert.strictEqual(done.stdout.toString(), "a text\n")
      assert.match(done.stderr, /^oops\n$/m)
      assert.strictEqual((await stage.shell("kill -USR1 $$")).code, 128 + 10)
      const missing = await stage.inside(["no-such-command"], { env: { PATH: "/usr/bin:/bin" } })
      assert.strictEqual(missing.code, 127, missing.stderr)
    })

    it("writes to the working directory and to what --write names, and nowhere else of the owner's", async () => {
      const more = join(stage.home, "more")
      await mkdir(more, { recursive: true })
      const script = `touch here ${more}/there; touch ~/.bashrc ~/new ~/.config/new; echo x >> ~/.bashrc; true`
      const { stderr } = await stage.shell(script, { flags: ["--write", more] })
      assert.isTrue(existsSync(join(stage.project, "here")), stderr)
      assert.isTrue(existsSync(join(more, "there")))
      assert.strictEqual(stderr.match(/Read-only file system/g)?.length, 4, stderr)
      assert.strictEqual(readFileSync(join(stage.home, ".bashrc"), "utf8"), "# mine\n")
      assert.isFalse(existsSync(join(stage.home, "new")))
      assert.include((await stage.shell(`touch ${more}/again`)).stderr, "Read-only file system")
    })
  })

  describe("what it does not see", () => {
    it("the private keys, the policy and the gate's store", async () => {
      const { env, home, owner, policyFile } = stage
      const keys = join(owner.path, "private-keys-v1.d")
      const state = join(home, ".local/state/gripgate")
      const files = [
        ...readdirSync(keys).map((name) => join(keys, name)),
        policyFile,
        join(state, "chain.key"),
        join(state, "journal.jsonl")
      ]
      assert.isAbove(files.length, 4)
      const script = (each: string) =>
        `cat '${each}' && echo seen; echo x > '${each}' && echo written; rm -f '${each}'; true`
      for (const file of files) {
        assert.isTrue(existsSync(file), file)
        const { stdout } = await stage.shell(script(file))
        assert.strictEqual(stdout.toString(), "", file)
        assert.isTrue(existsSync(file), file)
      }
      const settings = await stage.shell(`echo x > '${join(policyFile, "../policy.toml")}'`)
      assert.match(settings.stderr, /Read-only file system|cannot create/)
      assert.include((await run(["cat", policyFile], { env })).stdout.toString(), "[apps.agent]")
    })

    it("the agent's sockets, the control socket, the open socket and that of another app", async () => {
      await stage.owner.launchAgent()
      const agent = await stage.owner.agentSocket()
      const sockets = [
        `${agent}.extra`,
        join(stage.owner.path, "gate.sock"),
        join(stage.runDir, "control"),
        join(stage.runDir, "apps/other/S.gpg-agent")
      ]
      for (const socket of sockets) {
        assert.strictEqual((await run(connect(socket), { env: stage.env })).stdout.toString(), "connected\n", socket)
        const { stdout } = await stage.inside(connect(socket))
        assert.strictEqual(stdout.toString(), "No such file or directory\n", socket)
      }
      // at the agent's own place is the app's socket, which names another process
      const ask = ["gpg-connect-agent", "--no-autostart", "GETINFO socket_name", "/bye"]
      assert.include(out(await run(ask, { env: stage.env })), "D /")
      const { stdout } = await stage.inside(["readlink", agent])
      assert.strictEqual(stdout.toString(), "/run/gripgate/S.gpg-agent\n")
    })

    it("the folder to which a redirect file leads the agent", async () => {
      await using more = new AsyncDisposableStack()
      const led = await makeFolder("ra", outside())
      more.defer(() => removeFolder(led))
      const agent = join(led, "a/agent")
      await mkdir(join(led, "a"))
      await writeFile(join(led, "a/beside"), "")
      const other = more.use(await makeHomedir({ prefix: "rr", where: outside() }))
      await writeFile(await other.agentSocket(), `%Assuan%\nsocket=${agent}\n`)
      const { code, stderr, stdout } = await stage.inside(["ls", "-A", join(led, "a")], {
        flags: ["--homedir", other.path]
      })
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stdout.toString(), "")
    })

    it("what --hide names", async () => {
      const hidden = join(stage.home, ".ssh")
      await mkdir(hidden, { recursive: true })
      await writeFile(join(hidden, "id"), "a key\n")
      assert.strictEqual((await stage.inside(["cat", join(hidden, "id")])).stdout.toString(), "a key\n")
      const { stdout } = await stage.shell(`cat ${hidden}/id; ls -A ${hidden}; echo end`, { flags: ["--hide", hidden] })
      assert.strictEqual(stdout.toString(), "end\n")
      for (const folder of [stage.home, "/", join(stage.home, "nowhere")]) {
        const { code, stderr } = await stage.inside(["true"], { flags: ["--hide", folder] })
        assert.strictEqual(code, 1, folder)
        assert.match(stderr, /error: (?:the folder .* cannot be hidden|there is no folder )/)
      }
      const own = await stage.inside(["true"], { flags: ["--hide", stage.project] })
      assert.include(own.stderr, "which the command must not see")
    })

    it("a socket of somebody else's, wherever it lies", async () => {
      await using listening = await listen(join(stage.home, "theirs"))
      await using within = await listen(join(stage.project, "ours"))
      for (const { path } of [listening, within]) {
        assert.strictEqual((await run(connect(path), { env: stage.env })).stdout.toString(), "connected\n")
        assert.strictEqual((await stage.inside(connect(path))).stdout.toString(), "Connection refused\n")
      }
    })

    it("a socket without a path", async () => {
      await using listening = await listen(`@gripgate-${process.pid}`)
      assert.strictEqual((await run(connect(listening.path), { env: stage.env })).stdout.toString(), "connected\n")
      const { stdout } = await stage.inside(connect(listening.path))
      assert.match(stdout.toString(), /^(?:Operation not permitted|Connection refused)\n$/)
    })

    it("the gate's and the agent's processes", async () => {
      const pids = [stage.gate().pid, await stage.owner.launchAgent()]
      for (const pid of pids) {
        const script = `kill -0 ${pid} && echo there; kill -9 ${pid}; ls /proc/${pid}/root/ && echo there; true`
        const { stdout } = await stage.shell(script)
        assert.strictEqual(stdout.toString(), "")
        process.kill(pid, 0)
      }
      const { stdout } = await stage.shell("ls /proc | grep -c '^[0-9]'")
      assert.isBelow(Number(stdout.toString()), 10)
    })

    it("through a descriptor that is open outside", async () => {
      const call = `'${process.execPath}' '${program}' run agent --`
      const look = "sh -c 'echo in; ls /proc/self/fd/47/ /proc/self/fd/200; ls /proc/self/fd/47/..'"
      const script =
        `exec 47< '${stage.owner.path}' 200< '${stage.policyFile}'; ls /proc/self/fd/47/ >&2; ${call} ${look}`
      const { stderr, stdout } = await run(["bash", "-c", script], { env: stage.env, cwd: stage.project })
      assert.strictEqual(stdout.toString(), "in\n")
      assert.include(stderr, "private-keys-v1.d", "it is open outside")
    })

    it("nothing more in a user namespace of its own, in which it may mount", async () => {
      const keys = join(stage.owner.path, "private-keys-v1.d")
      const umount = [stage.owner.path, "/tmp", "/proc", "/run/gripgate"].map((path) =>
        `umount '${path}' 2>&1; umount -l '${path}' 2>&1`
      )
      const inner = `grep CapEff /proc/self/status; ${umount.join("; ")}; ls '${keys}' 2>&1; true`
      const { stderr, stdout } = await stage.inside([needs("unshare"), "-Um", "--keep-caps", "sh", "-c", inner])
      const lines = stdout.toString().trim().split("\n")
      assert.match(lines[0]!, /^CapEff:\t[0-9a-f]*[1-9a-f]/, stderr)
      assert.lengthOf(lines, 1 + 2 * umount.length + 1)
      for (const line of lines.slice(1, -1)) {
        assert.match(line, /^umount: .*(?:not permitted|[Ii]nvalid argument|not mounted)/)
      }
      assert.match(lines.at(-1)!, /^ls: .*No such file or directory$/)
    })
  })

  describe("ways out", () => {
    // where gripgate lies may be hidden, as among temporary files; it has to be there to be tried
    const own = { flags: ["--write", root] }
    const gripgate = (...args: ReadonlyArray<string>) => [process.execPath, program, ...args]

    it("gripgate approve and status find no gate", async () => {
      for (const args of [["approve", "AB23"], ["status"], ["grants"], ["revoke", "--all"]]) {
        const { code, stderr } = await stage.inside(gripgate(...args), own)
        assert.strictEqual(code, 69, stderr)
        assert.include(stderr, "no gate runs at")
      }
    })

    it("a gate of its own gets no more keys than it has", async () => {
      const serve = gripgate(
        "serve",
        "--default",
        "allow",
        "--state",
        "/tmp/s",
        "--control",
        "/tmp/c",
        "--listen",
        "/tmp/S"
      )
      const script = [
        `${serve.join(" ")} 2>/tmp/log &`,
        "for i in $(seq 100); do test -S /tmp/S && break; sleep 0.1; done",
        "mkdir -m 700 /tmp/h; echo no-autostart > /tmp/h/gpg.conf",
        "printf '%%Assuan%%\\nsocket=/tmp/S\\n' > /tmp/h/S.gpg-agent",
        "gpg --export | gpg -q --homedir /tmp/h --import",
        "gpg --homedir /tmp/h --batch -K --with-colons | grep -c '^sec.*:+:'",
        `gpg --homedir /tmp/h --batch -u ${bob.fingerprint} --clearsign < /dev/null; echo then $?`
      ].join("\n")
      const { stderr, stdout } = await stage.shell(script, own)
      assert.strictEqual(stdout.toString(), "1\nthen 2\n", stderr)
      assert.include(stderr, "No secret key")
    })

    it("an agent of its own has no keys", async () => {
      const script =
        "mkdir -m 700 /tmp/h; gpg --export | gpg -q --homedir /tmp/h --import; gpg --homedir /tmp/h --batch -K"
      const { stdout } = await stage.shell(script)
      assert.strictEqual(stdout.toString(), "")
    })

    for (const kind of ["path", "abstract"] as const) {
      it(`no D-Bus session bus with an ${kind} address lets it start anything`, async () => {
        const place = kind === "path" ? join(stage.home, "bus") : `gripgate-bus-${process.pid}`
        await using bus = await startBus(`unix:${kind}=${place}`)
        const env = [`DBUS_SESSION_BUS_ADDRESS=${bus.address}`, `XDG_RUNTIME_DIR=${stage.home}`]
        const ask = ["org.freedesktop.DBus.ListNames"]
        const send = ["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", ...ask]
        const programs = [
          [needs("dbus-send"), ...send],
          [needs("busctl"), `--address=${bus.address}`, "list"]
        ]
        for (const argv of programs) {
          const direct = await run(["env", ...env, ...argv], { env: stage.env })
          assert.strictEqual(direct.code, 0, direct.stderr)
          const { code, stderr } = await stage.inside(["env", ...env, ...argv])
          assert.notStrictEqual(code, 0, argv[0])
          assert.match(stderr, /Failed to|refused|denied|not permitted/i)
        }
        const spawned = await stage.inside([
          "env",
          ...env,
          needs("systemd-run"),
          "--user",
          "touch",
          join(stage.home, "out")
        ])
        assert.notStrictEqual(spawned.code, 0)
        assert.isFalse(existsSync(join(stage.home, "out")))
      })
    }

    it("the kernel takes no settings from it, also from root", async () => {
      // the values that are there: nothing would change
      const files = ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness"]
      const script = files.map((file) => `value=$(cat ${file}); echo "$value" > ${file} && echo written; true`).join(
        "\n"
      )
      const { code, stderr, stdout } = await stage.shell(`${script}; ls -d /proc/sys/../1`)
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stdout.toString(), "/proc/sys/../1\n")
      assert.strictEqual(stderr.match(/Read-only file system|Permission denied/g)?.length, 2, stderr)
    })

    it("nothing is typed into its terminal, and Ctrl-C is for the command alone", async () => {
      const push = "import fcntl, sys, termios\n"
        + "try:\n  fcntl.ioctl(0, termios.TIOCSTI, b'#'); print('pushed')\n"
        + "except OSError as e:\n  print('not pushed: ' + e.strerror)\n"
        + "try:\n  print('ready', flush=True); sys.stdin.readline()\n"
        + "except KeyboardInterrupt:\n  print('interrupted, alive')\n"
      // a terminal of Python's, into which ^C is typed when the command is ready
      const harness = "import os, pty, sys\n"
        + "pid, fd = pty.fork()\n"
        + "if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])\n"
        + "seen = b''; typed = False\n"
        + "while True:\n"
        + "  try: piece = os.read(fd, 4096)\n"
        + "  except OSError: break\n"
        + "  if not piece: break\n"
        + "  seen += piece\n"
        + "  if b'ready' in seen and not typed: typed = True; os.write(fd, b'\\x03')\n"
        + "print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
      const argv = [...gripgate("run", "agent", "--"), python, "-c", push]
      const { stderr, stdout } = await run([python, "-c", harness, ...argv], { env: stage.env, cwd: stage.project })
      assert.include(stdout.toString(), "not pushed: Operation not permitted", stderr)
      assert.match(stdout.toString(), /interrupted, alive\s+0\n$/)
    })
  })

  describe("what it refuses", () => {
    it("an app without a socket of its own, and one that is unknown", async () => {
      const known = await stage.inside(["true"], { app: "known" })
      assert.strictEqual(known.code, 1)
      assert.include(known.stderr, "error: the app known has no socket of its own")
      const unknown = await stage.inside(["true"], { app: "agnet" })
      assert.strictEqual(unknown.code, 64)
      assert.include(unknown.stderr, "did you mean \"agent\"?")
      assert.strictEqual((await stage.inside([])).code, 64)
    })

    it("to make writable what is protected, or what contains it", async () => {
      const state = join(stage.home, ".local/state/gripgate")
      const link = join(stage.project, "link")
      await symlink(stage.home, link)
      for (const folder of [stage.home, join(stage.home, ".config"), state, stage.owner.path, "/", link, "/etc"]) {
        const { code, stderr } = await stage.inside(["true"], { flags: ["--write", folder] })
        assert.strictEqual(code, 1, folder)
        assert.include(stderr, "error: the command cannot have ", folder)
      }
      assert.include((await stage.inside(["true"], { flags: ["--write", "/tmp"] })).stderr, "is an empty one inside")
      const missing = await stage.inside(["true"], { flags: ["--write", join(stage.home, "nowhere")] })
      assert.strictEqual(missing.code, 1)
    })

    it("to write to a working directory of that kind, which it says", async () => {
      const { code, stderr } = await stage.shell("touch here", { cwd: stage.home })
      assert.strictEqual(code, 1)
      assert.include(stderr, "note: the command does not have the working directory to write to")
      assert.include((await stage.inside(["true"], { cwd: stage.owner.path })).stderr, "which the command must not see")
    })

    it("to start where there is no working directory", async () => {
      const call = `${process.execPath} ${program} run agent -- true`
      const gone = `mkdir gone && cd gone && rmdir ../gone && ${call}`
      const { code, stderr } = await run(["sh", "-c", gone], { env: stage.env, cwd: stage.project })
      assert.strictEqual(code, 1, stderr)
      assert.include(stderr, "error: there is no working directory")
    })

    it("to show again what is hidden, wherever it is called", async () => {
      await using listening = await listen(join(tmpdir(), `gripgate-${process.pid}.sock`))
      const keys = join(stage.owner.path, "private-keys-v1.d")
      // an empty folder for temporary files is the command's own
      for (
        const [cwd, expected] of [["/", ""], ["/var", ""], ["/etc", ""], ["/tmp", "written\n"], [
          "/run",
          "written\n"
        ]] as const
      ) {
        const script = `ls ${keys}; cat ${stage.policyFile}; test -e ${listening.path} && echo seen;`
          + ` test -e /proc/${process.pid} && echo host; touch ./gripgate-test && rm ./gripgate-test && echo written; true`
        const { code, stdout } = await stage.shell(script, { cwd })
        assert.strictEqual(code, 0, cwd)
        assert.strictEqual(stdout.toString(), expected, cwd)
      }
    })
  })

  describe("a gate whose things lie where flags say", () => {
    it("is hidden too, also when it has started anew; a socket by an absolute path is bound by itself", async () => {
      await using more = new AsyncDisposableStack()
      const folder = await makeFolder("rf", outside())
      more.defer(() => removeFolder(folder))
      const policy = join(folder, "policy.toml")
      const control = join(folder, "c/control")
      // the homedir of an agent besides the gate's own
      const beside = more.use(await makeHomedir({ prefix: "rs", where: outside() }))
      await importKey(beside, "protected")
      const work = `[upstreams.work]\nsocket = "${join(beside.path, "S.gpg-agent")}"\n`
      const other = join(folder, "o/S")
      await mkdir(join(folder, "c"))
      const app = (name: string, socket: string) => `[apps.${name}]\nsocket = "${socket}"\nkeys = ["*"]\n`
      await writeFile(policy, `default = "allow"\n${app("agent", join(folder, "S"))}${app("other", other)}${work}`)
      const flags = ["--policy", policy, "--state", join(folder, "state"), "--control", control]
      const listen = join(folder, "l/S")
      const start = () => startGate({ home: stage.owner, env: { HOME: stage.home }, listen, args: flags })
      const first = await start()
      more.defer(() => first.close())
      const look =
        `for f in ${policy} ${folder}/state/chain.key ${beside.path}/private-keys-v1.d/*; do cat $f && echo seen; done`
      const ask = (path: string) => connect(path).map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")
      const script = [
        "gpg --batch --clearsign < /dev/null | grep -c BEGIN",
        look,
        "echo waiting; read line",
        look,
        ...[control, other].map(ask)
      ].join("\n")
      const child = spawn(process.execPath, [program, "run", "agent", ...flags, "--", "sh", "-c", script], {
        env: stage.env,
        cwd: stage.project,
        stdio: ["pipe", "pipe", "pipe"]
      })
      const ended = new Promise((done) => child.once("close", done))
      more.defer(async () => {
        child.kill("SIGKILL")
        await ended
      })
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (piece: string) => text += piece)
      child.stderr.setEncoding("utf8").on("data", (piece: string) => text += piece)
      for (let i = 0; !text.includes("waiting"); i++) {
        assert.isBelow(i, 2_000, text)
        await sleep(10)
      }
      await first.stop()
      const second = await start()
      more.defer(() => second.close())
      for (const path of [control, other]) {
        assert.strictEqual((await run(connect(path), { env: stage.env })).stdout.toString(), "connected\n")
      }
      child.stdin.end("go on\n")
      await ended
      assert.notInclude(text, "seen")
      assert.match(text, /^2$/m, "the app's own socket is there: two lines begin a signed text")
      assert.match(text, /No such file or directory\nNo such file or directory\n$/)
    })
  })

  describe("without what it needs", () => {
    /** A PATH without bubblewrap. */
    const bare = async (): Promise<Record<string, string>> => {
      const bin = join(stage.home, "bin")
      if (!existsSync(bin)) {
        await mkdir(bin)
        for (const name of ["gpg", "gpgconf", "gpg-agent"] as const) await symlink(needs(name), join(bin, name))
        for (const name of ["sh", "env", "cat"]) {
          await symlink((await runOk(["which", name])).stdout.toString().trim(), join(bin, name))
        }
      }
      return { PATH: bin }
    }

    it("without bubblewrap the command has the homedir alone, and stderr says what that does not hide", async () => {
      const env = await bare()
      const { code, stderr, stdout } = await stage.inside(["gpg", "--batch", "--clearsign"], { input: "a text\n", env })
      assert.strictEqual(code, 0, stderr)
      assert.include(stdout.toString(), "BEGIN PGP SIGNATURE")
      for (const what of ["private keys", "agent's own socket", "policy", "store", "control socket", "session bus"]) {
        assert.include(stderr, what)
      }
      assert.include(stderr, "warning: bubblewrap cannot be used: bwrap was not found on PATH")
    })

    it("and with --require-sandbox nothing is run", async () => {
      const { code, stderr, stdout } = await stage.shell("echo ran", {
        flags: ["--require-sandbox"],
        env: await bare()
      })
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout.toString(), "")
      assert.include(stderr, "error: bubblewrap cannot be used")
    })

    it("a bubblewrap that fails is none", async () => {
      const bin = join(stage.home, "failing")
      await mkdir(bin)
      await writeFile(join(bin, "bwrap"), "#!/bin/sh\necho 'bwrap: No permissions' >&2; exit 1\n", { mode: 0o700 })
      const env = { PATH: `${bin}:${stage.env["PATH"]}` }
      const { code, stderr, stdout } = await stage.shell("echo ran", { flags: ["--require-sandbox"], env })
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout.toString(), "")
      assert.include(stderr, "bubblewrap cannot be used: bwrap: No permissions")
    })

    it("a socket that goes away while the sandbox is made costs a second try, and anything else is an error once", async () => {
      const path = join(stage.home, "going")
      await using listening = await listen(path)
      const bin = join(stage.home, "slow")
      await mkdir(bin)
      const real = needs("bwrap")
      const wrapper = (action: string) =>
        `#!/bin/sh\ncase "$*" in *--json-status-fd*) ${action};; esac\nexec ${real} "$@"\n`
      await writeFile(join(bin, "bwrap"), wrapper(`rm -f ${listening.path}`), { mode: 0o700 })
      const env = { PATH: `${bin}:${stage.env["PATH"]}` }
      const again = await stage.shell("echo ran; exit 1", { env })
      assert.strictEqual(again.code, 1)
      assert.strictEqual(again.stdout.toString(), "ran\n", again.stderr)
      // on a busy machine it may be that of another test which is told
      assert.match(again.stderr, /note: \S+ went away just then; once more/)
      await writeFile(join(bin, "bwrap"), wrapper("set -- --no-such-option \"$@\""))
      const never = await stage.shell("echo ran", { env })
      assert.strictEqual(never.code, 1)
      assert.strictEqual(never.stdout.toString(), "")
      assert.strictEqual(never.stderr.match(/no-such-option/g)?.length, 1)
      assert.include(never.stderr, "error: bubblewrap could not make the sandbox")
    })

    it("where abstract sockets cannot be closed there is no network, unless --share-net says so", async () => {
      await using listening = await listen(`@gripgate-net-${process.pid}`)
      // one that is setuid is not confined beforehand
      const bin = join(stage.home, "setuid")
      await mkdir(bin)
      await copyFile(needs("bwrap"), join(bin, "bwrap"))
      await chmod(join(bin, "bwrap"), 0o4755)
      const env = { PATH: `${bin}:${stage.env["PATH"]}` }
      const without = await stage.inside(connect(listening.path), { env })
      assert.strictEqual(without.stdout.toString(), "Connection refused\n", without.stderr)
      assert.include(without.stderr, "note: the command has no network")
      const shared = await stage.inside(connect(listening.path), { env, flags: ["--share-net"] })
      assert.strictEqual(shared.stdout.toString(), "connected\n", shared.stderr)
      assert.include(shared.stderr, "note: the command reaches sockets without a path")
    })
  })
})

/** Somebody who listens at a socket, at `@NAME` without a path. */
const listen = async (path: string): Promise<AsyncDisposable & { readonly path: string }> => {
  const server = createServer((socket) => socket.on("error", () => {}))
  await new Promise<void>((done, fail) => server.once("error", fail).listen(path.replace(/^@/, "\0"), done))
  return { path, [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())) }
}

/** A session bus at an address. */
const startBus = async (address: string): Promise<AsyncDisposable & { readonly address: string }> => {
  const bus = spawn(needs("dbus-daemon"), ["--session", "--nofork", "--print-address", `--address=${address}`], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = new Promise<void>((done) => bus.once("close", () => done()))
  const said = await new Promise<string>((done) => bus.stdout.setEncoding("utf8").once("data", done))
  return {
    address: said.trim(),
    [Symbol.asyncDispose]: async () => {
      bus.kill()
      await ended
    }
  }
}
