// Stock gpg under `ask`: the owner is asked by a pinentry of the gate's own, or answers with the command line, and what gpg says
// at its end tells what he said.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import type { Gate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import type { PinentryScript } from "@gripgate/testkit/pinentry"
import type { RunResult } from "@gripgate/testkit/run"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { commandLine } from "../support/command-line.ts"
import { agentConf, gateOf, sign } from "./set-up.ts"

const alice = fixtureKeys.plain

const policy = (...lines: ReadonlyArray<string>): string =>
  [
    "default = \"ask\"",
    "[anyone]",
    "keys = [\"*\"]",
    "[approve]",
    "timeout = \"2s\"",
    "pause = \"1s\"",
    ...lines
  ].join("\n")

/** What gpg says of a signature that did not come about. */
const assertRefused = (result: RunResult, words: string): void => {
  assert.strictEqual(result.code, 2, result.stderr)
  assert.include(result.stderr, `gpg: signing failed: ${words}`)
}

const assertSigned = (result: RunResult): void => {
  assert.strictEqual(result.code, 0, result.stderr)
  assert.include(result.stdout.toString(), "BEGIN PGP SIGNATURE")
}

describe("a signature under ask", () => {
  let stack: AsyncDisposableStack
  let owner: Homedir
  beforeAll(async () => {
    stack = new AsyncDisposableStack()
    owner = stack.use(await makeHomedir({ agentConf }))
    for (const key of ["plain", "protected"] as const) await importKey(owner, key)
  })
  afterAll(() => stack.disposeAsync())

  let number = 0
  const gateWith = async (using: AsyncDisposableStack, text: string, script?: PinentryScript) => {
    if (script !== undefined) await owner.pinentry.script(script)
    // a gate and a client of its own, for one agent
    const folder = join(owner.path, `g${number++}`)
    const gate = using.use(await gateOf(owner, { policy: text, folder, listen: `${folder}.sock` }))
    return {
      gate,
      client: using.use(await makeClientHome({ owner, socket: gate.socket })),
      ...commandLine(owner, folder)
    }
  }
  const asked = async (gate: Gate): Promise<string> => /asked (\S+):/.exec(await gate.waitForLog(/ asked /))![1]!

  it("is made after a yes in the pinentry, which shows who, what, with which key, and the digest", async () => {
    await using using = new AsyncDisposableStack()
    const { client, gate } = await gateWith(using, policy(), { answers: [{ confirm: true }] })
    const before = (await owner.pinentry.log()).length
    assertSigned(await sign(client))
    const lines = (await owner.pinentry.log()).slice(before).flatMap((event) =>
      event.event === "line" ? [event.line] : []
    )
    const text = decodeURIComponent(lines.find((line) => line.startsWith("SETDESC "))!.slice(8))
    assert.match(text, /^gripgate: a program that is no app of the policy wants to sign or certify keys\n/)
    assert.match(text, /\nWho: .*\/usr\/bin\/gpg/)
    assert.include(text.replaceAll("\n  ", " "), "Alice")
    assert.match(text, /\nIt can: sign, certify\n/)
    assert.match(text, /\nSHA(512|256) digest: [0-9A-F]{4} /)
    // in the order of the question: asked, answered, allowed
    const log = gate.log().join("\n")
    assert.match(log, / asked ([2-9A-Z]{4}): sign [^]* answered \1: yes, by pinentry, after [^]* allowed sign /)
  })

  for (
    const [what, script, words] of [
      ["a no in the pinentry", { answers: ["cancel"] }, "Operation cancelled"],
      ["a pinentry whose window is closed", { answers: ["close"] }, "Operation cancelled"],
      ["a pinentry that nobody answers", { answers: ["hang"] }, "Timeout"]
    ] as const satisfies ReadonlyArray<readonly [string, PinentryScript, string]>
  ) {
    it(`is not made after ${what}: ${words}`, async () => {
      await using using = new AsyncDisposableStack()
      const { client } = await gateWith(using, policy("approvers = [\"pinentry\"]"), script)
      assertRefused(await sign(client), words)
    })
  }

  it("is not made where the pinentry crashes or is missing and nobody else can be asked, and the log says why", async () => {
    await using using = new AsyncDisposableStack()
    const crashing = await gateWith(using, policy("approvers = [\"pinentry\"]"), { answers: ["crash"] })
    assertRefused(await sign(crashing.client), "Forbidden")
    await crashing.gate.waitForLog(/there is no way to ask the owner: pinentry: .*it was ended by SIGKILL/)
    const missing = await gateWith(using, policy("approvers = [\"pinentry\"]", "pinentry = \"/nowhere/pinentry\""))
    assertRefused(await sign(missing.client), "Forbidden")
    await missing.gate.waitForLog(/there is no way to ask the owner: pinentry: \/nowhere\/pinentry: /)
  })

  it("waits for the command line where the pinentry crashes: approve, and deny", async () => {
    await using using = new AsyncDisposableStack()
    const { client, gate, gripgate } = await gateWith(
      using,
      policy("timeout = \"20s\"").replace("timeout = \"2s\"\n", ""),
      {
        answers: ["crash"]
      }
    )
    const signing = sign(client)
    const id = await asked(gate)
    const [entry] = JSON.parse((await gripgate("asks", "--json")).stdout.toString())
    assert.deepInclude(entry, { id, app: null, operation: "sign", key: alice.keygrips.primary, state: "open" })
    assert.match(entry.askedAt, /^20\d\d-/)
    const approved = await gripgate("approve", id.toLowerCase())
    assert.strictEqual(approved.code, 0, approved.stderr)
    assertSigned(await signing)
    const again = await gripgate("approve", id)
    assert.strictEqual(again.code, 1)
    assert.include(again.stderr, `gripgate: error: ${id} has ended already: yes, by approve`)

    const denied = sign(client)
    for (;;) {
      const open = JSON.parse((await gripgate("asks", "--json")).stdout.toString())
      if (open.length === 0) continue
      assert.strictEqual((await gripgate("deny", open[0].id)).code, 0)
      break
    }
    assertRefused(await denied, "Operation cancelled")
  })

  it("is made for a while after one yes, for this key and operation and session alone, until it is revoked", async () => {
    await using using = new AsyncDisposableStack()
    const { client, gripgate } = await gateWith(using, policy(), {
      answers: [{ confirm: "notok" }, { confirm: true }],
      default: "cancel"
    })
    const before = await owner.pinentry.questions()
    const signs = `gpg --batch -u ${alice.fingerprint} --clearsign </dev/null`
    const bob = fixtureKeys.protected.fingerprint
    // one session: a shell with what it starts
    const script = [
      `${signs} && ${signs} && ${signs} || exit 1`,
      // another key, and another operation
      `gpg --batch -u ${bob} --clearsign </dev/null && exit 2`,
      `gpg --batch --export-secret-keys ${alice.fingerprint} && exit 3`,
      "exit 0"
    ]
    const session = await client.run(["sh", "-c", script.join("\n")])
    assert.strictEqual(session.code, 0, session.stderr)
    assert.lengthOf(session.stdout.toString().match(/BEGIN PGP SIGNATURE/g)!, 3)
    assert.strictEqual(await owner.pinentry.questions(), before + 4)
    // another session of the same user and program
    assertRefused(await sign(client), "Operation cancelled")
    const [grant] = JSON.parse((await gripgate("grants", "--json")).stdout.toString())
    assert.deepInclude(grant, { app: null, answer: "yes", effective: true })
    assert.strictEqual(grant.keys[0].keygrip, alice.keygrips.primary)
    assert.deepStrictEqual(grant.operations.toSorted(), ["certify", "sign"])
    const revoked = await gripgate("revoke", grant.id)
    assert.strictEqual(revoked.code, 0, revoked.stderr)
    assert.isFalse(JSON.parse((await gripgate("grants", grant.id, "--json")).stdout.toString()).effective)
  })

  it("is not asked for twice where the yes was for always, also by the next gate, and never after a never", async () => {
    await using using = new AsyncDisposableStack()
    const folder = join(owner.path, `g${number++}`)
    const app = ["[apps.git]", `socket = "${folder}.git"`, "keys = [\"*\"]"]
    const text = policy("approvers = [\"terminal\"]", ...app)
    const { gripgate } = commandLine(owner, folder)
    const start = () => gateOf(owner, { policy: text, folder, listen: `${folder}.sock` })
    const first = await start()
    const client = using.use(await makeClientHome({ owner, socket: `${folder}.git` }))
    const signing = sign(client)
    assert.strictEqual((await gripgate("approve", await asked(first), "--for", "always")).code, 0)
    assertSigned(await signing)
    assertSigned(await sign(client))
    await first.stop("SIGKILL")
    await using second = await start()
    assertSigned(await sign(client))
    const [grant] = JSON.parse((await gripgate("grants", "--json")).stdout.toString())
    assert.deepInclude(grant, { app: "git", expiresAt: null, uses: 1 })
    assert.strictEqual((await gripgate("revoke", grant.id)).code, 0)
    const denied = sign(client)
    assert.strictEqual((await gripgate("deny", await asked(second), "--never")).code, 0)
    assertRefused(await denied, "Operation cancelled")
    assertRefused(await sign(client), "Operation cancelled")
    assert.lengthOf(second.log().filter((line) => / asked /.test(line)), 1)
  })

  it("is withdrawn when the client goes away, and refused when the gate stops", async () => {
    await using using = new AsyncDisposableStack()
    const { client, gate, gripgate } = await gateWith(using, policy("approvers = [\"terminal\"]"))
    const abort = new AbortController()
    const killed = client.run(["timeout", "-s", "KILL", "0.5", "gpg", "-u", alice.fingerprint, "--clearsign"], {
      input: "x"
    })
    await asked(gate)
    await killed
    await gate.waitForLog(/answered .*: the program does not wait any more/)
    assert.deepStrictEqual(JSON.parse((await gripgate("asks", "--json")).stdout.toString()), [])
    abort.abort()
    const waiting = sign(client)
    while (JSON.parse((await gripgate("asks", "--json")).stdout.toString()).length === 0) await sleep(20)
    const { code } = await gate.stop()
    assert.strictEqual(code, 0)
    assertRefused(await waiting, "No agent running")
  })

  it("is judged anew by a policy that was read while the owner was asked", async () => {
    await using using = new AsyncDisposableStack()
    const { client, gate, gripgate } = await gateWith(using, policy("approvers = [\"terminal\"]"))
    const signing = sign(client)
    const id = await asked(gate)
    await writeFile(gate.policyFile!, policy("[operations]", "sign = \"forbid\""))
    await gate.waitForLog(/the policy has been read again/)
    assert.strictEqual((await gripgate("approve", id)).code, 0)
    assertRefused(await signing, "Forbidden")
  })
})
