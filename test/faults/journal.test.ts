// A gate that is killed (SIGKILL), or loses its power, at every single thing that it does to its state directory while keys are
// used, and one whose disk is full: nothing that a client got is without its record, and what cannot be recorded nobody gets.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { handlers, startBusyAgent } from "../support/agent.ts"
import { journalIn, usesIn } from "../support/journal.ts"
import { assertTalk, DIGEST, ERR, outcome } from "../support/wire.ts"

const CRASH_AT = fileURLToPath(new URL("../../packages/proxy/test/support/crash-at.ts", import.meta.url))
const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

/** Keys that the fake agent has, as it has any: one for each signature, so that it is known which was released. */
const KEYS = Array.from({ length: 5 }, (_, i) => String(i + 1).repeat(40))

let agent: FakeAgent
let home: Homedir
let folder: string
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  agent = whole.use(await startBusyAgent())
  home = whole.use(await makeHomedir())
  folder = await makeFolder("gw")
  whole.defer(() => removeFolder(folder))
})
afterAll(() => whole.disposeAsync())

interface Place {
  readonly folder: string
  readonly state: string
  readonly socket: string
}

let number = 0
const newPlace = async (): Promise<Place> => {
  const own = join(folder, String(number++))
  await mkdir(own, { mode: 0o700 })
  await writeFile(join(own, "policy.toml"), "default = \"allow\"\n", { mode: 0o600 })
  return { folder: own, state: join(own, "state"), socket: join(own, "gate") }
}

/** A gate; `crash` is as crash-at.ts has it. */
const start = (place: Place, crash?: { readonly at: string; readonly report?: string }): Promise<Gate> => {
  const at = (name: string) => join(place.folder, name)
  const named = ["--policy", at("policy.toml"), "--upstream", agent.socket]
  return startGate({
    home,
    listen: place.socket,
    args: [...named, "--state", place.state, "--control", at("control")],
    env: {
      NODE_COMPILE_CACHE: join(folder, "cache"),
      ...crash !== undefined && {
        NODE_OPTIONS: `--import=${CRASH_AT}`,
        CRASH_FOLDER: place.state,
        CRASH_AT: crash.at,
        ...crash.report !== undefined && { CRASH_REPORT: crash.report }
      }
    }
  })
}

