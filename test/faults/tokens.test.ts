// A gate that is killed (SIGKILL) at every single thing that it does to its state directory, while grants with tokens are made, used,
// renewed, rotated, found to be stale, given back and revoked: what was acknowledged is so after a start without a hand, a client
// gets no more than its grant says, and nothing that it got is without its record.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { askControl, askForToken } from "@gripgate/proxy/control/client"
import { dataLines } from "@gripgate/testkit/assuan-data"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { connectRaw } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { HeldGrant } from "../support/held-grants.ts"
import { usesIn } from "../support/journal.ts"
import { BAD, startProtectedAgent } from "../support/protected-agent.ts"
import { assertWhole, inParallel, isStruck, recordsOf } from "../support/struck.ts"
import { ask } from "../support/tokens.ts"
import { ERR } from "../support/wire.ts"

const CRASH_AT = fileURLToPath(new URL("../../packages/proxy/test/support/crash-at.ts", import.meta.url))

const PASSPHRASE = Buffer.from("a sealed passphrase")
const HOUR = 3_600_000

/** A key, and one whose passphrase is changed between its seal and its first use. */
const [KEY, ODD] = ["1", "2"].map((digit) => parseKeygrip(digit.repeat(40))!) as [Keygrip, Keygrip]

let agent: FakeAgent
let home: Homedir
let folder: string
/** A state directory as a gate leaves it that has done nothing yet. */
let fresh: string
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  agent = whole.use(
    await startProtectedAgent({
      keys: [KEY, ODD],
      passphrase: PASSPHRASE,
      handlers: {
        // what was right for PASSWD is wrong for PKSIGN
        PKSIGN: (_, { commands }) => ({
          inquire: "PASSPHRASE",
          maxlen: 255,
          next: (answer) =>
            answer.equals(PASSPHRASE) && !commands.includes(`SIGKEY ${ODD}`)
              ? [...dataLines(cannedSignature), "OK"]
              : BAD
        })
      }
    })
  )
  home = whole.use(await makeHomedir())
  folder = await makeFolder("gx")
  whole.defer(() => removeFolder(folder))
  fresh = join(folder, "fresh")
  await mkdir(fresh, { mode: 0o700 })
  await (await startTestGate({ agent: agent.socket, policy: "allow", state: fresh })).close()
})
afterAll(() => whole.disposeAsync())

interface Place {
  readonly folder: string
  readonly state: string
  readonly control: string
  /** The socket of the app. */
  readonly app: string
  readonly policy: string
}

let number = 0
const newPlace = async (): Promise<Place> => {
  const own = join(folder, String(number++))
  await mkdir(own, { mode: 0o700 })
  const app = join(own, "app")
  const policy = `default = "forbid"
[apps.mail]
socket = "${app}"
keys = ["*"]
sign = "token"
loopback = "token"
`
  await writeFile(join(own, "policy.toml"), policy, { mode: 0o600 })
  await cp(fresh, join(own, "state"), { recursive: true })
  return { folder: own, state: join(own, "state"), control: join(own, "control"), app, policy }
}

/** A gate; `crash` is as crash-at.ts has it. */
const start = (place: Place, crash: { readonly at: string; readonly report?: string }): Promise<Gate> => {
  const named = ["--policy", join(place.folder, "policy.toml"), "--upstream", agent.socket]
  return startGate({
    home,
    listen: join(place.folder, "gate"),
    args: [...named, "--state", place.state, "--control", place.control],
    env: {
      NODE_COMPILE_CACHE: join(folder, "cache"),
      NODE_OPTIONS: `--import=${CRASH_AT}`,
      CRASH_FOLDER: place.state,
      CRASH_AT: crash.at,
      // the agent is done sooner than the disk, and one record sooner than the other: who does not wait for both releases too early
      CRASH_DELAY: "grants.jsonl=12,journal.jsonl=4",
      ...crash.report !== undefined && { CRASH_REPORT: crash.report }
    }
  })
}

