// The paths are gpgconf's own, also where it has to escape them.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { runOk } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { gnupgPlaces } from "../src/gnupg-places.ts"

describe("gnupgPlaces", () => {
  it("names what gpgconf names, for a homedir with a colon and a blank in its path", async () => {
    const folder = await makeFolder("gp")
    try {
      const homedir = join(folder, "a: b%")
      await mkdir(homedir, { mode: 0o700 })
      const places = await Effect.runPromise(gnupgPlaces(homedir))
      assert.strictEqual(places.homedir, homedir)
      for (const [name, path] of [["agent-socket", places.agent], ["agent-ssh-socket", places.ssh]] as const) {
        const { stdout } = await runOk(["gpgconf", "--homedir", homedir, "--null", "--list-dirs", name])
        assert.strictEqual(path, stdout.toString().replace("\0", ""))
      }
      assert.match(places.extra, /S\.gpg-agent\.extra$/)
      assert.match(places.browser, /S\.gpg-agent\.browser$/)
    } finally {
      await removeFolder(folder)
    }
  })
})
