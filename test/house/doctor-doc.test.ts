// docs/doctor.md is true where it can be held to the code: its table names every finding with its level, and its commands run.
import { assert, describe, it } from "@effect/vitest"
import { levels } from "@gripgate/deploy/doctor/ids"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { readFileSync } from "node:fs"
import { mkdir, symlink } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { longLines } from "../support/prose.ts"

const root = resolve(import.meta.dirname, "../..")
const written = readFileSync(join(root, "docs/doctor.md"), "utf8")

describe("docs/doctor.md", () => {
  it("names every finding and its level, and no other", () => {
    const rows = [...written.matchAll(/^\| `([a-z]+\.[a-z-]+)` \| (ok|note|danger|wrong) \| \S.* \|$/gm)].map((
      [, id, level]
    ) => [id, level])
    assert.deepStrictEqual(rows, Object.entries(levels))
  })

  it("has commands that do what it says", async () => {
    const commands = [...written.matchAll(/^```sh\n([^]*?)\n```$/gm)].flatMap(([, text = ""]) => text.split("\n"))
    assert.lengthOf(commands, 3)
    await using home = await makeHomedir()
    const bin = join(home.path, "bin")
    await mkdir(bin)
    await symlink(process.execPath, join(bin, "node"))
    await symlink(join(root, "packages/cli/bin/gripgate.mjs"), join(bin, "gripgate"))
    const printed: Array<string> = []
    for (const command of commands) {
      const { code, stderr, stdout } = await home.run(["env", `PATH=${bin}:${home.env["PATH"]}`, "sh", "-c", command])
      assert.deepStrictEqual([code, stderr], [0, ""], command)
      printed.push(stdout.toString())
    }
    const [short = "", long = "", json = ""] = printed
    assert.match(short, /^installed {4}ok /)
    assert.match(short, /\nnothing is wrong, \d notes\n$/)
    assert.isAbove(long.length, short.length)
    const { findings } = JSON.parse(json) as { readonly findings: ReadonlyArray<Record<string, unknown>> }
    for (const finding of findings) assert.sameMembers(Object.keys(finding), ["id", "level", "message", "where", "fix"])
  })

  it("is wrapped for reading, all but its tables", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})