/** What an owner and his client hold. */
class Held {
  readonly place: Place
  readonly grants: Array<HeldGrant> = []
  /** Whether a grant was asked for that nobody got the token of. */
  granting = false
  done = 0

  constructor(place: Place) {
    this.place = place
  }

  async grant(keys: ReadonlyArray<Keygrip>, uses?: number): Promise<void> {
    this.granting = true
    const request = {
      verb: "grant",
      app: "mail",
      keys,
      operations: ["sign"],
      seal: true,
      passphrases: "given"
    } as const
    const { result, token } = await Effect.runPromise(
      askForToken(
        this.place.control,
        { ...request, ...uses !== undefined && { uses } },
        new Map(keys.map((key) => [key, PASSPHRASE]))
      )
    )
    this.granting = false
    this.grants.push(new HeldGrant(result.grant.id, token, uses))
  }

  /** Uses at the same time. */
  async use(grant: HeldGrant, expected: ReadonlyArray<string>): Promise<void> {
    const uses = expected.map(() => grant.use(this.place.app, KEY))
    const said = (await Promise.allSettled(uses)).map((each) => {
      if (each.status === "rejected") throw each.reason
      return each.value
    })
    assert.deepStrictEqual(said.toSorted(), [...expected].toSorted())
  }

  async rotate(grant: HeldGrant, overlapMs: number): Promise<void> {
    const old = grant.newest
    grant.rotating = true
    if (overlapMs === 0) old.holds = undefined
    const { token } = await Effect.runPromise(
      askForToken(
        this.place.control,
        { verb: "rotate", id: grant.id, overlapMs, passphrases: "given" },
        new Map([KEY, ODD].map((key) => [key, PASSPHRASE]))
      )
    )
    grant.rotating = false
    grant.rotations++
    old.holds = overlapMs > 0
    grant.tokens.push({ bytes: token, holds: true })
  }

  async renew(grant: HeldGrant, uses: number): Promise<void> {
    const [most] = grant.most as [number]
    grant.most = [most, most + uses]
    const request = { verb: "renew", id: grant.id, forMs: HOUR, uses } as const
    const { grant: shown } = await Effect.runPromise(askControl(this.place.control, request))
    assert.strictEqual(shown.usesLeft, uses)
    grant.most = [most + uses]
  }

  async findStale(grant: HeldGrant): Promise<void> {
    grant.stale = undefined
    assert.strictEqual(await grant.use(this.place.app, ODD), ERR.BAD_PASSPHRASE)
    grant.stale = true
  }

  async giveBack(grant: HeldGrant): Promise<void> {
    grant.live = undefined
    await using client = await connectRaw(this.place.app)
    await client.readReply()
    assert.strictEqual(await ask(client, `GRIPGATE RETURN ${grant.id}`), "OK")
    grant.live = false
  }

  async revoke(grant: HeldGrant): Promise<void> {
    grant.live = undefined
    await controlOf(this.place.control).revoke({ id: grant.id })
    grant.live = false
  }
}

type Doing = (held: Held, limited: HeldGrant, free: HeldGrant) => Promise<void>

const steps: ReadonlyArray<Doing> = [
  (held) => held.grant([KEY], 3),
  (held, limited) => held.use(limited, ["OK"]),
  // two are left
  (held, limited) => held.use(limited, ["OK", "OK", ERR.BAD_PASSPHRASE]),
  (held, limited) => held.renew(limited, 2),
  (held, limited) => held.use(limited, ["OK"]),
  (held) => held.grant([KEY, ODD]),
  (held, _, free) => held.use(free, ["OK"]),
  (held, _, free) => held.rotate(free, 0),
  (held, _, free) => held.rotate(free, HOUR),
  (held, _, free) => held.use(free, ["OK"]),
  (held, _, free) => held.findStale(free),
  (held, _, free) => held.giveBack(free),
  (held, limited) => held.revoke(limited)
]

