// The bench prints what it promises: a block for each row with every contender, and the same numbers as JSON. What the
// numbers are is no matter of a test.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { run } from "@gripgate/testkit/run"
import { readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"

const bench = resolve(import.meta.dirname, "../../scripts/bench/bench.ts")

const cheap = ["--quick", "--only", "detach-sign-ed25519,keyinfo", "--contenders", "direct,gate,relay"]

const runBench = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  run([process.execPath, bench, ...args], { env: { PATH: process.env["PATH"] ?? "", ...env } })

/** `  gate   3.70   3.61..4.22   1.024   1.015..1.034   0.980..1.080  <= 1.05, limit 1.10` */
const number = "\\d+(?:\\.\\d+)?"
const spread = `${number}\\.\\.${number}`
const compared = (name: string, goal: string) =>
  new RegExp(`^  ${name} +${number} +${spread} +${number} +${spread} +${spread}${goal}$`)

describe("the bench", () => {
  it("prints a block for each row, writes it into a page, and the single numbers as JSON", async () => {
    const folder = await makeFolder("gb")
    try {
      const [json, page] = [join(folder, "numbers.json"), join(folder, "page.md")]
      await writeFile(page, "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
      const { code, stderr, stdout } = await runBench([...cheap, "--json", json, "--write", page])
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      const table = stdout.toString()
      const lines = table.trimEnd().split("\n")
      assert.match(lines[0] ?? "", /^machine  \d+ x .+, Linux \S+, load \d+\.\d\d$/)
      assert.match(
        lines[1] ?? "",
        /^ +node \d+\.\d+\.\d+, gpg \d+\.\d+\.\d+, libgcrypt \S+, libassuan (?:\d+\.\d+\.\d+|\?)$/
      )
      assert.include(lines, "relay    node scripts/bench/relay.mjs SOCKET AGENT")

      for (
        const [title, goal] of [
          ["detach-sign-ed25519: gpg --detach-sign with ed25519, whole process; ms, 5 rounds", "  <= 1.05, limit 1.10"],
          ["keyinfo: KEYINFO on an open connection, a round trip; mean of 50 in each round; us, 3 rounds", ""]
        ] as const
      ) {
        const at = lines.indexOf(title)
        assert.isAbove(at, 0, table)
        assert.match(lines[at + 1] ?? "", /^ +median +p10\.\.p90 +ratio +95 % sure +p10\.\.p90  goal$/)
        assert.match(lines[at + 2] ?? "", new RegExp(`^  direct +${number} +${spread}$`))
        assert.match(lines[at + 3] ?? "", compared("gate", goal))
        assert.match(lines[at + 4] ?? "", compared("relay", ""))
      }

      const { rows } = JSON.parse(await readFile(json, "utf8"))
      assert.deepStrictEqual(Object.keys(rows), ["detach-sign-ed25519", "keyinfo"])
      assert.deepStrictEqual(Object.keys(rows.keyinfo.samples), ["direct", "gate", "relay"])
      assert.lengthOf(rows["detach-sign-ed25519"].samples.gate, 5)
      assert.strictEqual(
        await readFile(page, "utf8"),
        `before\n<!-- bench -->\n\`\`\`text\n${table}\`\`\`\n<!-- /bench -->\nafter\n`
      )
    } finally {
      await removeFolder(folder)
    }
  })

  it("names the Debian package where socat is missing, before it measures anything", async () => {
    const folder = await makeFolder("gb")
    try {
      const { code, stderr, stdout } = await runBench(["--quick"], { PATH: folder })
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr,
        "gripgate: error: bench: socat is not installed: apt-get install socat (or leave it out: --contenders)\n"
      )
      assert.strictEqual(stdout.length, 0)
    } finally {
      await removeFolder(folder)
    }
  })

  it("refuses a row and a page that it does not know", async () => {
    const row = await runBench(["--only", "speed"])
    assert.strictEqual(row.code, 64)
    assert.match(row.stderr, /^gripgate: error: bench: there is no row "speed"\n/)
    const page = await runBench([...cheap, "--write", bench])
    assert.strictEqual(page.code, 1)
    assert.match(page.stderr, /has no lines <!-- bench --> and <!-- \/bench -->\n$/)
  })
})
