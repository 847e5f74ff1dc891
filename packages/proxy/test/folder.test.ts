// Folders made where they are missing, and the places where none can be.
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { folderProblem, makeFolder } from "../src/folder.ts"

describe("folderProblem", () => {
  it("is content with a folder of one's own, of root, or a sticky one, and with no other", () => {
    const top = mkdtempSync(join(tmpdir(), "gf-"))
    try {
      const uid = process.getuid!()
      assert.isUndefined(folderProblem(top, uid))
      chmodSync(top, 0o1777)
      assert.isUndefined(folderProblem(top, uid))
      chmodSync(top, 0o777)
      assert.match(folderProblem(top, uid)!, /^everybody may write to the directory /)
      chmodSync(top, 0o700)
      if (uid === 0) chownSync(top, 1, 1)
      assert.match(folderProblem(top, uid + 2)!, /belongs to somebody else/)
      assert.isUndefined(folderProblem("/", uid))
    } finally {
      rmSync(top, { recursive: true })
    }
  })
})

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
