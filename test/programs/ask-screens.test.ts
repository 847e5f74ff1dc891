// Stock gpg under `ask` on one terminal, and its owner with `gripgate watch` or `gripgate approve` on another: a gate and an agent that
// are whole, and what both screens say at the end. The screen by itself is tried in watch.test.ts.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type Control, controlOf } from "../support/control.ts"
import { startTmux, type Tmux } from "./tmux.ts"

for (const program of ["gpg", "gpg-agent", "tmux"] as const) needs(program)

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))
const alice = fixtureKeys.plain

/** Milliseconds after which keys are heard that answer a question which has just come under the mark, and more. */
const HEARD = 600

let owner: Homedir
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  owner = whole.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  await importKey(owner, "plain")
})
afterAll(() => whole.disposeAsync())

interface Stage {
  readonly gate: Gate
  readonly control: Control
  /** Starts a gate with the same state and sockets again. */
  readonly startAgain: () => Promise<Gate>
  /** Where the owner types. */
  readonly desk: Tmux
  /** Where gpg runs. */
  readonly shell: Tmux
  /** Where gpg runs at the same time. */
  readonly otherShell: () => Promise<Tmux>
  /** `gripgate`, as it is typed. */
  readonly gripgate: (words: string) => string
}

let number = 0

const onStage = async (use: (stage: Stage) => Promise<void>): Promise<void> => {
  await using using = new AsyncDisposableStack()
  const folder = join(owner.path, `s${number++}`)
  const policy = `default = "ask"
[apps.git]
socket = "${folder}.git"
keys = ["*"]
[approve]
approvers = ["terminal"]
`
  const control = join(folder, "control")
  const args = ["--state", join(folder, "state"), "--control", control]
  const startAgain = async () => using.use(await startGate({ home: owner, policy, listen: `${folder}.sock`, args }))
  const gate = await startAgain()
  const client = using.use(await makeClientHome({ owner, socket: `${folder}.git` }))
  const terminal = async () => using.use(await startTmux({ columns: 100, rows: 30, env: client.env }))
  await use({
    gate,
    control: controlOf(control),
    startAgain,
    desk: await terminal(),
    shell: await terminal(),
    otherShell: terminal,
    gripgate: (words) => `"${process.execPath}" "${PROGRAM}" ${words} --control ${control}`
  })
}

/** Types gpg's command, to sign what is in a file. */
const sign = (shell: Tmux, file = join(owner.path, "pubring.kbx")): Promise<void> =>
  shell.line(`clear; gpg -u ${alice.fingerprint} -b -a -o - ${file}; echo ended with $?`)
const assertSigned = async (shell: Tmux): Promise<void> => {
  const text = await shell.waitFor(/^ended with \d+$/m)
  assert.match(text, /^-----END PGP SIGNATURE-----\nended with 0$/m)
}
const assertCancelled = async (shell: Tmux): Promise<void> => {
  const text = await shell.waitFor(/^ended with \d+$/m)
  assert.match(text, /^gpg: signing failed: Operation cancelled\n(?:.*\n)*ended with 2$/m)
  assert.notInclude(text, "BEGIN PGP SIGNATURE")
}

const watch = async ({ desk, gripgate }: Stage): Promise<void> => {
  await desk.line(`clear; ${gripgate("watch")}; echo ended with $?`)
  await desk.waitFor(/^nothing is asked$/m)
}
/** Waits for the marked question, and until keys are heard; returns its ID. */
const marked = async (desk: Tmux): Promise<string> => {
  const text = await desk.waitFor(/^> {2}[2-9A-Z]{4} /m)
  await sleep(HEARD)
  return /^> {2}([2-9A-Z]{4}) /m.exec(text)![1]!
}
const asked = ({ gate }: Stage): number => gate.log().filter((line) => / asked /.test(line)).length

