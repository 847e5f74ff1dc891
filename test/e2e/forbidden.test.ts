// What the policy forbids, as the person at stock gpg sees it, as the owner finds it in the gate's log, and as a session
// survives it. One gate with an app for each operation, of which it may do everything else.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, readKey, type TestKey } from "@gripgate/testkit/keys"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { run, type RunResult } from "@gripgate/testkit/run"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { apps, attempts, cases, FORBIDDEN, gpg, loopback, text } from "./forbidden-cases.ts"

const { plain: alice, protected: bob } = fixtureKeys

const tableOf = (app: string, ...lines: ReadonlyArray<string>) => ["", `[apps.${app}]`, `socket = "${app}"`, ...lines]
const allKeys = "keys = [\"*\"]"
const policy = [
  "default = \"allow\"",
  ...apps.flatMap((app) => tableOf(app, allKeys, `${app} = "forbid"`)),
  ...tableOf("asks", allKeys, "sign = \"ask\""),
  ...tableOf("shows-a-token", allKeys, "sign = \"token\""),
  ...tableOf("has-one-key", `keys = ["grip:${alice.keygrips.primary}", "grip:${alice.keygrips.encryption}"]`),
  "",
  "[approve]",
  "approvers = []"
].join("\n")
const lineOf = (operation: string) => policy.split("\n").indexOf(`${operation} = "forbid"`) + 1

const opened = new AsyncDisposableStack()
let owner: Homedir
let gate: Gate
let ciphertext: Buffer
/** A key that signs and authenticates. */
let carol: TestKey
const socketOf = (app: string) => join(owner.path, `${app}.sock`)

beforeAll(async () => {
  owner = opened.use(await makeHomedir({ agentConf: ["disable-scdaemon", "allow-preset-passphrase"] }))
  for (const key of ["plain", "protected"] as const) await importKey(owner, key)
  const both = ["--quick-generate-key", "--", "Carol <carol@example.org>", "ed25519", "sign,auth", "never"]
  await owner.gpg(["--pinentry-mode", "loopback", "--passphrase-fd", "0", ...both], { input: "\n" })
  carol = await readKey(owner, "carol@example.org")
  ciphertext = (await owner.gpg(["-r", alice.fingerprint, "--encrypt"], { input: text })).stdout
  const named = [...apps, "asks", "shows-a-token", "has-one-key"]
  const listen = named.flatMap((app) => ["--listen", `${app}=${socketOf(app)}`])
  const own = ["--state", join(owner.path, "state"), "--control", join(owner.path, "control")]
  gate = opened.use(await startGate({ home: owner, policy, args: [...listen, ...own] }))
})
afterAll(() => opened.disposeAsync())

/** Runs something as an app, and gives the log lines that the gate wrote about refusals meanwhile. */
const as = async (app: string, argv: ReadonlyArray<string>, input?: string | Buffer) => {
  await using client = await makeClientHome({ owner, socket: socketOf(app) })
  const before = gate.log().length
  const result = await run(argv, { env: client.env, ...input !== undefined && { input } })
  const mine = new RegExp(`^gripgate: refused .* (?:to|of) app ${app} `)
  return { result, refusals: () => gate.log().slice(before).filter((line) => mine.test(line)) }
}

const connect = async (app: string): Promise<RawClient> => {
  const client = await connectRaw(socketOf(app))
  assert.match((await client.readReply()).last, /^OK/, "greeted all the same")
  return client
}

const said = ({ stderr, stdout }: RunResult): ReadonlyArray<string> => `${stderr}${stdout}`.split("\n")

/** The gate's line about one refusal, taken apart. */
const refusal = /^gripgate: refused (.*) to app (\S+) \(session \d+[^)]*\) by (.*?): (.*)$/
const expected = (operation: string, command: string) => ({
  app: operation,
  command,
  entry: `[apps.${operation}] ${operation} = "forbid" (${gate.policyFile}:${lineOf(operation)}:1)`
})
const read = (line: string) => {
  const [, , app, command, entry] = refusal.exec(line) ?? []
  return { app, command, entry }
}

