import { assert, describe, it } from "@effect/vitest"
import { barrier } from "@gripgate/proxy/listen/reach"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { chmod, mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"

describe("barrier", () => {
  it("is the first folder that keeps out whom the socket's mode lets in", async () => {
    const folder = await makeFolder("rc")
    try {
      const [outer, inner] = [join(folder, "o"), join(folder, "o", "i")]
      await mkdir(inner, { recursive: true })
      for (const each of [folder, outer, inner]) await chmod(each, 0o711)
      const socket = join(inner, "S")
      const outside = barrier(join(dirname(folder), "S"), 0o666, undefined)
      assert.strictEqual(barrier(socket, 0o666, undefined), outside)
      await chmod(outer, 0o700)
      assert.strictEqual(barrier(socket, 0o666, undefined), outside ?? outer)
      assert.isUndefined(barrier(socket, 0o600, undefined))
      await chmod(outer, 0o710)
      assert.strictEqual(barrier(socket, 0o660, process.getgid!()), outside)
      assert.strictEqual(barrier(socket, 0o660, process.getgid!() + 1), outside ?? outer)
    } finally {
      await removeFolder(folder)
    }
  })
})
