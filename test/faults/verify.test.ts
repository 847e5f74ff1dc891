// `gripgate log --verify`, as the owner runs it: whatever is done to the files of a journal is found, with file and line, in the newest
// file and in those that were put aside; and nothing is found at any moment of a gate that writes and puts files aside.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Use } from "@gripgate/proxy/authority/authority"
import type { Journal } from "@gripgate/proxy/journal/journal"
import { openJournal } from "@gripgate/proxy/journal/open-journal"
import { openChainKey } from "@gripgate/proxy/ledger/chain-key"
import { genesis, type Position, startOf, writeLine } from "@gripgate/proxy/ledger/record"
import { LogService } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createSecretKey, type KeyObject, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))
const KEY: Keygrip = parseKeygrip("1".repeat(40))!
const ENTRY = { verdict: "allow", text: "sign = \"allow\"" } as const
const USE: Use = {
  app: "mail",
  facts: { socket: "/s", session: 1, chain: [] },
  identity: { kind: "anyone" },
  command: "PKSIGN",
  operations: ["sign"],
  keygrips: [KEY],
  whenLost: () => () => {}
}

/** Has a gate's journal written; a file of it has a few records. */
const writing = (
  state: string,
  keep: number,
  use: (journal: Journal["Service"]) => Effect.Effect<void>
): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function*() {
      const key = yield* openChainKey(state, [])
      yield* use(yield* openJournal({ state, key, version: "1.2.3", bytes: 2_000, keep }))
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(layerWebCrypto, Layer.succeed(LogService, { level: 3, write: () => {} })))
    )
  )

const someUses = (count: number) => (journal: Journal["Service"]): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; i < count; i++) {
      const intent = journal.allowed(USE, ENTRY)!
      yield* intent.written
      intent.outcome("done")
    }
  })

let home: Homedir
let folder: string
/** A journal of several files, and their names, oldest first. */
let files: ReadonlyArray<string>
let original: string
const whole = new AsyncDisposableStack()
beforeAll(async () => {
  home = whole.use(await makeHomedir())
  folder = await makeFolder("gv")
  whole.defer(() => removeFolder(folder))
  original = join(folder, "original")
  fs.mkdirSync(original, { mode: 0o700 })
  await writing(original, 63, (journal) =>
    Effect.gen(function*() {
      yield* someUses(20)(journal)
      // the newest has some records, and room for the last ones
      const isHalf = () => [4, 5].includes(linesIn(original, "journal.jsonl").length)
      while (!isHalf()) yield* someUses(1)(journal)
    }))
  files = [
    ...fs.readdirSync(original).filter((name) => /^journal\.\d+\.jsonl$/.test(name)).toSorted(),
    "journal.jsonl"
  ]
  assert.isAtLeast(files.length, 4)
})
afterAll(() => whole.disposeAsync())

const verify = async (state: string, ...flags: ReadonlyArray<string>) => {
  const ran = await home.run([process.execPath, PROGRAM, "log", "--verify", "--state", state, ...flags])
  return { code: ran.code, stdout: ran.stdout.toString(), stderr: ran.stderr }
}

let number = 0
/** A copy of the journal, to be damaged. */
const newCopy = (): string => {
  const state = join(folder, String(number++))
  fs.cpSync(original, state, { recursive: true })
  return state
}

const linesIn = (state: string, name: string): ReadonlyArray<string> =>
  fs.readFileSync(join(state, name), "utf8").match(/.*\n/g)!
const put = (state: string, name: string, lines: ReadonlyArray<string>): void =>
  fs.writeFileSync(join(state, name), lines.join(""))

const keyOf = (state: string): KeyObject => createSecretKey(fs.readFileSync(join(state, "chain.key")))

