// A question to the owner is the gate's own, whatever a client says, shows of itself or names its keys: who asks, how he is known,
// for what, with which key, over which digest. The same in a pinentry, on the command line, for programs, in the log.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { writeConnect } from "@gripgate/proxy/listen/far/connect-descriptor"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey, type TestKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw, type RawClient, type RawReply } from "@gripgate/testkit/raw-client"
import { copyFile, mkdir, readFile, realpath, writeFile } from "node:fs/promises"
import { userInfo } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { commandLine } from "../support/command-line.ts"
import { type AskedQuestion, type Control, controlOf, type Watcher } from "../support/control.ts"
import { type Dialog, sinceNow } from "../support/dialogs.ts"
import { startTestGate, type TestGate, type TestGateOptions } from "../support/gate.ts"
import { isHarmful, lies, wordsOf } from "../support/lies.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const { encryption, primary } = fixtureKeys.plain.keygrips
const KEY_ID = fixtureKeys.plain.fingerprint.slice(-16)
const me = userInfo()

/** User ids that gpg takes. */
const deceptiveIds = [
  "gripgate: the app \"git\" wants to decrypt <git@example.org>",
  "Alice <alice@example.org>\", \"Key: FEDCBA9876543210",
  "\u202ecilA\u2066 <alice@example.org>",
  "\u201cAlice\u201d \uff02Bob\uff02 <b>x</b> &lt;br&gt; <a@example.org>",
  `It can: nothing${"\u2003".repeat(60)}Who: "by its own socket" <a@example.org>`,
  `${"A".repeat(300)} <long@example.org>`
]

let home: Homedir
let deceptive: ReadonlyArray<TestKey>
const whole = new AsyncDisposableStack()

beforeAll(async () => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  home = whole.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  await importKey(home, "plain")
  const made: Array<TestKey> = []
  for (const userId of deceptiveIds) made.push(await makeKey(home, { userId, algo: "ed25519" }))
  deceptive = made
  await home.launchAgent()
})
afterAll(() => whole.disposeAsync())

interface Scene {
  readonly gate: TestGate
  readonly control: Control
  readonly watcher: Watcher
  /** Dialogs since the scene began. */
  readonly dialogs: () => Promise<ReadonlyArray<Dialog>>
  readonly events: Awaited<ReturnType<typeof sinceNow>>["events"]
  client(app?: string): Promise<RawClient>
}

/** An app that nobody is: since its keys are named, the gate has read the keyring before it serves. */
const READER = `[apps.reader]
match = { exe = "/nowhere" }
keys = ["alice@example.org"]`

const POLICY = `default = "ask"
[apps.mail]
socket = "mail"
keys = ["*"]
[anyone]
keys = ["*"]
${READER}`

/** A gate whose pinentry shows each question and waits, so that it is answered through the control socket. */
const onScene = async (
  use: (scene: Scene) => Promise<void>,
  { policy = POLICY, ...options }: Partial<TestGateOptions> = {}
): Promise<void> => {
  await using using = new AsyncDisposableStack()
  await home.pinentry.script({ answers: [], default: "hang" })
  const gate = using.use(
    await startTestGate({
      agent: await home.agentSocket(),
      homedir: home.path,
      policy,
      apps: ["mail"],
      approve: [`pinentry = "${home.pinentry.program}"`, "pause = \"1ms\"", "timeout = \"1m\""],
      ...options
    })
  )
  const control = controlOf(gate.control)
  await use({
    gate,
    control,
    watcher: using.use(await control.watch()),
    ...await sinceNow(home.pinentry),
    client: async (app) => using.use(await gate.client(app))
  })
}

interface Asked {
  readonly question: AskedQuestion
  readonly dialog: Dialog
  readonly reply: Promise<RawReply>
}

/** Waits until somebody is shown something. */
const firstOf = async (dialogs: Scene["dialogs"], index = 0): Promise<Dialog> => {
  for (;;) {
    const dialog = (await dialogs())[index]
    if (dialog !== undefined) return dialog
    await sleep(10)
  }
}

/** Sends a command, and waits until the owner sees a question, or the client has its reply. */
const tried = async (scene: Scene, client: RawClient, line: string): Promise<Asked | string> => {
  const before = (await scene.dialogs()).length
  const reply = client.command(Buffer.from(line, "latin1"), 60_000)
  const first = await Promise.race([reply.then(outcome), scene.watcher.open()])
  return typeof first === "string"
    ? first
    : { question: first[0]!, dialog: await firstOf(scene.dialogs, before), reply }
}

