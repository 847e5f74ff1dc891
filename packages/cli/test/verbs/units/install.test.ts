// `gripgate install` and `gripgate uninstall` as a shell sees them, with a systemctl that writes down what it is told.
import { assert, describe, it } from "@effect/vitest"
import { run } from "@gripgate/testkit/run"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { environment, MAIN, makeFolder, put } from "../../support/cli.ts"

interface Place {
  readonly home: string
  readonly units: string
  readonly gripgate: (
    ...args: ReadonlyArray<string>
  ) => Promise<{ code: number | null; stdout: string; stderr: string }>
  /** What systemctl was told, but for whether it runs. */
  readonly told: () => ReadonlyArray<string>
  /** All files and links below the folder of units. */
  readonly files: () => ReadonlyArray<string>
}

/** `state` is what systemctl says of itself; it fails at the command that contains `fails`. */
const makePlace = (state: string, fails = "no such command"): Place => {
  const home = makeFolder()
  const log = join(home, "told")
  const bin = join(home, "bin")
  put(
    bin,
    "systemctl",
    `#!/bin/sh\ncase "$*" in *is-system-running) echo ${state}; exit 1;; esac\necho "$*" >> ${log}\ncase "$*" in *"${fails}"*) exit 5;; esac\n`
  )
  chmodSync(join(bin, "systemctl"), 0o755)
  const env = { ...environment(home), PATH: `${bin}:${process.env["PATH"]}` }
  const units = join(home, ".config/systemd/user")
  return {
    home,
    units,
    gripgate: async (...args) => {
      const { code, stderr, stdout } = await run([process.execPath, MAIN, ...args], { env, cwd: home })
      return { code, stderr, stdout: stdout.toString() }
    },
    told: () => existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [],
    files: () =>
      existsSync(units)
        ? readdirSync(units, { recursive: true }).map(String).filter((name) =>
          !lstatSync(join(units, name)).isDirectory()
        )
          .toSorted()
        : []
  }
}

