import { assert, describe, it } from "@effect/vitest"
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { mkdir, symlink } from "node:fs/promises"
import { join } from "node:path"

describe("isSamePlace", () => {
  it("sees through links to the socket, to its folder, and to what is not there yet", async () => {
    const folder = await makeFolder("sp")
    try {
      const socket = join(folder, "real", "S")
      await mkdir(join(folder, "real"))
      await symlink("real", join(folder, "way"))
      await symlink(join(folder, "way", "S"), join(folder, "link"))
      await symlink("loop", join(folder, "loop"))
      assert.isTrue(isSamePlace(socket, join(folder, "way", "S")))
      assert.isTrue(isSamePlace(join(folder, "link"), socket))
      assert.isTrue(isSamePlace(`${folder}/real/../real//S`, socket))
      assert.isFalse(isSamePlace(socket, join(folder, "real", "T")))
      assert.isFalse(isSamePlace(join(folder, "loop"), socket))
    } finally {
      await removeFolder(folder)
    }
  })
})
