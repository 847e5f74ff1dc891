// A gate whose journal cannot be written, since the disk is full: what changes a card or what other clients read is not sent, and what
// the owner or the policy allows is not said OK to.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startBusyAgent } from "../support/agent.ts"
import { controlOf } from "../support/control.ts"
import { journalIn } from "../support/journal.ts"
import { ERR, outcome } from "../support/wire.ts"

const CRASH_AT = fileURLToPath(new URL("../../packages/proxy/test/support/crash-at.ts", import.meta.url))

let agent: FakeAgent
let home: Homedir
let folder: string
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  agent = whole.use(await startBusyAgent({ handlers: { SCD: ["OK"], PUT_SECRET: ["OK"] } }))
  home = whole.use(await makeHomedir())
  folder = await makeFolder("gu")
  whole.defer(() => removeFolder(folder))
})
afterAll(() => whole.disposeAsync())

/** Where `prompt` is forbidden the owner answers at the gate what a client asks him, and what the agent may ask. */
const policyOf = (prompt: "allow" | "forbid"): string =>
  [
    "default = \"allow\"",
    "[operations]",
    "passphrase = \"ask\"",
    `prompt = "${prompt}"`,
    "[anyone]",
    "keys = [\"*\"]",
    "[approve]",
    "approvers = [\"terminal\"]",
    "pause = \"1ms\"",
    ""
  ].join("\n")

/** More operations than a test has. */
const MANY = 1_000

let number = 0
/** A gate with what crash-at.ts has in the environment. */
const start = (place: string, env: Readonly<Record<string, string>> = {}): Promise<Gate> => {
  const at = (name: string) => join(place, name)
  const named = ["--policy", at("policy.toml"), "--upstream", agent.socket]
  return startGate({
    home,
    listen: at("gate"),
    args: [...named, "--state", at("state"), "--control", at("control")],
    env: {
      NODE_COMPILE_CACHE: join(folder, "cache"),
      NODE_OPTIONS: `--import=${CRASH_AT}`,
      CRASH_FOLDER: at("state"),
      ...env
    }
  })
}

const newPlace = async (prompt: "allow" | "forbid"): Promise<string> => {
  const place = join(folder, String(number++))
  await mkdir(place, { mode: 0o700 })
  await writeFile(join(place, "policy.toml"), policyOf(prompt), { mode: 0o600 })
  await (await start(place)).stop()
  return place
}

/** A client of a gate; where the disk is full there is no room for a single record. */
const onScene = async (
  { isFull, prompt = "allow" }: { readonly isFull: boolean; readonly prompt?: "allow" | "forbid" },
  check: (client: RawClient, place: string) => Promise<void>
): Promise<void> => {
  const place = await newPlace(prompt)
  const report = join(place, "report")
  await (await start(place, { CRASH_REPORT: report })).stop()
  const operations = JSON.parse(await readFile(report, "utf8")) as ReadonlyArray<readonly [string, string]>
  // from the record of the start on: how many writes that takes differs
  const first = operations.findIndex(([operation, path]) => operation === "write" && path === "journal.jsonl") + 1
  const at = Array.from({ length: MANY }, (_, i) => `${first + i}:full`).join()
  await using _ = await start(place, isFull ? { CRASH_AT: at } : {})
  await using client = await connectRaw(join(place, "gate"))
  await client.readReply()
  await check(client, place)
}

const changing: ReadonlyArray<string> = [
  "SCD GENKEY --force OPENPGP.1",
  "SCD SETATTR LOGIN-DATA x",
  "PUTVAL a b",
  "PUT_SECRET --clear a 0 b"
]
const sent = (line: string): number => agent.commands().filter((each) => each === line).length
const CONFIRMATION = "GET_CONFIRMATION Really?"
const RESTRICT = "OPTION pretend-request-origin=remote"

/** A question of the client's that the owner says yes to. */
const confirmed = async (client: RawClient, place: string): Promise<string> => {
  const control = controlOf(join(place, "control"))
  await using watcher = await control.watch()
  const reply = client.command(CONFIRMATION, 20_000).then(outcome)
  const [question] = await watcher.open()
  await control.answer(question!.id, "yes")
  return await reply
}

describe("where the journal cannot be written", () => {
  it("what changes a card or what clients share is not sent", () =>
    onScene({ isFull: true }, async (client) => {
      for (const line of changing) {
        const before = sent(line)
        assert.strictEqual(outcome(await client.command(line)), ERR.FORBIDDEN, line)
        assert.strictEqual(sent(line), before, line)
      }
    }))

  it("a session is not said to be restricted", () =>
    onScene({ isFull: true }, async (client) => {
      assert.strictEqual(outcome(await client.command(RESTRICT)), ERR.FORBIDDEN)
    }))

  it("the owner's yes is not told", () =>
    onScene({ isFull: true, prompt: "forbid" }, async (client, place) => {
      assert.strictEqual(await confirmed(client, place), ERR.FORBIDDEN)
    }))

  it("and where it can, all of them are done, and written down", async () => {
    await onScene({ isFull: false }, async (client, place) => {
      for (const line of changing) {
        const before = sent(line)
        assert.strictEqual(outcome(await client.command(line)), "OK", line)
        assert.strictEqual(sent(line), before + 1, line)
      }
      assert.strictEqual(outcome(await client.command(RESTRICT)), "OK")
      assert.includeMembers(operationsIn(place), ["card", "store", "admin"])
    })
    await onScene({ isFull: false, prompt: "forbid" }, async (client, place) => {
      assert.strictEqual(await confirmed(client, place), "OK")
      assert.includeMembers(operationsIn(place), ["passphrase"])
    })
  })
})

const operationsIn = (place: string): Array<string> =>
  journalIn(join(place, "state")).flatMap((entry) => entry.operations ?? [])