describe("gpg under ask, and gripgate watch", () => {
  it("shows who asks for what, and y is a yes to this once: the next one is asked again, and n is a no", () =>
    onStage(async (stage) => {
      const { desk, shell } = stage
      await watch(stage)
      await sign(shell)
      const id = await marked(desk)
      const text = await desk.waitFor(/^wants {3}the app git wants to sign or certify keys \(PKSIGN\)$/m)
      assert.match(text, /^key {5}D9CFD058CC9E5130, can sign and certify, "Alice <alice@example\.org>"$/m)
      assert.match(text, /^who {5}by its own socket: /m)
      assert.match(text, /^digest {2}SHA(?:512|256) (?:[0-9A-F]{8} ?)+$/m)
      await desk.keys("y")
      await desk.waitFor(new RegExp(`^${id}: yes, for this once$`, "m"))
      await assertSigned(shell)

      await sign(shell)
      assert.notStrictEqual(await marked(desk), id)
      await desk.keys("n")
      await assertCancelled(shell)
      assert.deepStrictEqual(await stage.control.grants(), [])
    }))

  it("w is a yes for a while: the next one is not asked", () =>
    onStage(async (stage) => {
      const { control, desk, shell } = stage
      await watch(stage)
      await sign(shell)
      const id = await marked(desk)
      await desk.keys("w")
      await desk.waitFor(new RegExp(`^${id}: yes, for 15 minutes$`, "m"))
      await assertSigned(shell)
      await sign(shell)
      await assertSigned(shell)
      assert.strictEqual(asked(stage), 1)
      const [grant, ...more] = await control.grants()
      assert.deepStrictEqual(more, [])
      assert.deepInclude(grant, { app: "git", answer: "yes", uses: 1 })
      assert.deepStrictEqual(grant?.keys.map(({ keygrip }) => keygrip), [alice.keygrips.primary])
      const lasts = Date.parse(grant!.expiresAt!) - Date.parse(grant!.madeAt)
      assert.strictEqual(lasts, 900_000)
    }))

  it("A and y is always, also for the next gate", () =>
    onStage(async (stage) => {
      const { desk, gate, shell, startAgain } = stage
      await watch(stage)
      await sign(shell)
      await marked(desk)
      await desk.keys("A", "y")
      await assertSigned(shell)
      await gate.stop("SIGKILL")
      const next = await startAgain()
      await sign(shell)
      await assertSigned(shell)
      assert.isFalse(next.log().some((line) => / asked /.test(line)))
    }))

  it("N and y is never: it is refused from then on, and nobody is asked", () =>
    onStage(async (stage) => {
      const { desk, shell } = stage
      await watch(stage)
      await sign(shell)
      await marked(desk)
      await desk.keys("N", "y")
      await assertCancelled(shell)
      await sign(shell)
      await assertCancelled(shell)
      assert.strictEqual(asked(stage), 1)
    }))

  it("answers the marked one of two questions, and the other waits on", () =>
    onStage(async (stage) => {
      const { control, desk, shell } = stage
      const files = ["one", "two"].map((name) => join(owner.path, name))
      for (const file of files) await writeFile(file, file)
      await watch(stage)
      await sign(shell, files[0])
      const first = await marked(desk)
      const other = await stage.otherShell()
      await sign(other, files[1])
      const text = await desk.waitFor(/^ gripgate {2}2 asked/m)
      assert.match(text, new RegExp(`^> {2}${first} `, "m"), "what has come does not move the mark")
      await desk.keys("Down")
      const second =
        /^> {2}([2-9A-Z]{4}) /m.exec(await desk.waitFor(new RegExp(`^> {2}(?!${first})[2-9A-Z]{4} `, "m")))![1]
      await sleep(HEARD)
      await desk.keys("y")
      await desk.waitFor(new RegExp(`^${second}: yes, for this once$`, "m"))
      await assertSigned(other)
      const left = await control.asks()
      assert.deepStrictEqual(left.map(({ id }) => id), [first])
      assert.notMatch((await shell.screen()).join("\n"), /ended with/)
      assert.strictEqual(await marked(desk), first)
      await desk.keys("n")
      await assertCancelled(shell)
    }))

  it("outlives a gate that is killed, and answers what the next one asks", () =>
    onStage(async (stage) => {
      const { desk, gate, shell, startAgain } = stage
      await watch(stage)
      await sign(shell)
      const id = await marked(desk)
      await gate.stop("SIGKILL")
      const gone = await desk.waitFor(/^(?:no gate runs at|the gate at) /m)
      assert.notInclude(gone, id)
      const text = await shell.waitFor(/^ended with 2$/m)
      assert.match(text, /^gpg: signing failed: /m)
      // a key that comes too late answers nothing
      await desk.keys("y")
      await startAgain()
      await desk.waitFor(/^nothing is asked$/m)
      await sign(shell)
      const next = await marked(desk)
      await desk.keys("y")
      await desk.waitFor(new RegExp(`^${next}: yes, for this once$`, "m"))
      await assertSigned(shell)
    }))
})

