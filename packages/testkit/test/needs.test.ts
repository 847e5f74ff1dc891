// What a test says that lacks a program.
import { assert, describe, it } from "@effect/vitest"
import { accessSync, constants } from "node:fs"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeHomedir } from "../src/homedir.ts"
import { needs } from "../src/needs.ts"

describe("needs", () => {
  it("gives the path of a program that is there", () => {
    assert.doesNotThrow(() => accessSync(needs("gpg"), constants.X_OK))
    assert.match(needs("gpg-agent"), /^\/.*\/gpg-agent$/)
  })

  it("names program and Debian package in one line where it is not", () => {
    const nowhere = "/nonexistent"
    assert.throws(() => needs("gpg1", nowhere), /^[^\n]*gpg1[^\n]*apt-get install gnupg1$/)
    assert.throws(() => needs("bwrap", nowhere), /^[^\n]*bwrap[^\n]*apt-get install bubblewrap$/)
  })

  it("does not take a file that cannot be run for a program", async () => {
    await using home = await makeHomedir()
    const file = join(home.path, "gpg1")
    await writeFile(file, "")
    assert.throws(() => needs("gpg1", home.path))
    await chmod(file, 0o700)
    assert.strictEqual(needs("gpg1", `/nonexistent:${home.path}`), file)
  })
})
