// Stock programs that use a key with a token, on a machine without a display: gpg, git, a program with gpgme, gpgsm. The gate is a
// process of its own, the agent a real one, the keys have a passphrase; and that is to be found nowhere afterwards.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { makeKey, type TestKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk, type RunResult } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { copyFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { PROGRAM } from "../support/command-line.ts"
import { countInMemory } from "../support/process-memory.ts"
import { type Relay, startRelay } from "../support/relay.ts"

const git = needs("git")
const gpgsm = needs("gpgsm")
// the module belongs to Debian's own interpreter
const python = needs("python3", "/usr/bin")
const text = "a text\n"

/** Long, and nowhere but in this process until it is handed over. */
const passphrase = randomBytes(33).toString("base64url")
/** Stands in the environment of the gate, so that a search of its memory has something to find. */
const planted = randomBytes(33).toString("base64url")

const stack = new AsyncDisposableStack()
let owner: Homedir
let client: Homedir
let gate: Gate
let relay: Relay
let alice: TestKey
let token: string
let state: string

const certificate = [
  "Key-Type: RSA",
  "Key-Length: 2048",
  "Key-Usage: sign, encrypt",
  "Serial: random",
  "Name-DN: CN=Carol",
  "Name-Email: carol@example.org",
  "Not-After: 2090-01-01",
  "%commit",
  ""
].join("\n")

const sm = [gpgsm, "--disable-dirmngr", "--disable-crl-checks", "--no-tty", "--yes", "--status-fd", "2", "--batch"]
const loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]

/** A root certificate of its own with a key that has the passphrase; its keygrip. */
const makeCertificate = async (): Promise<string> => {
  const file = join(owner.path, "parameters")
  await writeFile(file, certificate)
  const input = `${passphrase}\n`
  const { stdout } = await runOk([...sm, ...loopback, "--generate-key", file], { env: owner.env, input })
  await runOk([...sm, "--import"], { env: owner.env, input: stdout })
  const listed = (await runOk([...sm, "--with-colons", "--with-keygrip", "-k"], { env: owner.env })).stdout.toString()
  await writeFile(join(owner.path, "trustlist.txt"), `${/^fpr:+([0-9A-F]{40}):/m.exec(listed)![1]} S relax\n`)
  await owner.run(["gpgconf", "--reload", "gpg-agent"])
  return /^grp:+([0-9A-F]{40}):/m.exec(listed)![1]!
}

beforeAll(async () => {
  owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  alice = await makeKey(owner, {
    userId: "Alice <alice@example.org>",
    passphrase: Buffer.from(passphrase),
    algo: "ed25519",
    subkey: "cv25519"
  })
  const grip = await makeCertificate()
  // what was unlocked to make them is forgotten: only the token opens them
  await owner.killAgent()
  await owner.launchAgent()
  state = join(owner.path, "state")
  const control = ["--control", join(owner.path, "control")]
  const app = join(owner.path, "mail.sock")
  const policy = `default = "forbid"\n[apps.mail]\nsocket = "${app}"\nkeys = ["alice@example.org", "grip:${grip}"]\n`
    + "sign = \"token\"\ndecrypt = \"token\"\nloopback = \"token\"\n"
  gate = stack.use(
    await startGate({ home: owner, policy, args: ["--state", state, ...control], env: { GRIPGATE_PLANTED: planted } })
  )
  const keys = ["--key", "alice@example.org", "--key", `grip:${grip}`]
  const granted = await owner.run(
    [process.execPath, PROGRAM, "grant", "mail", ...keys, "--json", "--passphrase-fd", "0", ...control],
    { input: `${passphrase}\n` }
  )
  assert.strictEqual(granted.code, 0, granted.stderr)
  token = (JSON.parse(granted.stdout.toString()) as { readonly token: string }).token
  relay = stack.use(await startRelay(join(owner.path, "relay.sock"), app))
  client = stack.use(await makeClientHome({ owner, socket: relay.path }))
  await copyFile(join(owner.path, "trustlist.txt"), join(client.path, "trustlist.txt"))
  const exported = await runOk([...sm, "--export"], { env: owner.env })
  await runOk([...sm, "--import"], { env: client.env, input: exported.stdout })
})
afterAll(() => stack.disposeAsync())

type Way = "as the passphrase" | "in the environment"
const ways: ReadonlyArray<Way> = ["as the passphrase", "in the environment"]

