// The soak for a minute: 2,000 idle clients and 64 that sign, over one gate before a real agent. It judges itself; what is checked
// here is that it does so, and that the numbers which it gives are those of so many clients.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { run } from "@gripgate/testkit/run"
import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { bounds, ceiling, failures, perSession, type Result, underLoad } from "../../scripts/soak/report.ts"

const script = resolve(import.meta.dirname, "../../scripts/soak/soak.ts")

const soak = (args: ReadonlyArray<string>, through: ReadonlyArray<string> = []) =>
  run([...through, process.execPath, script, ...args], {
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    timeoutMs: 240_000
  })

/** A result of which nothing is to be said. */
const fine: Result = {
  idle: 100,
  busy: 2,
  seconds: 20,
  signatures: 1_000,
  nops: 200,
  errors: 0,
  reasons: [],
  latency: {
    load: { count: 1_000, median: 1, p95: 2, p99: 3 },
    loadDirect: { count: 1_000, median: 1, p95: 2, p99: 3 },
    single: { count: 1_000, median: 1, p95: 2, p99: 3 },
    singleDirect: { count: 1_000, median: 1, p95: 2, p99: 3 }
  },
  memory: { start: 70_000, warm: 100_000, idle: 101_000, end: 102_000 },
  samples: Array.from({ length: 21 }, (_, second) => [second, second % 2 === 0 ? 120_000 : 180_000]),
  descriptors: { before: 30, end: 30 },
  sessionsLeft: 0
}

describe("the soak", () => {
  it("loses nothing and does not grow: a minute with 2,000 idle clients and 64 that sign", async () => {
    needs("gpg-agent")
    const folder = await makeFolder("gs")
    try {
      const file = join(folder, "soak.json")
      const { code, stderr, stdout } = await soak(["--minutes", "1", "--json", file])
      assert.strictEqual(code, 0, `${stdout}\n${stderr}`)
      const result: Result & { readonly v: number; readonly failures: ReadonlyArray<string> } = JSON.parse(
        await readFile(file, "utf8")
      )
      assert.deepStrictEqual([result.v, result.failures, result.errors], [1, [], 0])
      assert.deepStrictEqual([result.idle, result.busy, result.sessionsLeft], [2_000, 64, 0])
      // each idle client is answered at least at the end
      assert.isAtLeast(result.nops, 2_000)
      assert.isAbove(result.signatures, 1_000)
      assert.strictEqual(result.latency.load.count, result.signatures)
      assert.isAtMost(perSession(result), bounds.session)
      assert.isAtMost(underLoad(result).most, ceiling(2_000))
      assert.isAbove(result.samples.length, 10)
      assert.match(stdout.toString(), /^errors {6}0$/m)
    } finally {
      await removeFolder(folder)
    }
  }, 260_000)

  it("says which bound was broken", () => {
    assert.deepStrictEqual(failures(fine), [])
    const said = (changed: Partial<Result>) => failures({ ...fine, ...changed }).join("\n")
    assert.match(said({ errors: 2, reasons: ["the connection was closed"] }), /^2 errors: the connection was closed$/)
    assert.match(said({ signatures: 0 }), /^nothing was signed$/)
    assert.match(said({ memory: { ...fine.memory, start: bounds.start + 1 } }), /^it starts with /)
    assert.match(said({ memory: { ...fine.memory, idle: 103_000 } }), /^an idle session takes 30.0 KiB; at most 20$/)
    assert.match(
      said({ descriptors: { before: 30, end: 31 } }),
      /^31 descriptors are open at the end, and 30 were before/
    )
    assert.match(said({ sessionsLeft: 1 }), /^1 sessions are open/)
    const growing = fine.samples.map(([second]) => [second, 60_000 + second * 7_000] as const)
    assert.match(
      said({ samples: growing }),
      /^it keeps \d+\.\d MiB more in the second half of the load than in the first; at most 48\.0 MiB$/
    )
    const high = fine.samples.map(([second, kib]) => [second, kib + 200_000] as const)
    assert.match(said({ samples: high }), /^it takes \d+\.\d MiB under load; at most /)
  })

  it("says so where there are too few descriptors, before it starts anything", async () => {
    const { code, stderr, stdout } = await soak([], ["sh", "-c", "ulimit -n 1000; exec \"$@\"", "sh"])
    assert.deepStrictEqual([code, stdout.toString()], [1, ""])
    assert.match(
      stderr,
      /^gripgate: error: soak: 2000 idle and 64 busy clients need 2256 descriptors .* the limit is 1000: /
    )
  })

  it("refuses numbers that it cannot use", async () => {
    for (const args of [["--minutes", "0"], ["--idle", "1.5"], ["--busy", "many"], ["--idle", ""], ["--hours", "1"]]) {
      const { code, stderr } = await soak(args)
      assert.strictEqual(code, 64, args.join(" "))
      assert.match(stderr, /^gripgate: error: soak: /)
    }
  })
})
