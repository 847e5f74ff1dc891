// The commands of docs/clients.md as they stand there, one after the other in one shell, by somebody who has GnuPG, a key, a git
// repository and nothing else.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk } from "@gripgate/testkit/run"
import { readFileSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { longLines } from "../support/prose.ts"
import { apart, endGate, makePlace, shellBlocks } from "./page-shell.ts"
import { outside, root } from "./run-stage.ts"

const page = readFileSync(join(root, "docs/clients.md"), "utf8")

describe("docs/clients.md", () => {
  it("is wrapped for reading, all but its tables", () => {
    assert.deepStrictEqual(longLines(page), [])
  })

  it("takes somebody from nothing to a signed commit, a homedir and a shell, each as the app", async () => {
    for (const program of ["bwrap", "git", "gpg"] as const) needs(program)
    const home = await makeFolder("rp", outside())
    await using stack = new AsyncDisposableStack()
    stack.defer(() => removeFolder(home))
    stack.defer(() => endGate(home))
    const { env } = await makePlace(home, "")
    const project = join(home, "project")
    await mkdir(project)
    await runOk(["git", "-C", project, "init", "-q"], { env })
    for (const name of ["name", "email"]) {
      await runOk(["git", "-C", project, "config", `user.${name}`, name === "name" ? "Alice" : "alice@example.org"], {
        env
      })
    }
    await writeFile(join(project, "file"), "text\n")
    await runOk(["git", "-C", project, "add", "file"], { env })

    const blocks = shellBlocks(page)
    assert.lengthOf(blocks, 8)
    const [policy, serve, commit, shell, list, letter, refresh, gpg1] = blocks as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string
    ]
    const ready = "for i in $(seq 100); do grep -q '^gripgate: policy' ~/log && break; sleep 0.1; done"
    // in subshells where a block changes what the next would find
    const script = [
      "set -eu",
      policy,
      `exec 3>&2 2> ~/log; ${serve} gate=$!; exec 2>&3`,
      ready,
      "trap 'kill $gate; wait $gate; gpgconf --kill gpg-agent' EXIT",
      `(${commit})`,
      "echo committed",
      `cd ~/project; ${shell}`,
      list,
      `(${letter})`,
      "gpg --verify ~/letter.asc",
      refresh,
      `(${gpg1})`
    ]
    const file = join(home, "script")
    await writeFile(file, script.join("\n"))
    const through = apart()
    const argv = ["bash", ...through === undefined ? [file] : ["-c", `${through} bash ${file}`]]
    const typed = "gpg --batch --clearsign < file && ls ~/.gnupg ~/.config/gripgate; touch ~/x; exit 0\n"
    const { code, stderr, stdout } = await run(argv, { env, input: typed, timeoutMs: 50_000 })
    assert.strictEqual(code, 0, stderr)
    const text = stdout.toString()
    assert.include(text, "committed\n")
    assert.match(text, /-----BEGIN PGP SIGNED MESSAGE-----[^]*-----END PGP SIGNATURE-----/)
    assert.notInclude(text, "private-keys-v1.d")
    assert.notInclude(text, "policy.toml")
    assert.include(stderr, "Read-only file system")
    assert.match(text, /^sec /m)
    assert.include(stderr, "Good signature from \"Alice <alice@example.org>\"")
    assert.match(text, /\/apps\/agent\/S\.gpg-agent:\d+:1\n$/)
    const own = { ...env, GNUPGHOME: join(home, ".gnupg") }
    const verified = await run(["git", "-C", project, "verify-commit", "--raw", "HEAD"], { env: own })
    assert.include(verified.stderr, "GOODSIG")
    const log = readFileSync(join(home, "log"), "utf8")
    assert.lengthOf(log.match(/allowed sign with key [0-9A-F]{40} to app agent /g) ?? [], 3)
  })
})
