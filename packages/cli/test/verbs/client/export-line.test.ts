// Lines for shells: sh reads them back itself, for the others their rules of quoting are known.
import { assert, describe, it } from "@effect/vitest"
import { runOk } from "@gripgate/testkit/run"
import { exportLine } from "gripgate/verbs/client/export-line"

const values = ["/home/a/x", "/a b", "it's", "$(touch /tmp/x)`id`", "a\\b\"c", "!!", "ü\nz", "~", "a;b&c|d>e"]

describe("exportLine", () => {
  it("is read back by sh, whatever the value is", async () => {
    for (const value of values) {
      const script = `${exportLine("sh", "A", value)} printf '%s' "$A"`
      assert.strictEqual((await runOk(["sh", "-c", script])).stdout.toString(), value)
    }
  })

  it("is quoted for fish, where a backslash escapes a quote within quotes", () => {
    assert.strictEqual(exportLine("fish", "A", "it's \\ $x"), "set -gx A 'it\\'s \\\\ $x';")
  })

  it("is quoted for csh, where history works within quotes", () => {
    assert.strictEqual(exportLine("csh", "A", "it's !x"), "setenv A 'it'\\''s \\!x';")
  })
})