/** Does all the steps, as long as the gate lives. */
const drive = async (place: Place): Promise<Held> => {
  const held = new Held(place)
  for (const step of steps) {
    try {
      await step(held, held.grants[0]!, held.grants[1]!)
    } catch (error) {
      if (error instanceof Error && error.name === "AssertionError") throw error
      return held
    }
    held.done++
  }
  return held
}

/** Every signature that came out has its intent, and nothing else has. */
const assertRecorded = ({ grants, place }: Held, at: string): void => {
  const uses = usesIn(place.state, "sign").flatMap(([{ grants }]) => grants as ReadonlyArray<string>)
  for (const grant of grants) {
    const intents = uses.filter((id) => id === grant.id).length
    assert.isAtLeast(intents, grant.got, at)
    assert.isAtMost(intents, grant.tried - grant.refused + (grant.stale === false ? 0 : 1), at)
  }
}

/** One grant, as a gate has it that has started again. */
const assertAsHeld = async (gate: TestGate, { place }: Held, grant: HeldGrant, at: string): Promise<void> => {
  const shown = (await controlOf(gate.control).grants()).find(({ id }) => id === grant.id)
  assert.isDefined(shown, `${at}: a grant that was acknowledged is there`)
  const live = shown!.revokedAt === null
  assert.include([grant.live ?? live], live, at)
  const app = gate.socketOf("mail")
  const rotated = recordsOf(place.state, grant.id, "rotated") - grant.rotations
  assert.include(grant.rotating ? [0, 1] : [0], rotated, at)
  const isStale = shown!.keys.find(({ keygrip }) => keygrip === ODD)?.seal === "stale"
  assert.strictEqual(isStale, grant.stale ?? isStale, at)
  if (shown!.usesLeft !== null) return
  for (const token of grant.tokens) {
    // a new token that nobody got has taken its place, or not
    const holds = live && (token.holds ?? rotated === 0)
    assert.strictEqual(await grant.use(app, KEY, token), holds ? "OK" : ERR.BAD_PASSPHRASE, at)
  }
  if (isStale && live) assert.strictEqual(await grant.use(app, ODD), ERR.BAD_PASSPHRASE, at)
}

/** Uses a grant until nothing is left of it, over a restart, and compares what came out in all. */
const assertNumber = async (grant: HeldGrant, place: Place, at: string): Promise<void> => {
  const lost = grant.tried - grant.refused - grant.got
  const live = recordsOf(place.state, grant.id, "revoked") === 0
  for (const isLast of [false, true]) {
    await using gate = await restart(place)
    // no more refusals than that: after a few, an app has to wait
    let said
    do {
      said = await grant.use(gate.socketOf("mail"), KEY)
      if (!live) assert.strictEqual(said, ERR.BAD_PASSPHRASE, at)
    } while (isLast && said === "OK")
  }
  assert.isAtMost(grant.got, Math.max(...grant.most), at)
  // what was under way may be counted, and is not lost else
  if (live) assert.isAtLeast(grant.got, Math.min(...grant.most) - lost, at)
}

const restart = (place: Place): Promise<TestGate> =>
  startTestGate({ agent: agent.socket, policy: place.policy, apps: ["mail"], state: place.state })

/** Starts a gate without a fault, and compares. */
const assertAll = async (held: Held, at: string): Promise<void> => {
  const { grants, place } = held
  await assertWhole(place.state, at)
  assertRecorded(held, at)
  {
    await using gate = await restart(place)
    const listed = (await controlOf(gate.control).grants()).map(({ id }) => id)
    const more = listed.filter((id) => !grants.some((grant) => grant.id === id)).length
    assert.isAtMost(more, held.granting ? 1 : 0, at)
    for (const grant of grants) await assertAsHeld(gate, held, grant, at)
  }
  for (const grant of grants) if (grant.most.length > 0) await assertNumber(grant, place, at)
  await assertWhole(place.state, at)
  assertRecorded(held, at)
}