const asked = async (scene: Scene, client: RawClient, line: string): Promise<Asked> => {
  const one = await tried(scene, client, line)
  if (typeof one === "string") throw new Error(`expected a question for ${line}, got ${one}`)
  return one
}

/** Answers it, and waits until nothing is open. */
const settled = async ({ control, watcher }: Scene, { question, reply }: Asked, kind: "yes" | "no" = "yes") => {
  await control.answer(question.id, kind)
  const answered = await reply
  await watcher.open(0)
  return answered
}

const choose = (client: RawClient, key = primary, hash = `SETHASH 8 ${DIGEST}`): Promise<void> =>
  assertTalk(client, ["RESET", "OK"], [`SIGKEY ${key}`, "OK"], [hash, "OK"])

/** The lines of a dialog, each whole again where it was broken. */
const linesOf = ({ text }: Dialog): ReadonlyArray<string> => text.replaceAll("\n.. ", " ").split("\n")

const digest = (hex: string): string => hex.match(/.{4}/g)!.join(" ")

/** What is the same of two questions about the same. */
const timeless = ({ askedAt: _, endsAt: __, id: ___, ...rest }: AskedQuestion) => rest

/** What is wrong with a dialog, whoever asks: none of these lines may come twice, or from somewhere else. */
const assertOneOfEach = (dialog: Dialog): void => {
  assert.isFalse(isHarmful(dialog.text), JSON.stringify(dialog.text))
  const lines = linesOf(dialog)
  assert.match(lines[0]!, /^gripgate: (?:the app "[^"]*"|a program that is no app of the policy) wants to /)
  assert.match(lines[1]!, /^Who: "[^"]*"$/)
  const says = lines.findIndex((line) => line.endsWith("says:"))
  const ours = says < 0 ? lines : lines.slice(0, says)
  for (const start of ["gripgate: ", "Who: ", "Key: ", "It can: "]) {
    assert.isAtMost(ours.filter((line) => line.startsWith(start)).length, 1, start)
  }
  const theirs = says < 0 ? [] : lines.slice(says + 1)
  for (const line of theirs) assert.match(line, /^\| /)
  for (const line of dialog.text.split("\n")) assert.isAtMost(line.length, 160)
}

const assertLog = (gate: TestGate): void => {
  for (const line of gate.log()) assert.match(line, /^gripgate: [\x20-\x7e]*$/)
}

describe("what a client says of a signature", () => {
  it("is nowhere in the question: it is the same as that of a client which says nothing", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      await choose(client)
      const plain = await asked(scene, client, "PKSIGN")
      const lines = linesOf(plain.dialog)
      assert.strictEqual(lines[0], "gripgate: the app \"mail\" wants to sign or certify keys")
      assert.match(lines[1]!, /^Who: "by its own socket: /)
      assert.deepStrictEqual(lines.slice(2), [
        `Key: ${KEY_ID}, "Alice <alice@example.org>"`,
        "It can: sign, certify",
        `SHA256 digest: ${digest(DIGEST)}`
      ])
      assert.deepStrictEqual(plain.dialog.buttons, ["_Yes, once", "_For 15 minutes", "_No"])
      const { question } = plain
      assert.deepInclude(question, {
        app: "mail",
        recognised: "socket",
        operation: "sign",
        operations: ["sign", "certify"],
        command: "PKSIGN",
        key: primary,
        digest: { algorithm: "SHA256", hex: DIGEST },
        unseen: false,
        said: null,
        note: null,
        uid: me.uid,
        pid: process.pid,
        program: await realpath(process.execPath)
      })
      assert.strictEqual(question.keys[0]!.userId, fixtureKeys.plain.userId)
      assert.strictEqual(outcome(await settled(scene, plain)), "OK")

      for (const lie of lies) {
        await assertTalk(client, ["RESET", "OK"], [`SIGKEY ${primary}`, "OK"])
        // whether it is taken or refused
        await client.command(Buffer.from(`SETKEYDESC ${lie}`, "latin1"))
        await assertTalk(client, [`SETHASH 8 ${DIGEST}`, "OK"])
        const one = await asked(scene, client, "PKSIGN")
        assert.strictEqual(one.dialog.text, plain.dialog.text, lie)
        assert.deepStrictEqual(one.dialog.buttons, plain.dialog.buttons)
        assert.deepStrictEqual(timeless(one.question), timeless(question), lie)
        assert.strictEqual(outcome(await settled(scene, one)), "OK")
      }
      const log = scene.gate.log()
      assertLog(scene.gate)
      const toldAs = new Set(log.filter((line) => / asked /.test(line)).map((line) => line.replace(/asked \w+:/, "")))
      assert.strictEqual(toldAs.size, 1)
    }))

  it("is nowhere in that of a decryption, a change of passphrase and a deletion either", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      const commands = [
        ["PKDECRYPT", `SETKEY ${encryption}`, "decrypt", encryption],
        [`PASSWD ${primary}`, "NOP", "change the passphrase of a key", primary],
        [`DELETE_KEY ${primary}`, "NOP", "delete a secret key", primary],
        [`EXPORT_KEY ${primary}`, "NOP", "take a secret key out", primary]
      ] as const
      for (const [command, first, purpose, key] of commands) {
        await assertTalk(client, ["RESET", "OK"], [first, "OK"], [`SETKEYDESC ${lies[0]}`, "OK"])
        const one = await asked(scene, client, command)
        assert.strictEqual(linesOf(one.dialog)[0], `gripgate: the app "mail" wants to ${purpose}`)
        assert.strictEqual(one.question.key, key)
        assert.isNull(one.question.digest)
        assert.isNull(one.question.said)
        assertOneOfEach(one.dialog)
        assert.strictEqual(outcome(await settled(scene, one, "no")), ERR.CANCELED)
      }
    }))
})