/** The environment of a program of the app that presents the token there. */
const environment = (): Readonly<Record<string, string>> => ({
  ...client.env,
  PINENTRY_USER_DATA: `gripgate:${token}`
})

/** A program of GnuPG on a file, the token presented in one of the two ways. */
const present = async (
  way: Way,
  program: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
  input: string | Buffer
): Promise<RunResult> => {
  const file = join(client.path, "input")
  await writeFile(file, input)
  return way === "as the passphrase"
    ? run([...program, ...loopback, ...args, file], { env: client.env, input: `${token}\n` })
    : run([...program, ...args, file], { env: environment() })
}

const gpg = ["gpg", "--batch", "--no-tty", "--status-fd", "2", "--yes", "--output", "-"]

const assertSigned = async (signature: Buffer): Promise<void> => {
  const { code, stderr } = await owner.run(["gpg", "--batch", "--status-fd", "2", "--verify"], { input: signature })
  assert.strictEqual(code, 0, stderr)
  assert.include(stderr, `VALIDSIG ${alice.fingerprint}`)
}

describe("a program that presents a token", () => {
  for (const way of ways) {
    it(`gpg signs, the token ${way}`, async () => {
      const signed = await present(way, gpg, ["--sign"], text)
      assert.strictEqual(signed.code, 0, signed.stderr)
      await assertSigned(signed.stdout)
    })

    it(`gpg decrypts, the token ${way}`, async () => {
      const recipient = ["gpg", "--batch", "--trust-model", "always", "-r", alice.fingerprint, "--encrypt"]
      const { stdout } = await runOk(recipient, { env: client.env, input: text })
      const decrypted = await present(way, gpg, ["--decrypt"], stdout)
      assert.strictEqual(decrypted.code, 0, decrypted.stderr)
      assert.strictEqual(decrypted.stdout.toString(), text)
    })

    it(`gpgsm signs and decrypts, the token ${way}`, async () => {
      const signed = await present(way, sm, ["-u", "carol@example.org", "--sign"], text)
      assert.strictEqual(signed.code, 0, signed.stderr)
      const { stderr } = await run([...sm, "--verify"], { env: owner.env, input: signed.stdout })
      assert.match(stderr, /GOODSIG [0-9A-F]{40} \/CN=Carol/)
      const { stdout } = await runOk([...sm, "-r", "carol@example.org", "--encrypt"], { env: client.env, input: text })
      const decrypted = await present(way, sm, ["--decrypt"], stdout)
      assert.strictEqual(decrypted.code, 0, decrypted.stderr)
      assert.strictEqual(decrypted.stdout.toString(), text)
    })

    it(`a program with gpgme signs and decrypts, the token ${way}`, async () => {
      const file = join(client.path, "program.py")
      await writeFile(file, program)
      const inBand = way === "as the passphrase"
      const { code, stderr, stdout } = await run([python, file, ...inBand ? ["in-band"] : []], {
        env: inBand ? client.env : environment(),
        ...inBand && { input: token }
      })
      assert.strictEqual(code, 0, stderr)
      assert.include(stdout.toString(), "decrypted: a secret\n")
      await assertSigned(stdout.subarray(stdout.indexOf("-----BEGIN PGP SIGNED")))
    })
  }

  it("git commits, the token in the environment, and verifies", async () => {
    const env = {
      ...environment(),
      GIT_CONFIG_NOSYSTEM: "1",
      ...Object.fromEntries(["AUTHOR", "COMMITTER"].flatMap((who) => [
        [`GIT_${who}_NAME`, "Alice"],
        [`GIT_${who}_EMAIL`, "alice@example.org"]
      ]))
    }
    const repository = join(client.path, "repo")
    await runOk([git, "init", "--quiet", repository], { env })
    await runOk([git, "-C", repository, "commit", "--quiet", "--allow-empty", "-S", "-m", "first"], { env })
    const { stderr } = await runOk([git, "-C", repository, "verify-commit", "--raw", "HEAD"], { env: client.env })
    assert.include(stderr, `VALIDSIG ${alice.fingerprint}`)
  })

  it("is refused without the token, whatever another has just used", async () => {
    const refused = await run([...gpg, "--sign"], { env: client.env, input: text })
    assert.strictEqual(refused.code, 2)
    assert.include(refused.stderr, "signing failed: Forbidden")
    assert.strictEqual(await owner.pinentry.questions(), 0, "nobody was asked for anything")
  })
})

