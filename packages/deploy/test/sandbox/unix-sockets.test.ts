// The kernel's list of Unix sockets, as Linux prints it, and as it is.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { parseUnixSockets } from "../../src/sandbox/unix-sockets.ts"

const list = [
  "Num       RefCount Protocol Flags    Type St Inode Path",
  "000000009b06a3f1: 00000002 00000000 00010000 0001 01 14420216 @/tmp/.X11-unix/X0",
  "00000000b8e690b2: 00000003 00000000 00000000 0001 03  1583",
  "00000000887bd4c8: 00000002 00000000 00010000 0005 01     7 /run/a b/S",
  "00000000887bd4c9: 00000003 00000000 00000000 0001 03    12 /run/a b/S",
  "00000000887bd4ca: 00000002 00000000 00010000 0001 01    13 ./relative",
  ""
].join("\n")

describe("parseUnixSockets", () => {
  it("finds paths, blanks and all, and names without a path, each once", () => {
    assert.deepStrictEqual(parseUnixSockets(list), { paths: ["/run/a b/S"], abstract: ["/tmp/.X11-unix/X0"] })
  })

  it("finds one that listens on this machine", async () => {
    const folder = await makeFolder("gs")
    const path = join(folder, "S")
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    try {
      assert.include(parseUnixSockets(readFileSync("/proc/net/unix", "utf8")).paths, path)
    } finally {
      server.close()
      await removeFolder(folder)
    }
  })
})