describe("the digest of a question", () => {
  for (
    const [line, algorithm, hex] of [
      [`SETHASH 8 ${DIGEST.toLowerCase()}`, "SHA256", DIGEST],
      [`SETHASH 10 ${"0F".repeat(64)}`, "SHA512", "0F".repeat(64)],
      [`SETHASH 2 ${"A1".repeat(20)}`, "SHA1", "A1".repeat(20)],
      [`sethash --hash=sha256 ${"C3".repeat(32)}`, "SHA256", "C3".repeat(32)]
    ] as const
  ) {
    it(`is the one that ${line.slice(0, 22)}... gave`, () =>
      onScene(async (scene) => {
        const client = await scene.client("mail")
        await choose(client, primary, line)
        const one = await asked(scene, client, "PKSIGN")
        assert.deepStrictEqual(one.question.digest, { algorithm, hex })
        assert.strictEqual(linesOf(one.dialog).at(-1), `${algorithm} digest: ${digest(hex)}`)
        await settled(scene, one, "no")
      }))
  }

  it("is the last one that was given, and none is signed where the last one was refused", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      await choose(client)
      await assertTalk(client, [`SETHASH 8 ${"11".repeat(32)}`, "OK"])
      const one = await asked(scene, client, "PKSIGN")
      assert.strictEqual(one.question.digest!.hex, "11".repeat(32))
      await settled(scene, one, "no")
      assert.match(outcome(await client.command(`SETHASH 8 ${"22".repeat(200)}`)), /^ERR /)
      await assertTalk(client, ["PKSIGN", ERR.NO_DATA])
      assert.deepStrictEqual(await scene.control.asks(), [])
    }))
})

describe("what a client asks the owner itself", () => {
  it("stands behind the gate's lines, each of its own marked, beside the gate's buttons, and raw for programs alone", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      const bare = await asked(scene, client, "GET_CONFIRMATION X")
      const ours = linesOf(bare.dialog)
      assert.strictEqual(ours[0], "gripgate: the app \"mail\" wants to ask you a question")
      assert.match(ours[1]!, /^Who: "by its own socket: /)
      await settled(scene, bare, "no")
      const { gripgate } = commandLine(home, dirname(scene.gate.control))
      for (const lie of lies) {
        const one = await tried(scene, client, `GET_CONFIRMATION ${lie}`)
        if (typeof one === "string") {
          // a second word
          assert.match(one, /^ERR /)
          assert.include(lie, " ")
          continue
        }
        const { dialog, question } = one
        assertOneOfEach(dialog)
        assert.deepStrictEqual(linesOf(dialog).slice(0, 2), ours.slice(0, 2), lie)
        assert.deepStrictEqual(dialog.buttons, ["_Yes", "_No"])
        assert.deepInclude(question, { app: "mail", recognised: "socket", command: "GET_CONFIRMATION", key: null })
        assert.deepStrictEqual(question.offers, { forMs: null, always: false })
        const printed = await Promise.all([gripgate("asks"), gripgate("asks", "--json")])
        const [listed, json] = printed.map(({ stdout }) => stdout.toString()) as [string, string]
        assert.isFalse(isHarmful(listed), listed)
        assert.isFalse(isHarmful(json), json)
        assert.deepStrictEqual(JSON.parse(json)[0], (await scene.control.asks())[0])
        assert.deepStrictEqual(JSON.parse(json)[0].said, { by: "client", text: wordsOf(lie) })
        assert.strictEqual(outcome(await settled(scene, one, "no")), ERR.CANCELED)
      }
      assertLog(scene.gate)
    }))
})

