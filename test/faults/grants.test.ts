// A gate that is killed (SIGKILL) at every single thing that it does to its state directory, while its owner answers always and never
// and takes grants back: whatever it acknowledged is as he said after a start without a hand, whatever was on its way is one or the other.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startBusyAgent } from "../support/agent.ts"
import { type Control, controlOf } from "../support/control.ts"
import { assertTalk, DIGEST, ERR, outcome, outcomes } from "../support/wire.ts"

const CRASH_AT = fileURLToPath(new URL("../../packages/proxy/test/support/crash-at.ts", import.meta.url))

/** Keys that the fake agent has, as it has any. */
const [ONE, TWO, THREE] = ["1", "2", "3"].map((digit) => digit.repeat(40)) as [string, string, string]

/** What holds for a key: a yes for good, a no for good, or that the owner is asked. */
type Holds = "always" | "never" | "asked"

/** What the owner does, in this order, and what holds when it is done. */
const steps: ReadonlyArray<
  readonly [what: "always" | "never" | "revoke" | "revoke all", keys: ReadonlyArray<string>, after: Holds]
> = [
  ["always", [ONE], "always"],
  ["never", [TWO], "never"],
  ["revoke", [ONE], "asked"],
  ["always", [THREE], "always"],
  ["always", [ONE], "always"],
  ["revoke", [TWO], "asked"],
  // takes back what allows
  ["revoke all", [ONE, THREE], "asked"],
  ["never", [THREE], "never"]
]

let agent: FakeAgent
let home: Homedir
let folder: string
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  agent = whole.use(await startBusyAgent())
  home = whole.use(await makeHomedir())
  folder = await makeFolder("gk")
  whole.defer(() => removeFolder(folder))
})
afterAll(() => whole.disposeAsync())

interface Place {
  readonly folder: string
  readonly control: Control
  /** The socket of the app that asks. */
  readonly app: string
}

let number = 0
const newPlace = async (): Promise<Place> => {
  const own = join(folder, String(number++))
  await mkdir(own, { mode: 0o700 })
  const app = join(own, "app")
  const policy = `default = "ask"
[apps.mail]
socket = "${app}"
keys = ["*"]
[approve]
approvers = ["terminal"]
timeout = "20s"
pause = "1ms"
`
  await writeFile(join(own, "policy.toml"), policy, { mode: 0o600 })
  return { folder: own, control: controlOf(join(own, "control")), app }
}

/** A gate; `crash` is as crash-at.ts has it. */
const start = (place: Place, crash?: { readonly at: string; readonly report?: string }): Promise<Gate> => {
  const at = (name: string) => join(place.folder, name)
  const named = ["--policy", at("policy.toml"), "--upstream", agent.socket]
  return startGate({
    home,
    listen: at("gate"),
    args: [...named, "--state", at("state"), "--control", at("control")],
    env: {
      NODE_COMPILE_CACHE: join(folder, "cache"),
      ...crash !== undefined && {
        NODE_OPTIONS: `--import=${CRASH_AT}`,
        CRASH_FOLDER: at("state"),
        // it is written when it has time, which is another number of times in each run
        CRASH_SKIP: "journal",
        CRASH_AT: crash.at,
        ...crash.report !== undefined && { CRASH_REPORT: crash.report }
      }
    }
  })
}

/** Has the app ask for a signature with a key, and answers for good. Settles when the gate has acknowledged it. */
const answer = async ({ app, control }: Place, key: string, what: "always" | "never"): Promise<void> => {
  await using client = await connectRaw(app)
  client.send(`SIGKEY ${key}\nSETHASH 8 ${DIGEST}\nPKSIGN\n`)
  assert.deepStrictEqual(await outcomes(client, 3), ["OK", "OK", "OK"])
  for (;;) {
    const question = (await control.asks()).find((each) => each.key === key)
    if (question === undefined) continue
    await control.answer(question.id, what === "always" ? "yes" : "no", "always")
    return
  }
}

const revoke = async ({ control }: Place, key: string): Promise<void> => {
  const grant = (await control.grants()).find((each) => each.keys[0]?.keygrip === key && each.effective)
  await control.revoke({ id: grant!.id })
}

/** How far it got: what holds by what was acknowledged, and what the step that was under way would have made of which keys. */
interface Progress {
  readonly done: number
  readonly holds: ReadonlyMap<string, Holds>
  readonly open?: { readonly keys: ReadonlyArray<string>; readonly after: Holds }
}