/** Computes the chain anew from a line of a file on, through the files that follow if it is to go on. */
const computeAnew = (state: string, at: number, line: number, key: KeyObject, goOn: boolean): void => {
  let last: Position | undefined
  for (const [index, name] of files.entries()) {
    if (index < at || index > at && !goOn) continue
    const lines = [...linesIn(state, name)]
    last ??= startOf(Buffer.from(lines[0]!)) ?? genesis(key, "journal.jsonl")
    for (const [i, text] of lines.entries()) {
      const { at: time, mac, n, v: _, ...fields } = JSON.parse(text)
      if (index === at && i < line) {
        last = { n, mac: Buffer.from(mac, "hex") }
        continue
      }
      if (fields.begin !== undefined) fields.begin.mac = last.mac.toString("hex")
      const next = writeLine(key, last, Date.parse(time), JSON.stringify(fields).slice(1, -1))
      last = next.position
      lines[i] = next.line.toString()
    }
    put(state, name, lines)
  }
}

interface Damage {
  /** What is done to the third line of a file, of which there are more. */
  readonly damage: (state: string, name: string, index: number) => void
  /** Which line is named; none where it is found by the head alone. */
  readonly line?: number
  /** In which file; the same where it is left out. */
  readonly next?: true
  readonly says: RegExp
}

const alter = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line, i) =>
    i === 2 ? line.replace(/"(?:result|verdict)":"[a-z]+"/, (found) => found.replace(/[a-z]"$/, "x\"")) : line
  )

const edit = (change: (lines: ReadonlyArray<string>) => ReadonlyArray<string>): Damage["damage"] => (state, name) => {
  const lines = linesIn(state, name)
  const changed = change(lines)
  assert.notDeepEqual(changed, lines)
  put(state, name, changed)
}

const everywhere: Readonly<Record<string, Damage>> = {
  "a record taken out": {
    damage: edit((lines) => lines.toSpliced(2, 1)),
    line: 3,
    says: /expected record \d+, got record \d+: records are missing in between/
  },
  "a record altered": { damage: edit(alter), line: 3, says: /record \d+ is not as it was written/ },
  "two records changed round": {
    damage: edit((lines) => lines.toSpliced(2, 2, lines[3]!, lines[2]!)),
    line: 3,
    says: /expected record \d+, got record \d+: records are out of order/
  },
  "a record twice": {
    damage: edit((lines) => lines.toSpliced(3, 0, lines[2]!)),
    line: 4,
    says: /it is here twice, or out of order/
  },
  "a record altered, and the chain computed anew with another key": {
    damage: (state, name, index) => {
      edit(alter)(state, name, index)
      computeAnew(state, index, 2, createSecretKey(randomBytes(32)), true)
    },
    line: 3,
    says: /record \d+ is not as it was written/
  },
  "a record altered, and the chain computed anew with the key, up to the end": {
    damage: (state, name, index) => {
      edit(alter)(state, name, index)
      computeAnew(state, index, 2, keyOf(state), true)
    },
    says: /journal\.jsonl is not the file that .*journal\.jsonl\.head was written for/
  }
}

const inOlder: Readonly<Record<string, Damage>> = {
  ...everywhere,
  "its end cut off": {
    damage: edit((lines) => lines.slice(0, -1)),
    line: 1,
    next: true,
    says: /expected record \d+, got record \d+: records are missing in between/
  },
  "a record altered, and the chain computed anew with the key, in this file": {
    damage: (state, name, index) => {
      edit(alter)(state, name, index)
      computeAnew(state, index, 2, keyOf(state), false)
    },
    line: 1,
    next: true,
    says: /record \d+ is not as it was written/
  },
  "the file gone": {
    damage: (state, name) => fs.rmSync(join(state, name)),
    says: /is missing, and .*journal\.jsonl says that it is kept/
  }
}