describe("the user id of a key", () => {
  it("stands between quotes on the one line of the key, however it reads, and as it is for programs", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      const { gripgate } = commandLine(home, dirname(scene.gate.control))
      for (const [index, key] of deceptive.entries()) {
        await choose(client, key.keygrips.primary)
        const one = await asked(scene, client, "PKSIGN")
        assertOneOfEach(one.dialog)
        const lines = linesOf(one.dialog)
        assert.match(lines[2]!, new RegExp(`^Key: ${key.fingerprint.slice(-16)}, "[^"\u201c\u201d\uff02]*"$`))
        assert.deepStrictEqual(lines.slice(3), ["It can: sign, certify", `SHA256 digest: ${digest(DIGEST)}`])
        assert.strictEqual(one.question.key, key.keygrips.primary)
        assert.strictEqual(one.question.keys[0]!.userId, deceptiveIds[index])
        assert.strictEqual(one.question.keys[0]!.fingerprint, key.fingerprint)
        const listed = (await gripgate("asks")).stdout.toString()
        assert.isFalse(isHarmful(listed), listed)
        assert.lengthOf(
          listed.match(/^ *wants +the app mail wants to sign or certify keys \(PKSIGN\)$/gm) ?? [],
          1,
          listed
        )
        assert.lengthOf(listed.match(/^ *who /gm) ?? [], 1, listed)
        assert.isFalse(isHarmful((await gripgate("asks", "--json")).stdout.toString()))
        await settled(scene, one, "no")
      }
      assertLog(scene.gate)
    }))
})

describe("the program of a client", () => {
  const NAME = "git\nKey: FEDCBA9876543210\n\x1b[2Jgripgate: the app \"git\" wants\u202e"
  let folder: string
  let program: string
  beforeAll(async () => {
    folder = await realpath(await makeFolder("ga"))
    await mkdir(join(folder, NAME))
    program = join(folder, NAME, "g\npg")
    await copyFile(needs("gpg"), program)
  })
  afterAll(() => removeFolder(folder))

  it("is named on the one line that says who, with a path that has line feeds and escapes, and arguments that have too", () =>
    onScene(async (scene) => {
      await using client = await makeClientHome({ owner: home, socket: scene.gate.socket })
      const argv = [program, "--batch", "--comment", "x\ngripgate: argv\x1b[2J", "-u", KEY_ID, "--clearsign"]
      const signing = client.run(argv, { input: "x" })
      const [question] = await scene.watcher.open()
      const dialog = await firstOf(scene.dialogs)
      assertOneOfEach(dialog)
      const lines = linesOf(dialog)
      assert.strictEqual(lines[0], "gripgate: a program that is no app of the policy wants to sign or certify keys")
      assert.include(lines[1]!, "git Key: FEDCBA9876543210 \\u{1b}[2Jgripgate: the app 'git' wants\\u{202e}")
      assert.notInclude(dialog.text, "argv")
      assert.strictEqual(lines[2], `Key: ${KEY_ID}, "Alice <alice@example.org>"`)
      assert.lengthOf(lines, 5)
      assert.deepInclude(question!, { app: null, recognised: "none", program })
      const { gripgate } = commandLine(home, dirname(scene.gate.control))
      const listed = (await gripgate("asks")).stdout.toString()
      assert.isFalse(isHarmful(listed), listed)
      assert.lengthOf(listed.match(/^ *key /gm) ?? [], 1, listed)
      assert.isFalse(isHarmful((await gripgate("asks", "--json")).stdout.toString()))
      await scene.control.answer(question!.id, "no")
      assert.include((await signing).stderr, "Operation cancelled")
      assertLog(scene.gate)
    }))
})