/** With gpgme: decrypts what it has encrypted, then signs. */
const program = `import sys
try:
    import gpg
except ImportError:
    sys.exit("this test needs gpgme for Python: apt-get install python3-gpg")
context = gpg.Context(armor=True)
if "in-band" in sys.argv:
    token = sys.stdin.read()
    context.pinentry_mode = gpg.constants.PINENTRY_MODE_LOOPBACK
    context.set_passphrase_cb(lambda *_: token)
key = next(context.keylist("alice@example.org"))
secret, _, _ = context.encrypt(b"a secret", recipients=[key], sign=False, always_trust=True)
print("decrypted:", context.decrypt(secret, verify=False)[0].decode(), flush=True)
signed, _ = context.sign(b"a text", mode=gpg.constants.SIG_MODE_CLEAR)
sys.stdout.buffer.write(signed)
`

/** What the gate's memory has of a passphrase, after it was seen that a search finds what is there. */
const inGate = async (secret: string): Promise<number> => {
  const [there, count] = await countInMemory(gate.pid, planted, secret)
  assert.isAbove(there!, 0, "a search of the gate's memory finds what is there")
  return count!
}

const procFile = (pid: number, name: string): Buffer => readFileSync(`/proc/${pid}/${name}`)

describe("the passphrase of a key that is used with a token", () => {
  it("is nowhere: not with the client, on the wire, in a file, a log, or the gate", async () => {
    const child = spawn("gpg", [...gpg.slice(1), ...loopback, "--sign"], {
      env: { ...environment() },
      stdio: ["pipe", "pipe", "ignore"]
    })
    const output: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk))
    try {
      const held = relay.holdNext((chunk) => /^D /m.test(chunk.toString("latin1")))
      child.stdin.end(`${token}\n${text}`)
      const go = await held
      // the signature is made, and the client waits for it
      const [its, ours] = await countInMemory(child.pid!, token, passphrase)
      assert.isAbove(its!, 0, "a search of a client's memory finds what is there")
      assert.strictEqual(ours, 0)
      for (const name of ["cmdline", "environ"]) {
        assert.notInclude(procFile(child.pid!, name).toString("latin1"), passphrase)
      }
      go()
      assert.deepStrictEqual(await once(child, "close"), [0, null])
    } finally {
      child.kill("SIGKILL")
    }
    await assertSigned(Buffer.concat(output))
    assert.strictEqual(await inGate(passphrase), 0)
    for (const name of ["cmdline", "environ", "maps"]) {
      assert.notInclude(procFile(gate.pid, name).toString("latin1"), passphrase)
    }
    assert.include(procFile(gate.pid, "environ").toString("latin1"), planted)
    for (const bytes of [relay.said(), relay.heard()]) assert.notInclude(bytes.toString("latin1"), passphrase)
    assert.include(relay.said().toString("latin1"), token)
    assert.notInclude(relay.heard().toString("latin1"), token)
    const log = gate.log().join("\n")
    assert.match(log, /allowed sign/)
    for (const secret of [passphrase, token]) {
      assert.notInclude(log, secret)
      for (const name of readdirSync(state, { recursive: true, encoding: "utf8" })) {
        if (!/\.(?:jsonl|head|key)$/.test(name)) continue
        assert.notInclude(readFileSync(join(state, name)).toString("latin1"), secret, name)
      }
    }
    assert.match(readFileSync(join(state, "grants.jsonl"), "utf8"), /"seals":\{"[0-9A-F]{40}":/)
  })
  it("is not in the gate where it was typed into the gate's own pinentry, wrong at first", async () => {
    // long: what is read later goes over the beginning
    const wrong = randomBytes(180).toString("base64url")
    await owner.pinentry.script({ answers: [{ pin: wrong }, { pin: passphrase }] })
    const args = ["grant", "mail", "--key", "alice@example.org", "--pinentry", "--control", join(owner.path, "control")]
    const { code, stderr } = await owner.run([process.execPath, PROGRAM, ...args])
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(await owner.pinentry.questions(), 2)
    for (const typed of [wrong.slice(-64), passphrase]) assert.strictEqual(await inGate(typed), 0)
  })

  it("is not in the gate where it was a wrong one", async () => {
    const wrong = randomBytes(33).toString("base64url")
    const control = ["--control", join(owner.path, "control")]
    const args = ["grant", "mail", "--key", "alice@example.org", "--passphrase-fd", "0", ...control]
    const refused = await owner.run([process.execPath, PROGRAM, ...args], { input: `${wrong}\n` })
    assert.strictEqual(refused.code, 1)
    assert.strictEqual(await inGate(wrong), 0)
  })
})