/** A signature with a key: what the client is told. */
const signWith = async (client: RawClient, key: string): Promise<string> => {
  await assertTalk(client, [`SIGKEY ${key}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  return outcome(await client.command("PKSIGN"))
}

/** Signs with all keys, one after the other and the last two at once, as long as the gate lives. Gives those that were released. */
const drive = async ({ socket }: Place): Promise<ReadonlyArray<string>> => {
  const released: Array<string> = []
  const one = async (key: string) => {
    await using client = await connectRaw(socket)
    await client.readReply()
    if (await signWith(client, key) === "OK") released.push(key)
  }
  try {
    for (const key of KEYS.slice(0, 3)) await one(key)
    await Promise.all(KEYS.slice(3).map(one))
  } catch {
    // it was killed
  }
  return released
}

const verify = async ({ state }: Place): Promise<string> => {
  const { stderr, stdout } = await home.run([process.execPath, PROGRAM, "log", "--verify", "--state", state])
  return `${stdout.toString()}${stderr}`
}

/** Starts a gate without a fault: whatever was released stands in the journal, which is whole. */
const assertRecorded = async (place: Place, released: ReadonlyArray<string>, at: string): Promise<void> => {
  await using gate = await start(place)
  const recorded = usesIn(place.state, "sign").flatMap(([{ keys }]) => keys ?? [])
  assert.includeMembers([...recorded], [...released], at)
  assert.strictEqual(new Set(recorded).size, recorded.length, `${at}: none twice`)
  await using client = await connectRaw(gate.socket)
  await client.readReply()
  assert.strictEqual(await signWith(client, "A".repeat(40)), "OK", at)
  const uses = usesIn(place.state, "sign")
  assert.deepStrictEqual(uses.at(-1)?.[0].keys, ["A".repeat(40)], at)
}

const operationsOfAll = async (): Promise<ReadonlyArray<readonly [operation: string, path: string]>> => {
  const place = await newPlace()
  const report = join(place.folder, "report")
  const gate = await start(place, { at: "", report })
  assert.sameMembers([...await drive(place)], KEYS)
  assert.deepStrictEqual(await gate.stop(), { code: 0, signal: null })
  assert.strictEqual(await verify(place), `${journalIn(place.state).length} records, whole\n`)
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

describe("a gate that is killed while keys are used", () => {
  let operations: Awaited<ReturnType<typeof operationsOfAll>>
  beforeAll(async () => {
    operations = await operationsOfAll()
    const writes = operations.filter(([operation, path]) => operation === "write" && path === "journal.jsonl")
    assert.isAtLeast(writes.length, KEYS.length)
  })

  for (const variant of ["before", "after", "half", "power"] as const) {
    it(`has released nothing without its record: ${variant} every operation`, async () => {
      const struck = operations.flatMap(([operation], index) =>
        variant !== "half" || operation === "write" ? [index + 1] : []
      )
      let died = 0
      await inParallel(struck, async (n) => {
        const at = `${n}:${variant} ${operations[n - 1]!.join(" ")}`
        const place = await newPlace()
        const gate = await start(place, { at: `${n}:${variant}` }).catch(() => undefined)
        const released = gate === undefined ? [] : await drive(place)
        const exit = await gate?.stop()
        if (gate === undefined || exit?.signal === "SIGKILL") died++
        await assertRecorded(place, released, at)
        await rm(place.folder, { recursive: true })
      })
      // uses at the same time share writes, and a head that may be behind is written now and then
      assert.isAbove(died, struck.length / 2)
    }, 300_000)
  }
})

describe("a gate whose disk is full", () => {
  /** Where the journal is written; what stands in the first of these is the start. */
  const writesOfJournal = async (): Promise<ReadonlyArray<number>> =>
    (await operationsOfAll()).flatMap(([operation, path], i) =>
      operation === "write" && path === "journal.jsonl" ? [i + 1] : []
    )

  it("releases no signature that it cannot record, says so once, and goes on when there is room", async () => {
    let refused = 0
    await inParallel(await writesOfJournal(), async (n) => {
      const place = await newPlace()
      // a write that fails, and the attempts of the next uses: each cuts off what there may be, and makes that durable
      const gate = await start(place, { at: [0, 3, 6].map((more) => `${n + more}:full`).join() })
      await using client = await connectRaw(place.socket)
      await client.readReply()
      const said: Array<string> = []
      for (const key of KEYS) {
        await assertTalk(client, [`SIGKEY ${key}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
        const reply = await client.command("PKSIGN")
        said.push(outcome(reply))
        if (said.at(-1) === "OK") continue
        assert.strictEqual(said.at(-1), ERR.FORBIDDEN)
        assert.strictEqual(reply.lines.length, 1, "nothing of a signature")
        refused++
      }
      const released = KEYS.filter((_, i) => said[i] === "OK")
      assert.deepStrictEqual(usesIn(place.state, "sign").flatMap(([{ keys }]) => keys ?? []), released)
      await gate.stop()
      const told = (what: string) => gate.log().filter((line) => line.includes(what)).length
      // once each time, however many uses are refused for it
      const again = told("journal.jsonl is written again")
      assert.isAtMost(told("no key is used"), again + 1)
      if (said.includes(ERR.FORBIDDEN)) assert.isAtLeast(told("no key is used"), 1)
      assert.match(await verify(place), /records, whole/)
    })
    assert.isAbove(refused, 0)
  })

  it("does not send what would change something", async () => {
    const place = await newPlace()
    await (await start(place)).stop()
    const report = join(place.folder, "report")
    await (await start(place, { at: "", report })).stop()
    const operations = JSON.parse(await readFile(report, "utf8")) as ReadonlyArray<readonly [string, string]>
    const first = operations.findIndex(([operation, path]) => operation === "write" && path === "journal.jsonl") + 1
    const key = KEYS[0]!
    const deletions = () => agent.commands().filter((line) => line === `DELETE_KEY --force ${key}`).length
    // there is no room for a while, from the record of the start on
    await using _ = await start(place, { at: Array.from({ length: 30 }, (_, i) => `${first + i}:full`).join() })
    await using client = await connectRaw(place.socket)
    await client.readReply()
    const said: Array<string> = []
    while (said.at(-1) !== "OK") {
      assert.strictEqual(deletions(), 0)
      said.push(outcome(await client.command(`DELETE_KEY --force ${key}`)))
    }
    assert.strictEqual(deletions(), 1)
    assert.deepStrictEqual([...new Set(said)], [ERR.FORBIDDEN, "OK"])
    assert.strictEqual(usesIn(place.state, "delete").length, 1)
  })
})

describe("what changes something", () => {
  it("is in the journal when the agent hears of it, and a signature when the client does", async () => {
    const place = await newPlace()
    const recorded: Array<boolean> = []
    agent.handle("DELETE_KEY", () => {
      recorded.push(journalIn(place.state).some(({ operations }) => operations?.includes("delete") === true))
      return ["OK"]
    })
    try {
      await using _ = await start(place)
      await using client = await connectRaw(place.socket)
      await client.readReply()
      assert.strictEqual(outcome(await client.command(`DELETE_KEY --force ${KEYS[0]}`)), "OK")
      assert.deepStrictEqual(recorded, [true])
      for (const key of KEYS) {
        assert.strictEqual(await signWith(client, key), "OK")
        assert.deepStrictEqual(usesIn(place.state, "sign").at(-1)?.[0].keys, [key])
      }
    } finally {
      agent.handle("DELETE_KEY", handlers["DELETE_KEY"]!)
    }
  })
})