describe("how an app was recognised", () => {
  it("is told: not at all, for whoever comes through the socket of no app", () =>
    onScene(async (scene) => {
      const client = await scene.client()
      await choose(client)
      const one = await asked(scene, client, "PKSIGN")
      assert.deepInclude(one.question, { app: null, recognised: "none" })
      assert.match(linesOf(one.dialog)[1]!, new RegExp(`^Who: "user ${me.username} \\(${me.uid}\\), `))
      await settled(scene, one, "no")
    }))

  it("is told: by its transport, with where the client is", async () => {
    await using gate = await startTestGate({
      agent: await home.agentSocket(),
      homedir: home.path,
      policy: `default = "ask"\n[apps.build]\nmatch = { via = "ssh" }\nkeys = ["*"]\n${READER}`,
      approve: ["approvers = [\"pinentry\"]", `pinentry = "${home.pinentry.program}"`]
    })
    await home.pinentry.script({ answers: ["cancel"] })
    const { dialogs } = await sinceNow(home.pinentry)
    await using client = await connectRaw(gate.doorOf("connect"))
    client.send(writeConnect({ named: "build", via: "ssh", remote: "192.0.2.7" }))
    await client.readReply()
    await choose(client)
    await assertTalk(client, ["PKSIGN", ERR.CANCELED])
    const dialog = await firstOf(dialogs)
    assert.strictEqual(linesOf(dialog)[0], "gripgate: the app \"build\" wants to sign or certify keys")
    const who = `user ${me.username} (${me.uid}), 192.0.2.7 by ssh`
    assert.isTrue(linesOf(dialog)[1]!.startsWith(`Who: "by what its transport says: ${who}`), linesOf(dialog)[1])
  })

  for (
    const [rank, match, words] of [
      ["kernel", `user = ${me.uid}`, "by facts that the kernel vouches for: "],
      ["advisory", "exe = \"PROGRAM\"", "by facts that a program of the same user can imitate: "]
    ] as const
  ) {
    it(`is told: ${words}`, async () => {
      const exe = await realpath(process.execPath)
      const policy = `default = "ask"\n[apps.tool]\nmatch = { ${
        match.replace("PROGRAM", exe)
      } }\nkeys = ["*"]\n${READER}`
      // this very process is the app, so that it may not look through the control socket
      await using gate = await startTestGate({
        agent: await home.agentSocket(),
        homedir: home.path,
        policy,
        approve: ["approvers = [\"pinentry\"]", `pinentry = "${home.pinentry.program}"`]
      })
      await home.pinentry.script({ answers: ["cancel"] })
      const { dialogs } = await sinceNow(home.pinentry)
      const client = await gate.client()
      await choose(client)
      await assertTalk(client, ["PKSIGN", ERR.CANCELED])
      const dialog = await firstOf(dialogs)
      assert.strictEqual(linesOf(dialog)[0], "gripgate: the app \"tool\" wants to sign or certify keys", rank)
      assert.isTrue(linesOf(dialog)[1]!.startsWith(`Who: "${words}user ${me.username} (${me.uid})`))
      await client.close()
    })
  }
})

