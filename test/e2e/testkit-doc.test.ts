// The commands of docs/testkit.md as they stand there, in an empty folder, and what they come to. Its TypeScript is run by
// test/programs/testkit-outside.test.ts, from the package.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { parseAgentFaults } from "@gripgate/testkit/harness/agent-faults"
import { readyNames } from "@gripgate/testkit/harness/keys"
import { parsePinentryScript } from "@gripgate/testkit/harness/pinentry-script"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { run } from "@gripgate/testkit/run"
import { readFileSync } from "node:fs"
import { mkdir, symlink } from "node:fs/promises"
import { join, resolve } from "node:path"
import { longLines } from "../support/prose.ts"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/testkit.md"), "utf8")
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, "gm"))].map(([, text = ""]) => text)

describe("docs/testkit.md", () => {
  it("has commands that do what they say", async () => {
    const folder = await makeFolder("gs")
    try {
      const bin = join(folder, "bin")
      await mkdir(bin)
      await symlink(process.execPath, join(bin, "node"))
      await symlink(join(root, "packages/cli/bin/gripgate.mjs"), join(bin, "gripgate"))
      const env = { PATH: `${bin}:${process.env["PATH"] ?? "/usr/bin:/bin"}`, HOME: folder, LC_ALL: "C.UTF-8" }
      const shell = async (text: string) => {
        const { code, stderr, stdout } = await run(["bash", "-c", text], { env, cwd: folder })
        assert.strictEqual(code, 0, stderr)
        return { stdout: stdout.toString(), stderr }
      }
      const commands = blocks("sh")
      assert.lengthOf(commands, 5)
      const [first = "", look = "", carol = "", faults = "", control = ""] = commands
      assert.include((await shell(first)).stderr, "Operation cancelled")
      assert.lengthOf((await shell(look)).stdout.match(/GETPIN/g)!, 2)
      assert.include((await shell(carol)).stdout, "Carol <carol@example.org>")
      for (const [text, said] of [[faults, "No pinentry"], [control, "Operation cancelled"]] as const) {
        const { stderr, stdout } = await shell(text)
        assert.include(stderr, said)
        assert.include(stdout, "BEGIN PGP SIGNATURE")
      }
    } finally {
      await removeFolder(folder)
    }
  })

  it("has lines that can be read", () => assert.deepStrictEqual(longLines(page), []))

  it("has scripts that are taken", () => {
    const [pinentry = "", faults = "", ...more] = blocks("json")
    assert.lengthOf(more, 0)
    assert.lengthOf(parsePinentryScript(pinentry, "page").answers, 3)
    assert.sameMembers(Object.keys(parseAgentFaults(faults, "page").commands!), ["PKSIGN", "PKDECRYPT"])
    const faultWords = page.slice(page.indexOf("| fault |"), page.indexOf("`greeting` takes"))
    const words = [...faultWords.matchAll(/`("\w+")`/g)].map(([, word]) => word)
    assert.isAbove(words.length, 7)
    for (const word of words) parseAgentFaults(`{"commands": {"NOP": ${word}}}`, "page")
    const answers = page.slice(page.indexOf("| answer |"), page.indexOf("A gate whose policy asks"))
    for (const [, word] of answers.matchAll(/`("(?!notok)\w+")`/g)) parsePinentryScript(`[${word}]`, "page")
  })

  it("names every flag and every key", async () => {
    const program = join(root, "packages/cli/bin/gripgate.mjs")
    const { stdout } = await run([process.execPath, program, "testkit", "--help"])
    const flags = [...stdout.toString().matchAll(/^ {2}(--[\w-]+)/gm)].map(([, flag = ""]) => flag)
    assert.isAtLeast(flags.length, 8)
    for (const flag of flags.filter((one) => one !== "--help" && one !== "--version")) assert.include(page, `\`${flag}`)
    for (const name of readyNames) assert.match(page, new RegExp(`^\\| \`${name}\` \\| \`${name}@example.org\``, "m"))
    assert.include(page, `the passphrase \`${fixtureKeys.protected.passphrase}\``)
  })
})
