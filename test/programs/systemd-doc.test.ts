// The commands of docs/systemd.md, as they stand there, in a sandbox whose /etc, /run and /var/lib are a test's own; and what its drop-in for
// a service does, shown with the same mounts. Nothing is run as another user in the sandbox: `sudo` is a script there.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, type RunResult } from "@gripgate/testkit/run"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import { chmod, copyFile, mkdir, readdir, writeFile } from "node:fs/promises"
import { join, relative, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { longLines } from "../support/prose.ts"
import { unitOf, valueOf, wordsOf } from "../support/unit-files.ts"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/systemd.md"), "utf8")
const blocks = [...page.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, text = ""]) => text)

/** The text between `<<EOF` and `EOF` in a block. */
const written = (block: string): string => /<<EOF\n([^]*?)\nEOF$/m.exec(block)![1]!

const [userInstall, userUninstall, policy, systemInstall, importKeys, dropIn, systemUninstall, forPackages] =
  blocks as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string
  ]

describe("docs/systemd.md", () => {
  const stack = new AsyncDisposableStack()
  let folder: string
  let owner: Homedir
  let sandbox: ReadonlyArray<string>
  const at = (name: string) => join(folder, name)
  beforeAll(async () => {
    for (const program of ["bwrap", "gpg", "gpg-agent", "script", "systemd-analyze"] as const) needs(program)
    folder = await makeFolder("gd")
    stack.defer(() => removeFolder(folder))
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(owner, "plain")
    await owner.killAgent()
    for (const name of ["etc", "run", "lib/gripgate/gnupg", "home/alice/.gnupg", "bin"]) {
      await mkdir(at(name), { recursive: true })
    }
    await chmod(at("lib/gripgate/gnupg"), 0o700)
    for (const name of ["passwd", "group", "nsswitch.conf", "ld.so.cache"]) {
      if (existsSync(`/etc/${name}`)) await copyFile(`/etc/${name}`, at(`etc/${name}`))
    }
    // below /opt, as the page has it, also where the clone lies in somebody's home
    const node = relative(root, process.execPath)
    const inside = node.startsWith("..") ? process.execPath : `/opt/gripgate/${node}`
    const script = async (name: string, text: string) => {
      await writeFile(at(`bin/${name}`), `#!/bin/sh\n${text}\n`)
      await chmod(at(`bin/${name}`), 0o755)
    }
    await script("gripgate", `exec ${inside} /opt/gripgate/packages/cli/bin/gripgate.mjs "$@"`)
    await script("sudo", "if [ \"$1\" = -u ]; then shift 2; fi\nexec \"$@\"")
    const binds = [
      ["--ro-bind", "/", "/"],
      ["--dev", "/dev"],
      ["--proc", "/proc"],
      ["--bind", at("etc"), "/etc"],
      ["--bind", at("run"), "/run"],
      ["--bind", at("lib"), "/var/lib"],
      ["--bind", at("home"), "/srv"],
      ["--bind", owner.path, "/srv/alice/.gnupg"],
      ["--tmpfs", "/opt"],
      ["--ro-bind", root, "/opt/gripgate"],
      ["--bind", folder, folder],
      ["--chdir", "/srv/alice"]
    ]
    sandbox = [needs("bwrap"), "--die-with-parent", "--unshare-pid", ...binds.flat()]
  })
  afterAll(() => stack.disposeAsync())

  const env = () => ({ HOME: "/srv/alice", PATH: `${at("bin")}:/usr/bin:/bin`, LC_ALL: "C.UTF-8", TERM: "dumb" })

  /** Types a block at a terminal, and y to what is asked. */
  const type = async (block: string): Promise<RunResult> => {
    await writeFile(at("block"), `set -e\n${block}\n`)
    const command = [...sandbox, "bash", at("block")].map((word) => `'${word}'`).join(" ")
    const result = await run([needs("script"), "-qec", command, "/dev/null"], { env: env(), input: "y\n" })
    assert.strictEqual(result.code, 0, `${block}\n${result.stdout.toString()}${result.stderr}`)
    return result
  }

  it("has these commands and no other, and is wrapped for reading", () => {
    assert.lengthOf(blocks, 8)
    assert.deepStrictEqual(longLines(page), [])
  })

  it("installs a user's gate in the place of the agent, and takes it away", async () => {
    const { stdout } = await type(userInstall)
    assert.include(stdout.toString(), "Go on? [y/N]")
    assert.include(stdout.toString(), "systemctl --user enable --now gripgate.service")
    const units = at("home/alice/.config/systemd/user")
    assert.includeMembers(await readdir(units), [
      "gripgate.service",
      "gripgate.socket",
      "gripgate-standard.socket",
      "gripgate-extra.socket",
      "gripgate-browser.socket",
      "gpg-agent.socket.d",
      "gpg-agent-extra.socket.d",
      "gpg-agent-browser.socket.d"
    ])
    await type(userUninstall)
    assert.deepStrictEqual(await readdir(units), [])
  })

  it("installs the system's gate by a policy that is sound, brings keys to it, and takes it away without them", async () => {
    assert.isTrue(Result.isSuccess(parsePolicy(written(policy), "p.toml")))
    await type(policy)
    const installed = await type(systemInstall)
    assert.include(installed.stdout.toString(), "make    /etc/systemd/system/gripgate-mail.socket")
    assert.notInclude(installed.stdout.toString(), "nobody but gripgate")
    const units = at("etc/systemd/system")
    assert.sameMembers(await readdir(units), ["gripgate.service", "gripgate-mail.socket"])
    await type(importKeys)
    const listed = await run([...sandbox, "gpg", "--homedir", "/var/lib/gripgate/gnupg", "--batch", "-K"], {
      env: env()
    })
    assert.include(listed.stdout.toString(), "alice@example.org")
    await type(dropIn)
    assert.isTrue(existsSync(join(units, "mailpile.service.d/gripgate.conf")))
    await type(systemUninstall)
    assert.deepStrictEqual(await readdir(units), ["mailpile.service.d"])
    assert.isTrue(existsSync(at("etc/gripgate/policy.toml")))
    assert.isAbove((await readdir(at("lib/gripgate/gnupg/private-keys-v1.d"))).length, 0)
  })

  it("writes an image for a package", async () => {
    await type(forPackages)
    const image = at("home/alice/image/etc/systemd")
    assert.include(await readdir(join(image, "system")), "gripgate.service")
    assert.include(await readdir(join(image, "user")), "gripgate-standard.socket")
  })

  it("has a drop-in for a service that systemd-analyze verify finds sound", async () => {
    const units = at("units")
    await mkdir(join(units, "mailpile.service.d"), { recursive: true })
    await writeFile(join(units, "mailpile.service"), "[Service]\nExecStart=/bin/true\n")
    await writeFile(join(units, "gripgate-mail.socket"), "[Socket]\nListenStream=/run/x\nService=mailpile.service\n")
    await writeFile(join(units, "mailpile.service.d/gripgate.conf"), written(dropIn))
    const verify = async () => {
      const { code, stderr } = await run([
        needs("systemd-analyze"),
        "--no-pager",
        "verify",
        join(units, "mailpile.service")
      ], {
        env: { ...owner.env, SYSTEMD_UNIT_PATH: `${units}:` }
      })
      return { code, stderr }
    }
    assert.deepStrictEqual(await verify(), { code: 0, stderr: "" })
    await writeFile(join(units, "mailpile.service.d/gripgate.conf"), written(dropIn).replace("BindPaths", "BindPath"))
    assert.include((await verify()).stderr, "BindPath", "the drop-in is read at all")
  })

  it("shows a service its own socket and nothing else of gripgate's, also after the gate was started anew", async () => {
    await using more = new AsyncDisposableStack()
    const settings = unitOf(written(dropIn))
    const places = at("places")
    await mkdir(places, { mode: 0o700 })
    const start = () =>
      startGate({
        home: owner,
        listen: join(places, "gripgate/S.gpg-agent"),
        policy: `default = "allow"\n${
          ["mail", "other"].map((app) => `[apps.${app}]\nsocket = "${app}"\nkeys = ["*"]`).join("\n")
        }\n`,
        env: { XDG_RUNTIME_DIR: places }
      })
    let gate = await start()
    more.defer(() => gate.close())
    const client = more.use(await makeClientHome({ owner, socket: "/run/gripgate/apps/mail/S.gpg-agent" }))
    const [temporary] = valueOf(settings, "TemporaryFileSystem").split(":")
    const [shown] = wordsOf(valueOf(settings, "BindPaths"), "")
    await mkdir(at("empty"))
    const hidden = wordsOf(valueOf(settings, "InaccessiblePaths"), "")
    assert.deepStrictEqual(hidden, ["/var/lib/gripgate", "/etc/gripgate"])
    const flags = at("flags")
    await mkdir(flags)
    const binds = [
      ["--ro-bind", "/", "/"],
      ["--dev", "/dev"],
      ["--tmpfs", "/run"],
      ["--tmpfs", temporary!],
      ["--bind", shown!.replace("/run", places), shown!],
      ["--tmpfs", "/tmp"],
      ["--bind", client.path, client.path],
      ["--bind", flags, "/tmp/flags"]
    ]
    const sign = "echo a text | gpg --batch --detach-sign > /dev/null"
    const script = [
      "cd /run/gripgate && find . | sort > /tmp/flags/seen",
      `${sign} && touch /tmp/flags/first`,
      "while [ ! -e /tmp/flags/again ]; do sleep 0.1; done",
      sign
    ].join("\n")
    const service = run([needs("bwrap"), "--die-with-parent", ...binds.flat(), "sh", "-c", script], { env: client.env })
    for (const end = performance.now() + 10_000; !existsSync(join(flags, "first"));) {
      assert.isBelow(performance.now(), end, "the service does not sign")
      await sleep(20)
    }
    assert.deepStrictEqual(readFileSync(join(flags, "seen"), "utf8").trim().split("\n"), [
      ".",
      "./apps",
      "./apps/mail",
      "./apps/mail/S.gpg-agent",
      "./apps/mail/S.gpg-agent.lock"
    ])
    await gate.stop("SIGKILL")
    gate = await start()
    await writeFile(join(flags, "again"), "")
    const { code, stderr } = await service
    assert.strictEqual(code, 0, stderr)
  })
})