describe("where the question appears", () => {
  const env = { DISPLAY: ":7", XAUTHORITY: "/owner/xauthority", WAYLAND_DISPLAY: "owner-0", LANG: "C.UTF-8" }
  const wishes = [
    "OPTION display=:66",
    "OPTION ttyname=/dev/evil",
    "OPTION ttytype=evil",
    "OPTION xauthority=/evil/xauthority",
    "OPTION lc-ctype=evil",
    "OPTION lc-messages=evil",
    "OPTION putenv=DISPLAY=:66",
    "OPTION putenv=WAYLAND_DISPLAY=evil-0",
    "OPTION putenv=DBUS_SESSION_BUS_ADDRESS=unix:path=/evil",
    "OPTION putenv=PINENTRY_USER_DATA=evil",
    "OPTION putenv=QT_QPA_PLATFORM=evil",
    "OPTION putenv=LD_PRELOAD=/evil.so",
    "OPTION putenv=GPG_TTY=/dev/evil",
    "OPTION pinentry-user-data=evil",
    "OPTION allow-pinentry-notify",
    "OPTION agent-awareness=2.1.0"
  ]
  const policies = {
    "of an app that has no say": POLICY,
    // its own place is for the agent's dialogs alone
    "of an app that is allowed prompts of its own": POLICY.replace("[apps.mail]", "[apps.mail]\nprompt = \"allow\"")
  }

  for (const [whose, policy] of Object.entries(policies)) {
    it(`is for the owner to say, and not for an option ${whose}: neither in argv, nor in the environment, nor in a line`, () =>
      onScene(async (scene) => {
        const client = await scene.client("mail")
        for (const wish of wishes) await assertTalk(client, [wish, "OK"])
        await choose(client)
        const one = await asked(scene, client, "PKSIGN")
        const events = await scene.events()
        const told = JSON.stringify(events)
        for (const evil of ["evil", ":66"]) assert.notInclude(told, evil)
        const start = events.find(({ event }) => event === "start")
        assert.ok(start?.event === "start")
        assert.deepStrictEqual(start.argv, ["--display", ":7"])
        assert.deepInclude(start.env, env)
        assert.notProperty(start.env, "PINENTRY_USER_DATA")
        const options = events.flatMap((event) =>
          event.event === "line" && event.line.startsWith("OPTION") ? [event.line] : []
        )
        assert.deepStrictEqual(options, ["OPTION no-grab", "OPTION lc-ctype=C.UTF-8", "OPTION lc-messages=C.UTF-8"])
        await settled(scene, one, "no")
      }, { policy, env }))
  }

  it("is no place of a client's where the owner has none", () =>
    onScene(async (scene) => {
      const client = await scene.client("mail")
      for (const wish of wishes) await assertTalk(client, [wish, "OK"])
      await choose(client)
      const one = await asked(scene, client, "PKSIGN")
      const [start] = await scene.events()
      assert.ok(start?.event === "start")
      assert.deepStrictEqual(start.argv, [])
      for (const name of ["DISPLAY", "GPG_TTY", "XAUTHORITY", "WAYLAND_DISPLAY"]) assert.notProperty(start.env, name)
      assert.notInclude(JSON.stringify(await scene.events()), "evil")
      await settled(scene, one, "no")
    }, { env: {} }))
})

describe("a notification on the desktop", () => {
  let folder: string
  let shown: () => Promise<ReadonlyArray<string>>
  beforeAll(async () => {
    folder = await makeFolder("gn")
    const told = join(folder, "told")
    const script = `#!/bin/sh\nprintf '%s\\0' "$@" > ${told}.next\nmv ${told}.next ${told}\n`
    await writeFile(join(folder, "notify-send"), script, { mode: 0o700 })
    shown = async () => {
      for (;;) {
        const text = await readFile(told, "utf8").catch(() => undefined)
        if (text !== undefined) return text.split("\0").slice(0, -1)
        await sleep(10)
      }
    }
  })
  afterAll(() => removeFolder(folder))

  it("says that something is asked and how to see it, and nothing of the question to whoever lists processes", async () => {
    await using using = new AsyncDisposableStack()
    const policy = `default = "ask"
[apps.mail]
socket = "${folder}/mail"
keys = ["*"]
[approve]
approvers = ["terminal", "notification"]
`
    const gate = using.use(
      await startGate({
        home,
        policy,
        listen: join(folder, "gate"),
        args: ["--state", join(folder, "state"), "--control", join(folder, "control")],
        env: { PATH: `${folder}:${process.env["PATH"]}`, DBUS_SESSION_BUS_ADDRESS: "unix:path=/owner/bus" }
      })
    )
    const key = deceptive[3]!
    const client = using.use(await makeClientHome({ owner: home, socket: join(folder, "mail") }))
    const signing = client.run(["gpg", "--batch", "-u", key.fingerprint, "--clearsign"], { input: "x" })
    const [name, mark, title, body, ...more] = await shown()
    const control = controlOf(join(folder, "control"))
    const [question] = await control.asks()
    assert.deepStrictEqual([name, mark, title, ...more], ["--app-name=gripgate", "--", "gripgate asks"])
    assert.strictEqual(body, "Something waits for your answer. gripgate asks shows what, and how to answer.")
    await control.answer(question!.id, "no")
    assert.include((await signing).stderr, "Operation cancelled")
    assert.lengthOf(gate.log().filter((line) => / asked /.test(line)), 1)
  })
})