describe("gpg under ask, and the command line in another pane", () => {
  const typed = async (desk: Tmux, line: string): Promise<string> => {
    await desk.line(`clear; ${line}; echo ended with $?`)
    return desk.waitFor(/^ended with \d+$/m)
  }
  const waiting = async ({ control }: Stage): Promise<string> => {
    await using watcher = await control.watch()
    return (await watcher.open())[0]!.id
  }

  it("signs after gripgate approve, typed in small letters as gripgate asks shows it", () =>
    onStage(async (stage) => {
      const { desk, gripgate, shell } = stage
      await sign(shell)
      const id = await waiting(stage)
      const listed = await typed(desk, gripgate("asks"))
      assert.match(listed, new RegExp(`^${id} {2}git {2}sign,certify {2}D9CFD058CC9E5130 `, "m"))
      assert.match(listed, /^ended with 0$/m)
      const approved = await typed(desk, gripgate(`approve ${id.toLowerCase()}`))
      assert.match(approved, /^answered: yes, for this once\nended with 0$/m)
      await assertSigned(shell)
    }))

  it("signs the file that was asked for, by its digest", () =>
    onStage(async (stage) => {
      const { control, desk, gripgate, shell } = stage
      const file = join(owner.path, "a-file")
      await writeFile(file, "what is to be signed\n")
      await shell.line(
        `clear; gpg -u ${alice.fingerprint} --digest-algo sha256 -b -o ${file}.sig ${file}; echo ended with $?`
      )
      const id = await waiting(stage)
      const { digest } = (await control.asks())[0]!
      await typed(desk, gripgate(`approve ${id}`))
      await shell.waitFor(/^ended with 0$/m)
      const packets = await owner.run(["gpg", "--list-packets", "--debug", "0", `${file}.sig`])
      // RFC 4880 5.2.4: the digest is of the text and of the hashed part of the signature, whose first 16 bits stand in it
      const begin = /begin of digest ([0-9a-f]{2}) ([0-9a-f]{2})/.exec(packets.stdout.toString())!
      assert.strictEqual(digest!.algorithm, "SHA256")
      assert.strictEqual(digest!.hex.slice(0, 4).toLowerCase(), begin[1]! + begin[2]!)
    }))

  it("does not sign after gripgate deny, and a second answer is refused", () =>
    onStage(async (stage) => {
      const { desk, gripgate, shell } = stage
      await sign(shell)
      const id = await waiting(stage)
      assert.match(await typed(desk, gripgate(`deny ${id}`)), /^answered: no, for this once\nended with 0$/m)
      await assertCancelled(shell)
      const again = await typed(desk, gripgate(`approve ${id}`))
      assert.match(again, new RegExp(`^gripgate: error: ${id} has ended already: no, by approve`, "m"))
      assert.match(again, /^ended with 1$/m)
    }))
})