describe("a forbidden operation: a message for whoever runs gpg, a line in the log for the owner", () => {
  for (const { argv, does, exit, input, log, operation, says } of cases) {
    it(`${operation}: ${does}`, async () => {
      const { refusals, result } = await as(operation, argv, input === "ciphertext" ? ciphertext : input)
      const lines = said(result)
      assert.strictEqual(result.code, exit, lines.join("\n"))
      for (const message of says) assert.isTrue(lines.some((line) => line.includes(message)), lines.join("\n"))
      assert.strictEqual(says.length > 0 || lines.every((line) => line === ""), true, lines.join("\n"))
      // gpg may have ended before the gate's line about its last command has come here
      for (let tries = 0; tries < 400 && refusals().length < log.length; tries++) await sleep(5)
      assert.deepEqual(refusals().map(read), log.map((command) => expected(operation, command)))
      for (const line of refusals()) {
        // a signature is refused as one, also where what is forbidden is what it may be besides
        const asked = operation === "certify" || operation === "authenticate" ? "sign" : operation
        assert.match(refusal.exec(line)![1]!, new RegExp(`^${asked}(?: with key [0-9A-F]{40})?$`))
      }
    })
  }

  it("nothing of all that has changed anything", async () => {
    assert.isDefined(await owner.agentPid())
    await using agent = await connectRaw(await owner.agentSocket())
    await agent.readReply()
    const { status } = await agent.command("KEYINFO --list")
    const grips = status.map((line) => line.split(" ")[1]!).toSorted()
    assert.deepEqual(grips, [alice, bob, carol].flatMap(({ keygrips }) => Object.values(keygrips)).toSorted())
  })

  it("loopback without a key named: gpg goes on without it, and the gate does not let it", async () => {
    const { refusals, result } = await as("loopback", gpg(...loopback, "--clearsign"), text)
    assert.strictEqual(result.code, 2, result.stderr)
    assert.include(result.stderr, "gpg: setting pinentry mode 'loopback' failed: Forbidden\n")
    assert.notInclude(result.stdout.toString(), "BEGIN PGP SIGNATURE")
    await gate.waitForLog(/refused PKSIGN of app loopback \(session \d+[^)]*\): this session was refused loopback/)
    assert.deepEqual(read(refusals()[0]!), expected("loopback", "OPTION pinentry-mode"))
    assert.strictEqual(await owner.pinentry.questions(), 0)
  })

  it("prompt: no error, but the pinentry appears where the owner is", async () => {
    await using client = await makeClientHome({ owner, socket: socketOf("prompt") })
    await owner.pinentry.script({ answers: [{ pin: "abc" }] })
    const result = await run(gpg("-u", bob.fingerprint, "--clearsign"), {
      env: { ...client.env, DISPLAY: ":77", PINENTRY_USER_DATA: "of the client" },
      input: text
    })
    assert.strictEqual(result.code, 0, result.stderr)
    const start = (await owner.pinentry.log()).findLast(({ event }) => event === "start")
    assert.isTrue(start?.event === "start" && !start.argv.includes("--display"), JSON.stringify(start))
    assert.isTrue(start?.event === "start" && start.env["PINENTRY_USER_DATA"] === undefined)
  })
})

describe("what cannot be satisfied is refused, and the log says why", () => {
  const reasons = {
    "asks": "there is no way to ask the owner: \\[approve\\] names nobody who could answer",
    "shows-a-token": "no token was presented"
  }
  for (const [app, why] of Object.entries(reasons)) {
    it(`an app that ${app}: ${why}`, async () => {
      const { refusals, result } = await as(app, gpg("-u", alice.fingerprint, "--clearsign"), text)
      assert.strictEqual(result.code, 2, result.stderr)
      assert.include(result.stderr, "gpg: signing failed: Forbidden\n")
      await gate.waitForLog(new RegExp(`to app ${app} .* by PKSIGN: .*, and ${why}$`))
      assert.strictEqual(refusals().length, 1)
    })
  }
})

describe("a key that an app was not given does not exist for it", () => {
  it("is not listed", async () => {
    const { result } = await as("has-one-key", gpg("-K", "--with-colons"))
    assert.strictEqual(result.code, 0, result.stderr)
    assert.strictEqual(result.stderr, "")
    const listed = result.stdout.toString()
    assert.include(listed, alice.fingerprint)
    assert.notInclude(listed, bob.fingerprint)
  })

  it("is not signed with, and the given one is", async () => {
    const { result } = await as("has-one-key", gpg("-u", bob.fingerprint, "--clearsign"), text)
    assert.strictEqual(result.code, 2)
    assert.include(result.stderr, `gpg: skipped "${bob.fingerprint}": No secret key\n`)
    assert.strictEqual((await as("has-one-key", gpg("-u", alice.fingerprint, "--clearsign"), text)).result.code, 0)
  })
})