/** Does all the steps, as long as the gate lives. */
const drive = async (place: Place): Promise<Progress> => {
  const holds = new Map<string, Holds>([ONE, TWO, THREE].map((key) => [key, "asked"]))
  let done = 0
  for (const [what, keys, after] of steps) {
    try {
      if (what === "revoke all") await place.control.revoke({ all: true })
      else if (what === "revoke") await revoke(place, keys[0]!)
      else await answer(place, keys[0]!, what)
    } catch {
      return { done, holds, open: { keys, after } }
    }
    for (const key of keys) holds.set(key, after)
    done++
  }
  return { done, holds }
}

/** What a gate does when a key is used: signs, says no, or asks. */
const used = async (place: Place, key: string): Promise<Holds> => {
  const { app, control } = place
  await using client = await connectRaw(app)
  await client.readReply()
  await assertTalk(client, [`SIGKEY ${key}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  const reply = client.command("PKSIGN").then(outcome, String)
  for (;;) {
    const first = await Promise.race([reply, control.asks()])
    if (typeof first !== "string") {
      if (first.some((question) => question.key === key)) return "asked"
      continue
    }
    if (first === "OK") return "always"
    // the pause after two questions that nobody answered may begin with this one; it lasts 1 ms
    if (first === ERR.TIMEOUT) return used(place, key)
    assert.strictEqual(first, ERR.CANCELED)
    return "never"
  }
}

/** Starts a gate without a fault, and compares. */
const assertAsSaid = async (place: Place, { holds, open }: Progress, at: string): Promise<void> => {
  await using _ = await start(place)
  const grants = (await place.control.grants()).filter(({ effective }) => effective)
  for (const [key, said] of holds) {
    const its = grants.filter((grant) => grant.keys[0]?.keygrip === key).map((grant) =>
      grant.answer === "yes" ? "always" : "never"
    )
    const found: Holds = its[0] ?? "asked"
    const allowed = open?.keys.includes(key) === true ? [said, open.after] : [said]
    assert.include(allowed, found, `${at}: ${key[0]}`)
    assert.isAtMost(its.length, 1, at)
    assert.strictEqual(await used(place, key), found, `${at}: what is listed is what is done`)
  }
}

/** What a gate does to its state directory in all, when nothing happens to it. */
const operationsOfAll = async (): Promise<ReadonlyArray<readonly [operation: string, path: string]>> => {
  const place = await newPlace()
  const report = join(place.folder, "report")
  const gate = await start(place, { at: "", report })
  const progress = await drive(place)
  assert.strictEqual(progress.done, steps.length)
  assert.deepStrictEqual(await gate.stop(), { code: 0, signal: null })
  await assertAsSaid(place, progress, "unharmed")
  return JSON.parse(await readFile(report, "utf8"))
}

/** Runs them all, two at a time. */
const inParallel = async <A>(items: ReadonlyArray<A>, use: (item: A) => Promise<void>): Promise<void> => {
  const left = [...items]
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await use(item)
  }
  await Promise.all([work(), work()])
}

describe("a gate that is killed while the owner answers for good", () => {
  let operations: Awaited<ReturnType<typeof operationsOfAll>>
  beforeAll(async () => {
    operations = await operationsOfAll()
    // each answer: the record and the head, each made durable
    const writes = operations.filter(([operation, path]) => operation === "write" && path === "grants.jsonl")
    assert.isAtLeast(writes.length, steps.length)
    for (const operation of ["open", "write", "fsync", "fdatasync", "rename"]) {
      assert.isTrue(operations.some(([name]) => name === operation), operation)
    }
  })

  for (const variant of ["before", "after", "half"] as const) {
    it(`keeps what it acknowledged: ${variant} every operation`, async () => {
      const struck = operations.flatMap(([operation], index) =>
        variant !== "half" || operation === "write" ? [index + 1] : []
      )
      let died = 0
      await inParallel(struck, async (n) => {
        const at = `${n}:${variant} ${operations[n - 1]!.join(" ")}`
        const place = await newPlace()
        const gate = await start(place, { at: `${n}:${variant}` }).catch(() => undefined)
        const progress = await drive(place)
        const exit = await gate?.stop()
        if (gate === undefined || exit?.signal === "SIGKILL") died++
        else assert.strictEqual(progress.done, steps.length, at)
        await assertAsSaid(place, progress, at)
        await rm(place.folder, { recursive: true })
      })
      assert.strictEqual(died, struck.length, "each was killed")
    }, 120_000)
  }
})
