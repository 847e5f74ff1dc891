// `gripgate home` and `gripgate env` as a user calls them: what they print, refuse and survive, and that stock gpg is the app by them.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey } from "@gripgate/testkit/keys"
import { run, runOk, type RunResult } from "@gripgate/testkit/run"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { PROGRAM } from "../support/command-line.ts"

const { plain, protected: bob } = fixtureKeys

describe("client homedirs", () => {
  const stack = new AsyncDisposableStack()
  let owner: Homedir
  let home: string
  let gate: Gate
  let homes: string
  const env = () => ({ ...owner.env, HOME: home })
  const gripgate = (...args: ReadonlyArray<string>): Promise<RunResult> =>
    run([process.execPath, PROGRAM, ...args], { env: env(), cwd: home })
  beforeAll(async () => {
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    for (const name of ["plain", "protected"] as const) await importKey(owner, name)
    home = await makeFolder("ch")
    stack.defer(() => removeFolder(home))
    homes = join(home, ".local/share/gripgate/homes")
    await mkdir(join(home, ".config/gripgate"), { recursive: true })
    await writeFile(
      join(home, ".config/gripgate/policy.toml"),
      [
        "default = \"allow\"",
        "[apps.mail]",
        "socket = \"mail\"",
        `keys = ["${plain.fingerprint}"]`,
        "[apps.known]",
        "match = { exe = \"/usr/bin/gpg\" }",
        "keys = [\"*\"]",
        "[apps.colon]",
        `socket = "${home}/a:b"`,
        "keys = [\"*\"]"
      ].join("\n")
    )
    gate = stack.use(await startGate({ home: owner, env: { HOME: home } }))
  })
  afterAll(() => stack.disposeAsync())

  it("home prints the path of one by which stock gpg is the app", async () => {
    const { code, stderr, stdout } = await gripgate("home", "mail")
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout.toString(), `${join(homes, "mail")}\n`)
    assert.strictEqual(stderr, "")
    const gpg = ["gpg", "--homedir", stdout.toString().trim(), "--batch"]
    await runOk([...gpg, "--clearsign"], { env: env(), input: "a text\n" })
    await gate.waitForLog(/allowed sign .* to app mail /)
    const other = await run([...gpg, "-u", bob.fingerprint, "--clearsign"], { env: env(), input: "a text\n" })
    assert.include(other.stderr, "No secret key")
  })

  it("env prints lines that make a shell's gpg the app, whatever GNUPGHOME was", async () => {
    const call = `${process.execPath} ${PROGRAM} env mail`
    const script =
      `eval "$(${call})" && eval "$(${call})" && gpg --batch --clearsign < /dev/null && echo "$GPG_AGENT_INFO"`
    const { stdout } = await runOk(["sh", "-c", script], { env: env() })
    assert.include(stdout.toString(), "BEGIN PGP SIGNATURE")
    assert.match(stdout.toString(), /\n\/.*\/apps\/mail\/S\.gpg-agent:\d+:1\n$/)
    const json = JSON.parse((await gripgate("env", "mail", "--json")).stdout.toString())
    assert.deepStrictEqual(Object.keys(json.env), ["GNUPGHOME", "GPG_AGENT_INFO"])
    assert.strictEqual((await gripgate("env", "mail", "--gpg1")).stdout.toString().match(/export/g)?.length, 1)
    assert.match((await gripgate("env", "mail", "--shell", "fish")).stdout.toString(), /^set -gx GNUPGHOME '/)
  })

  it("env leaves out what GPG_AGENT_INFO cannot name, and says so", async () => {
    const { code, stderr, stdout } = await gripgate("env", "colon")
    assert.strictEqual(code, 0, stderr)
    assert.include(stderr, "note: GPG_AGENT_INFO cannot name a path with a colon")
    assert.match(stdout.toString(), /^export GNUPGHOME='.*';\n$/)
  })

  it("--refresh brings what is new, of one and of all", async () => {
    await gripgate("home", "mail")
    const erin = await makeKey(owner, { userId: "Erin <erin@example.org>", algo: "ed25519" })
    const keysOf = async () => {
      const { stdout } = await runOk(["gpg", "--homedir", join(homes, "mail"), "--with-colons", "-k"], { env: env() })
      return stdout.toString()
    }
    assert.strictEqual((await gripgate("home", "mail")).code, 0)
    assert.notInclude(await keysOf(), erin.fingerprint)
    const one = JSON.parse((await gripgate("home", "mail", "--refresh", "--json")).stdout.toString())
    assert.deepStrictEqual([one.added, one.removed, one.homedir], [[erin.fingerprint], [], join(homes, "mail")])
    await owner.gpg(["--yes", "--delete-secret-and-public-key", erin.fingerprint])
    const all = await gripgate("home", "--refresh")
    assert.strictEqual(all.code, 0, all.stderr)
    assert.include(all.stdout.toString(), join(homes, "mail"))
    assert.notInclude(await keysOf(), erin.fingerprint)
  })

  it("--refresh renews the others where one cannot be, and fails", async () => {
    await gripgate("home", "mail")
    await mkdir(join(homes, "broken"), { recursive: true })
    await writeFile(join(homes, "broken/gripgate.json"), "{")
    const { code, stderr, stdout } = await gripgate("home", "--refresh")
    assert.strictEqual(code, 1)
    assert.include(stderr, "broken/gripgate.json is damaged")
    assert.include(stdout.toString(), join(homes, "mail"))
    await rm(join(homes, "broken"), { recursive: true })
  })

  it("keys come from a file or stdin, and then no policy is needed", async () => {
    const dir = join(home, "given")
    const keys = (await owner.gpg(["--export", plain.fingerprint])).stdout
    const argv = [process.execPath, PROGRAM, "home", "mail", "--dir", dir, "--keys", "-", "--socket", "/run/x/S"]
    const none = { ...env(), XDG_CONFIG_HOME: "/nowhere", GNUPGHOME: "/nowhere" }
    await runOk(argv, { env: none, input: keys })
    assert.deepStrictEqual(JSON.parse(readFileSync(join(dir, "gripgate.json"), "utf8")).keys, [plain.fingerprint])
    const wrong = await run(argv, { env: none, input: "no key\n" })
    assert.strictEqual(wrong.code, 1)
    assert.match(wrong.stderr, /^gripgate: error: /)
  })

  it("says what is wrong with what it is asked for", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
      [["home"], 64, "APP is missing"],
      [["home", "mial"], 64, "did you mean \"mail\"?"],
      [["env"], 64, "APP is missing"],
      [["home", "../x", "--keys", "-", "--socket", "/s"], 64, "cannot be the name of an app"],
      [["home", "--refresh", "--dir", "/x"], 64, "--dir needs an APP"],
      [["home", "mail", "--dir", owner.path], 1, "is not empty, and no client homedir"],
      [
        ["home", "mail", "--dir", join(home, "new1"), "--homedir", "/nowhere"],
        1,
        "the homedir /nowhere cannot be used"
      ],
      [["home", "mail", "--dir", join(home, "new2"), "--keys", "/nowhere"], 1, "the keys in /nowhere cannot be read"],
      [["home", "mail", "--dir", "/proc/x"], 1, "cannot be used"],
      [["home", "mail", "--policy", "/nowhere"], 78, "/nowhere"]
    ]
    for (const [args, code, text] of cases) {
      const result = await gripgate(...args)
      assert.strictEqual(result.code, code, `${args.join(" ")}: ${result.stderr}`)
      assert.include(result.stderr, text)
      assert.notInclude(result.stderr, "bug")
    }
  })

  it("an app that is known otherwise has the open socket, and is told that a homedir makes nobody that app", async () => {
    const { code, stderr } = await gripgate("home", "known")
    assert.strictEqual(code, 0)
    assert.include(stderr, "note: the app known has no socket of its own")
  })

  it("killed at any moment, the next call makes it whole", async () => {
    const good = join(home, "good")
    await gripgate("home", "mail", "--dir", good)
    const files = (dir: string) =>
      readdirSync(dir).filter((name) => !name.endsWith("~") && !name.startsWith(".#")).toSorted()
    let killed = 0
    for (let ms = 40; ms < 400; ms += 30) {
      const dir = join(home, `k${ms}`)
      const result = await run([process.execPath, PROGRAM, "home", "mail", "--dir", dir], { env: env(), timeoutMs: ms })
      if (result.timedOut) killed += 1
      const again = await gripgate("home", "mail", "--dir", dir)
      assert.strictEqual(again.code, 0, again.stderr)
      assert.deepStrictEqual(files(dir), files(good))
      const { stdout } = await runOk(["gpg", "--homedir", dir, "--batch", "--with-colons", "-k"], { env: env() })
      assert.include(stdout.toString(), plain.fingerprint)
      assert.include(stdout.toString(), bob.fingerprint)
      assert.isTrue(existsSync(join(dir, "S.gpg-agent")) || existsSync(`/run/user/${process.getuid!()}`))
    }
    assert.isAbove(killed, 0)
  })
})
