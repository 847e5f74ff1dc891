// Folders made where they are missing, and the places where none can be.
import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeFolder } from "../src/folder.ts"

describe("makeFolder", () => {
  it("makes every missing folder for its owner alone, and leaves what is there", () => {
    const top = mkdtempSync(join(tmpdir(), "gf-"))
    try {
      makeFolder(join(top, "a", "b"))
      makeFolder(join(top, "a", "b"))
      assert.strictEqual(statSync(join(top, "a")).mode & 0o777, 0o700)
      assert.strictEqual(statSync(join(top, "a", "b")).mode & 0o777, 0o700)
    } finally {
      rmSync(top, { recursive: true })
    }
  })

  it("fails where the system makes no folders, instead of trying for ever", () => {
    assert.throws(() => makeFolder("/proc/gripgate/run"), /ENOENT|EACCES|EPERM|EROFS/)
  })
})