/** What a gate does to its state directory in all, when nothing happens to it. */
const operationsOfAll = async (): Promise<ReadonlyArray<readonly [operation: string, path: string]>> => {
  const place = await newPlace()
  const report = join(place.folder, "report")
  const gate = await start(place, { at: "", report })
  const held = await drive(place)
  assert.strictEqual(held.done, steps.length)
  assert.deepStrictEqual(await gate.stop(), { code: 0, signal: null })
  await assertAll(held, "unharmed")
  return JSON.parse(await readFile(report, "utf8"))
}

describe("a gate that is killed in the life of grants with tokens", () => {
  let operations: Awaited<ReturnType<typeof operationsOfAll>>
  beforeAll(async () => {
    operations = await operationsOfAll()
    const writes = (name: string) => operations.filter(([operation, path]) => operation === "write" && path === name)
    // two grants, four uses that are counted, two tokens, a renewal, what is stale, and two that are taken back
    assert.isAtLeast(writes("grants.jsonl").length, 10)
    // uses do not wait for it
    assert.isAtLeast(writes("grants.jsonl.head").length, 6)
    assert.isAtLeast(writes("journal.jsonl").length, 10)
  })

  for (const variant of ["before", "after", "half"] as const) {
    it(`keeps what it acknowledged, and gives nothing beyond it: ${variant} every operation`, async () => {
      const struck = operations.flatMap(([operation], index) => isStruck(variant, operation) ? [index + 1] : [])
      const more = Array.from({ length: 8 }, (_, i) => operations.length + 1 + i)
      let died = 0
      await inParallel([...struck, ...more], async (n) => {
        const at = `${n}:${variant} ${operations[n - 1]?.join(" ")}`
        const place = await newPlace()
        const gate = await start(place, { at: `${n}:${variant}` }).catch(() => undefined)
        const held = gate === undefined ? new Held(place) : await drive(place)
        const exit = await gate?.stop()
        if (gate === undefined || exit?.signal === "SIGKILL") died++
        else assert.strictEqual(held.done, steps.length, at)
        await assertAll(held, at)
        await rm(place.folder, { recursive: true })
      })
      // what happens at the same time shares writes, so that there are more or less
      assert.isAtLeast(died, 0.75 * struck.length)
    }, 300_000)
  }
})

describe("a gate that is killed while grants begin anew", () => {
  const files = ["grants.jsonl", "grants.jsonl.head"]

  /** Has a gate make a grant. */
  const grantAt = async (place: Place, gate: TestGate): Promise<HeldGrant> => {
    const held = new Held({ ...place, control: gate.control })
    await held.grant([KEY])
    return held.grants[0]!
  }

  /** A state directory whose grants were moved aside, and one of those. */
  const movedAside = async () => {
    const place = await newPlace()
    const gate = await restart(place)
    const grant = await grantAt(place, gate)
    await gate.close()
    for (const name of files) await rename(join(place.state, name), join(place.folder, name))
    return { place, grant }
  }

  it("opens nothing of before, not with an old copy either, and goes on", async () => {
    const report = join(folder, "report")
    {
      const { place } = await movedAside()
      await (await start(place, { at: "", report })).stop()
    }
    const operations: Awaited<ReturnType<typeof operationsOfAll>> = JSON.parse(await readFile(report, "utf8"))
    const plans = (["before", "after", "half"] as const).flatMap((variant) =>
      operations.flatMap(([operation], index) => isStruck(variant, operation) ? [`${index + 1}:${variant}`] : [])
    )
    await inParallel(plans, async (at) => {
      const { grant, place } = await movedAside()
      const gate = await start(place, { at }).catch(() => undefined)
      await gate?.stop()
      {
        await using gate = await restart(place)
        assert.strictEqual(await grant.use(gate.socketOf("mail"), KEY), ERR.BAD_PASSPHRASE, at)
        await grantAt(place, gate)
      }
      await assertWhole(place.state, at)
      for (const name of files) await cp(join(place.folder, name), join(place.state, name))
      const started = await restart(place).then((gate) => gate, String)
      if (typeof started !== "string") await started.close()
      assert.include(started, "began at another time than the journal knows of", at)
      await rm(place.folder, { recursive: true })
    })
  }, 120_000)
})