const inNewest: Readonly<Record<string, Damage>> = {
  ...everywhere,
  "its end cut off": {
    damage: edit((lines) => lines.slice(0, 3)),
    line: 4,
    says: /records are missing at the end \(there are \d+, and there were \d+\)/
  },
  "the file gone": {
    damage: (state, name) => fs.rmSync(join(state, name)),
    says: /journal\.jsonl is missing, and .*journal\.jsonl\.head says that it had records/
  },
  "the head gone": {
    damage: (state, name) => fs.rmSync(join(state, `${name}.head`)),
    says: /journal\.jsonl\.head is missing, and .*journal\.jsonl has records/
  },
  "another key": {
    damage: (state) => fs.writeFileSync(join(state, "chain.key"), randomBytes(32)),
    says: /is damaged|not the key/
  }
}

/** The damage is found, and said as it is to be. */
const assertFound = async (index: number, { damage, line, next, says }: Damage): Promise<void> => {
  const state = newCopy()
  damage(state, files[index]!, index)
  const { code, stderr, stdout } = await verify(state)
  assert.deepStrictEqual([code, stdout], [1, ""])
  const [error = "", hint = "", ...more] = stderr.trimEnd().split("\n")
  assert.match(error, says)
  if (line !== undefined) {
    const named = join(state, files[next === true ? index + 1 : index]!)
    assert.isTrue(error.startsWith(`gripgate: error: ${named}:${line}: `), error)
  }
  assert.match(hint, /^gripgate: hint: docs\/journal\.md /)
  assert.deepStrictEqual(more, [])
  fs.rmSync(state, { recursive: true })
}

describe("gripgate log --verify", () => {
  it("says that the journal is whole, with all its files", async () => {
    const records = files.flatMap((name) => linesIn(original, name)).filter((line) => !line.includes("\"begin\""))
    assert.deepStrictEqual(await verify(original), {
      code: 0,
      stdout: `${records.length} records, whole\n`,
      stderr: ""
    })
  })

  for (const [what, damage] of Object.entries(inNewest)) {
    it(`finds ${what}, in the newest file`, () => assertFound(files.length - 1, damage))
  }
  for (const [what, damage] of Object.entries(inOlder)) {
    it(`finds ${what}, in an older file`, () => assertFound(1, damage))
  }

  it("finds an older file in the place of another, and one that a gate of another key wrote", async () => {
    const state = newCopy()
    fs.copyFileSync(join(state, files[0]!), join(state, files[1]!))
    const { code, stderr } = await verify(state)
    assert.strictEqual(code, 1)
    assert.include(stderr, `${join(state, files[1]!)}:1: `)
    const other = join(folder, "other")
    fs.mkdirSync(other, { mode: 0o700 })
    await writing(other, 63, someUses(20))
    fs.copyFileSync(join(other, "journal.jsonl"), join(state, "journal.jsonl"))
    assert.strictEqual((await verify(state)).code, 1)
  })

  it("says it as JSON too", async () => {
    const state = newCopy()
    edit(alter)(state, files[1]!, 1)
    const { code, stdout } = await verify(state, "--json")
    const { problem, whole } = JSON.parse(stdout)
    assert.deepStrictEqual([code, whole], [1, false])
    assert.include(problem, `${join(state, files[1]!)}:3: `)
  })

  it("finds nothing wrong at any moment of a gate that writes, puts files aside and drops old ones", async () => {
    const state = join(folder, "busy")
    fs.mkdirSync(state, { mode: 0o700 })
    await writing(state, 3, (journal) =>
      Effect.gen(function*() {
        let going = true
        const looking = (async () => {
          for (let looks = 0; looks < 6; looks++) {
            const { code, stderr, stdout } = await verify(state)
            assert.deepStrictEqual([code, stderr], [0, ""])
            assert.match(stdout, /^\d+ records, whole\n$/)
          }
        })().finally(() => {
          going = false
        })
        while (going) {
          yield* someUses(10)(journal)
          yield* Effect.promise(() => sleep(1))
        }
        yield* Effect.promise(() => looking)
      }))
    const [oldest = ""] = fs.readdirSync(state).filter((name) => /^journal\.\d+\.jsonl$/.test(name)).toSorted()
    assert.isAbove(Number(/\d+/.exec(oldest)?.[0]), 1, "old files were dropped meanwhile")
  })
})