describe("a refused session lives on: the next allowed command of the same connection works", () => {
  /** A use of a key from beginning to end. */
  const use = async (client: RawClient, app: string) => {
    if (["sign", "certify"].includes(app)) {
      const { data, last } = await client.command(`READKEY ${alice.keygrips.primary}`)
      assert.strictEqual(last, "OK")
      return assert.include(data.toString("latin1"), "(10:public-key")
    }
    await client.command("RESET")
    assert.strictEqual((await client.command(`SIGKEY ${alice.keygrips.primary}`)).last, "OK")
    assert.strictEqual((await client.command(`SETHASH 8 ${"cd".repeat(32)}`)).last, "OK")
    const { data, last } = await client.command("PKSIGN")
    assert.strictEqual(last, "OK")
    assert.include(data.toString("latin1"), "(7:sig-val(5:eddsa")
  }

  for (const [app, { before = [], refused }] of Object.entries(attempts).filter(([app]) => app !== "loopback")) {
    it(`${app}: ${refused.split(" ", 1)}`, async () => {
      await using client = await connect(app)
      for (const line of before) {
        assert.strictEqual((await client.command(line.replace("CAROL", carol.keygrips.primary))).last, "OK")
      }
      for (let i = 0; i < 2; i++) {
        const { last, lines } = await client.command(refused)
        assert.strictEqual(lines.length, 1, "one reply")
        assert.isTrue(last.startsWith(FORBIDDEN), last)
      }
      await use(client, app)
    })
  }

  it("loopback: only after another pinentry mode, and RESET is none", async () => {
    await using client = await connect("loopback")
    const sign = async () => {
      await client.command(`SIGKEY ${alice.keygrips.primary}`)
      await client.command(`SETHASH 8 ${"cd".repeat(32)}`)
      return (await client.command("PKSIGN")).last
    }
    assert.match((await client.command("OPTION pinentry-mode=loopback")).last, /^ERR 67109115 Forbidden/)
    assert.match(await sign(), /^ERR 67109115 Forbidden/)
    assert.strictEqual((await client.command("RESET")).last, "OK")
    assert.match(await sign(), /^ERR 67109115 Forbidden/)
    assert.strictEqual((await client.command("OPTION pinentry-mode=ask")).last, "OK")
    assert.strictEqual(await sign(), "OK")
  })
})

describe("a gate that forbids by default, or asks an owner who says no", () => {
  const cases = [["forbid", /No secret key|Forbidden/, 0], ["ask", /Operation cancelled/, 5]] as const
  for (const [verdict, does, asked] of cases) {
    it(`--default ${verdict}: nothing works, nothing hangs, and ${asked === 0 ? "nobody" : "only he"} is asked`, async () => {
      await using stack = new AsyncDisposableStack()
      const listen = join(owner.path, `default-${verdict}.sock`)
      const own = ["--state", `${listen}.state`, "--control", `${listen}.control`]
      const strict = stack.use(await startGate({ home: owner, listen, args: ["--default", verdict, ...own] }))
      const client = stack.use(await makeClientHome({ owner, socket: strict.socket }))
      await owner.pinentry.script({ answers: [], default: "cancel" })
      const questions = await owner.pinentry.questions()
      const runs = [
        await client.run(gpg("-u", alice.fingerprint, "--clearsign"), { input: text }),
        await client.run(gpg("--decrypt"), { input: ciphertext }),
        await client.run(gpg("--symmetric"), { input: text }),
        await client.run(gpg("--export-secret-keys")),
        await client.run(gpg("--batch", "--yes", "--delete-secret-keys", alice.fingerprint))
      ]
      for (const { code, stderr } of runs) {
        assert.strictEqual(code, 2, stderr)
        assert.match(stderr, does)
      }
      assert.strictEqual(await owner.pinentry.questions(), questions + asked)
      await strict.waitForLog(new RegExp(`^gripgate: refused .*: default = "${verdict}"`))
      // a card that is not there is what gpg looks for in ordinary work, and it says nothing of it
      const card = await client.run(gpg("--card-status"))
      assert.include(card.stderr, "gpg: OpenPGP card not available: No SmartCard daemon\n")
    })
  }
})