const plain = ["gripgate.service", "gripgate.socket"]
describe("gripgate install", () => {
  it("changes nothing without a terminal and --yes, and shows what it would do", async () => {
    const place = makePlace("running")
    const { code, stderr, stdout } = await place.gripgate("install", "--user")
    assert.strictEqual(code, 1)
    assert.include(stdout, `make    ${place.units}/gripgate.service\n`)
    assert.include(stdout, "  systemctl --user enable --now gripgate.service gripgate.socket\n")
    assert.include(stderr, "nothing was changed")
    assert.include(stderr, "gripgate: hint: --yes")
    assert.deepStrictEqual([place.files(), place.told()], [[], []])
  })

  it("makes the units and has systemd take them, and a second time there is nothing to write", async () => {
    const place = makePlace("degraded")
    const first = await place.gripgate("install", "--user", "--yes")
    assert.strictEqual(first.code, 0, first.stderr)
    assert.deepStrictEqual(place.files(), plain)
    const commands = ["--user daemon-reload", "--user enable --now gripgate.service gripgate.socket"]
    assert.deepStrictEqual(place.told(), commands)
    const text = readFileSync(join(place.units, "gripgate.service"), "utf8")
    assert.include(text, `ExecStart=${process.execPath} ${MAIN} serve\n`)
    const second = await place.gripgate("install", "--user", "--yes")
    assert.include(second.stdout, "every file is as it should be")
    assert.deepStrictEqual(place.told(), [...commands, ...commands])
  })

  it("leaves the commands to whoever types them where no systemd answers", async () => {
    const place = makePlace("offline")
    const { code, stderr } = await place.gripgate("install", "--user", "--yes")
    assert.strictEqual(code, 0)
    assert.include(stderr, "these are left to type:\n  systemctl --user daemon-reload\n")
    assert.deepStrictEqual(place.told(), [])
  })

  it("writes units for all users of an image, and runs nothing", async () => {
    const place = makePlace("running")
    const image = join(place.home, "image")
    const { code, stderr, stdout } = await place.gripgate("install", "--user", "--stand-in", "--yes", "--root", image)
    assert.strictEqual(code, 0, stderr)
    assert.notInclude(stdout, "systemctl")
    assert.deepStrictEqual(place.files(), [])
    const folder = join(image, "etc/systemd/user")
    assert.includeMembers(readdirSync(folder), ["gripgate.service", "gripgate-standard.socket", "gpg-agent.socket.d"])
    assert.strictEqual((await place.gripgate("uninstall", "--user", "--yes", "--root", image)).code, 0)
    assert.deepStrictEqual(readdirSync(folder), [])
    assert.deepStrictEqual(place.told(), [])
  })

  it("never touches a file or a link that it has not written", async () => {
    for (const other of ["text", "link"] as const) {
      const place = makePlace("running")
      mkdirSync(place.units, { recursive: true })
      const path = join(place.units, "gripgate.socket")
      if (other === "text") writeFileSync(path, "[Socket]\nListenStream=/x\n")
      else symlinkSync("/dev/null", path)
      const { code, stderr } = await place.gripgate("install", "--user", "--yes")
      assert.strictEqual(code, 1)
      assert.include(stderr, `${path} is no file that gripgate wrote`)
      assert.deepStrictEqual(place.files(), ["gripgate.socket"])
      await place.gripgate("uninstall", "--user", "--yes")
      assert.deepStrictEqual(place.files(), ["gripgate.socket"])
    }
  })

  it("changes what an older version wrote, and removes what this one has no use for", async () => {
    const place = makePlace("running")
    put(place.units, "gripgate.service", "# written by gripgate\n[Service]\nExecStart=/old\n")
    put(place.units, "gripgate-old.socket", "# written by gripgate\n[Socket]\nListenStream=/old\n")
    mkdirSync(join(place.units, "sockets.target.wants"))
    symlinkSync(join(place.units, "gripgate-old.socket"), join(place.units, "sockets.target.wants/gripgate-old.socket"))
    const { stdout } = await place.gripgate("install", "--user", "--yes")
    assert.match(stdout, /change {2}.*gripgate\.service\n/)
    assert.match(stdout, /remove {2}.*gripgate-old\.socket\n/)
    assert.deepStrictEqual(place.files(), plain)
    assert.deepStrictEqual(place.told(), [
      "--user stop gripgate-old.socket",
      "--user daemon-reload",
      "--user stop gripgate.service",
      "--user enable --now gripgate.service gripgate.socket"
    ])
  })

  it("heals what one left that was killed half-way", async () => {
    const place = makePlace("offline")
    put(place.units, ".gripgate.socket.gripgate-new", "# written by gri")
    put(place.units, "gripgate.service", "# written by gripgate\n")
    assert.strictEqual((await place.gripgate("install", "--user", "--yes")).code, 0)
    assert.deepStrictEqual(place.files(), plain)
    put(place.units, ".gripgate.socket.gripgate-new", "")
    mkdirSync(join(place.units, "sockets.target.wants"))
    symlinkSync(join(place.units, "gripgate.socket"), join(place.units, "sockets.target.wants/gripgate.socket"))
    assert.strictEqual((await place.gripgate("uninstall", "--user", "--yes")).code, 0)
    assert.deepStrictEqual(place.files(), [])
  })

  it("says which commands are left where one of them fails", async () => {
    const place = makePlace("running", "daemon-reload")
    const { code, stderr } = await place.gripgate("install", "--user", "--yes")
    assert.strictEqual(code, 1)
    assert.include(stderr, "systemctl --user daemon-reload ended with exit code 5")
    assert.include(stderr, "gripgate: hint:   systemctl --user enable --now gripgate.service gripgate.socket")
    assert.deepStrictEqual(place.files(), plain)
  })

  it("shows its files with --dry-run, and all of the plan with --json, and does nothing", async () => {
    const place = makePlace("running")
    const dry = await place.gripgate("install", "--user", "--dry-run", "--yes")
    assert.strictEqual(dry.code, 0)
    assert.include(dry.stdout, "ListenStream=%t/gripgate/S.gpg-agent")
    const { stdout } = await place.gripgate("install", "--user", "--dry-run", "--json")
    const plan = JSON.parse(stdout) as { v: number; files: Array<{ path: string; change: string; text: string }> }
    assert.strictEqual(plan.v, 1)
    assert.deepStrictEqual(plan.files.map(({ change, path }) => [change, path]), [
      ["make", join(place.units, "gripgate.service")],
      ["make", join(place.units, "gripgate.socket")]
    ])
    assert.deepStrictEqual([place.files(), place.told()], [[], []])
  })

  it("writes the system's units below --root, by the policy that lies there", async () => {
    const place = makePlace("running")
    const image = join(place.home, "image")
    const empty = await place.gripgate("install", "--system", "--root", image, "--yes")
    assert.strictEqual(empty.code, 0, empty.stderr)
    assert.include(empty.stdout, "there is no policy at /etc/gripgate/policy.toml")
    put(image, "etc/gripgate/policy.toml", "[apps.mail]\nsocket = \"mail\"\nkeys = []\n")
    const { code, stdout } = await place.gripgate("install", "--system", "--root", image, "--yes")
    assert.strictEqual(code, 0)
    assert.include(stdout, "nobody but gripgate can connect as mail")
    const all = () =>
      readdirSync(image, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        .map(({ name, parentPath }) => join(parentPath, name).slice(image.length)).toSorted()
    assert.deepStrictEqual(all(), [
      "/etc/gripgate/policy.toml",
      "/etc/systemd/system/gripgate-mail.socket",
      "/etc/systemd/system/gripgate.service",
      "/etc/sysusers.d/gripgate.conf",
      "/etc/tmpfiles.d/gripgate.conf"
    ])
    assert.strictEqual((await place.gripgate("uninstall", "--system", "--root", image, "--yes")).code, 0)
    assert.deepStrictEqual(all(), ["/etc/gripgate/policy.toml"])
    assert.deepStrictEqual(place.told(), [])
    put(image, "etc/gripgate/policy.toml", "[apps.mail]\nsocket = 3\n")
    assert.strictEqual((await place.gripgate("install", "--system", "--root", image, "--yes")).code, 78)
  })

  it("says what the system says where it cannot write", async () => {
    const place = makePlace("offline")
    const { code, stderr } = await place.gripgate("install", "--user", "--yes", "--root", put(place.home, "file", ""))
    assert.strictEqual(code, 1)
    assert.match(stderr, /^gripgate: error: cannot (?:look at|write) .*: not a directory$/m)
  })

  it("needs to know whose systemd, and takes no flags of the other one", async () => {
    const place = makePlace("running")
    for (
      const [args, error] of [
        [["install"], "it needs one of --user and --system"],
        [["uninstall", "--user", "--system"], "it needs one of --user and --system"],
        [["install", "--system", "--stand-in"], "--stand-in goes with --user"],
        [["install", "--system", "--homedir", "/h"], "--homedir goes with --user"],
        [["install", "--user", "--root", ""], "--root needs a value"]
      ] as const
    ) {
      const { code, stderr } = await place.gripgate(...args)
      assert.strictEqual(code, 64)
      assert.include(stderr, error)
    }
  })

  it("asks at a terminal, and only y is a yes", async () => {
    const place = makePlace("offline")
    const env = { ...environment(place.home), PATH: `${join(place.home, "bin")}:${process.env["PATH"]}` }
    const typed = (answer: string) =>
      run(["script", "-qec", `${process.execPath} ${MAIN} install --user`, "/dev/null"], { env, input: answer })
    for (const answer of ["n\n", "\n", "yesno\n"]) {
      const { code } = await typed(answer)
      assert.strictEqual(code, 1)
      assert.deepStrictEqual(place.files(), [])
    }
    const { code, stdout } = await typed("y\n")
    assert.include(stdout.toString(), "Go on? [y/N]")
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(place.files(), plain)
  })
})

describe("gripgate uninstall", () => {
  it("stops what it removes, and tells systemd", async () => {
    const place = makePlace("running")
    await place.gripgate("install", "--user", "--yes")
    const before = place.told().length
    const { code } = await place.gripgate("uninstall", "--user", "--yes")
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(place.files(), [])
    assert.deepStrictEqual(place.told().slice(before), [
      "--user stop gripgate.service gripgate.socket",
      "--user daemon-reload"
    ])
  })

  it("has nothing to do where nothing is", async () => {
    const place = makePlace("running")
    const { code, stdout } = await place.gripgate("uninstall", "--user")
    assert.deepStrictEqual([code, stdout], [0, "there is nothing of gripgate's to remove\n"])
    assert.deepStrictEqual(place.told(), [])
  })
})
