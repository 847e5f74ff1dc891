// Temporary folders.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeFolder, removeFolder } from "../src/folder.ts"

describe("makeFolder", () => {
  it("makes one for its owner alone, which goes with all that is in it", async () => {
    const folder = await makeFolder("gx")
    assert.match(folder, /\/gx-\w{6}$/)
    assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
    await writeFile(join(folder, "file"), "")
    await removeFolder(folder)
    await removeFolder(folder)
    assert.isFalse(existsSync(folder))
  })

  it("leaves room for the path of a socket where TMPDIR is long", async () => {
    const parent = await makeFolder("gx")
    const before = process.env["TMPDIR"]
    process.env["TMPDIR"] = join(parent, "x".repeat(90))
    const folder = await makeFolder("gx").finally(() => {
      if (before === undefined) delete process.env["TMPDIR"]
      else process.env["TMPDIR"] = before
    })
    assert.match(folder, /^\/tmp\/gx-\w{6}$/)
    await removeFolder(folder)
    await removeFolder(parent)
  })
})
