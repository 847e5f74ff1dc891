// The five commands of docs/app-passwords.md, as they stand there, typed into a shell by somebody who has GnuPG, a key and the
// command line, and nothing else: a new home directory, no GNUPGHOME, no policy, no display. What comes out is a real signature, and
// the passphrase is typed once, by the owner.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { run } from "@gripgate/testkit/run"
import { readFileSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import { apart, endGate, makePlace, shellBlocks } from "./page-shell.ts"
import { startTmux } from "./tmux.ts"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/app-passwords.md"), "utf8")

/** The commands of the section, each a block. */
const commands = shellBlocks(page.slice(page.indexOf("\n## A mail server"), page.indexOf("\n## What a token is")))

const passphrase = "kauz 6119 filz morgen tapir"

const filesBelow = async (folder: string): Promise<ReadonlyArray<string>> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(parentPath, name))

describe("docs/app-passwords.md", () => {
  it("has five commands, and no other way to begin", () => {
    assert.lengthOf(commands, 5)
    assert.match(page, /## A mail server with its own token, in five commands\n/)
  })

  it("takes a self-hoster from nothing to a signature with its own token", async () => {
    const home = await makeFolder("gp")
    await using stack = new AsyncDisposableStack()
    stack.defer(() => removeFolder(home))
    const { asked, env } = await makePlace(home, passphrase)
    const shell = stack.use(await startTmux({ columns: 110, rows: 50, env }))
    let agent: Promise<unknown> | undefined
    const end = () =>
      agent ??= endGate(home).then(() => shell.line("clear; gpgconf --kill gpg-agent && echo ended | rev"))
        .then(() => shell.waitFor(/^dedne$/m))
    stack.defer(async () => void await end().catch(() => {}))
    const through = apart()
    if (through !== undefined) await shell.line(`export PS1='$ '; ${through} bash --norc --noprofile`)
    let step = 0
    /** Types a block, and waits until the shell says how it ended. */
    const type = async (text: string, meanwhile?: () => Promise<void>): Promise<void> => {
      await shell.line(text)
      await meanwhile?.()
      await shell.line(`echo "step ${++step} ended with $?"`)
      await shell.waitFor(new RegExp(`^step ${step} ended with 0$`, "m"), 30_000)
    }
    const [policy, serve, grant, client, sign] = commands as [string, string, string, string, string]
    await type(policy)
    await type(serve, async () => void await shell.waitFor(/gripgate: policy: default = "forbid", one app/, 30_000))
    await shell.line("clear")
    await type(grant, async () => {
      await shell.waitFor(/^Passphrase for [0-9A-F]{16}, .*: ?$/m, 30_000)
      await shell.line(passphrase)
      await shell.waitFor(/To take it back:/, 30_000)
    })
    const screen = (await shell.screen()).join("\n")
    assert.notInclude(screen, passphrase)
    await type(client)
    await type(sign)

    const verified = await run([
      needs("gpg"),
      "--homedir",
      join(home, "mailserver"),
      "--status-fd",
      "1",
      "--verify",
      join(home, "letter.asc")
    ], {
      env
    })
    assert.match(verified.stdout.toString(), /^\[GNUPG:\] GOODSIG [0-9A-F]{16} Alice <alice@example\.org>$/m)
    assert.match(readFileSync(join(home, "letter.asc"), "utf8"), /^a letter$/m)

    const token = readFileSync(join(home, "mailserver.token"))
    assert.match(token.toString(), /^gg1-[0-9A-Z]{4}-[0-9A-Z]{27}-[0-9A-Z]{4}\n$/)
    assert.strictEqual((await stat(join(home, "mailserver.token"))).mode & 0o777, 0o600)
    assert.notInclude(screen, token.toString().trim())
    assert.strictEqual(await asked(), 0, "nobody but the owner at the terminal was asked")
    const files = await filesBelow(home)
    assert.isTrue(files.some((file) => file.endsWith("/gripgate/grants.jsonl")))
    const within = (text: string) => files.filter((file) => readFileSync(file).includes(text))
    assert.deepStrictEqual(within(passphrase), [])
    assert.deepStrictEqual(within(token.toString().trim()), [join(home, "mailserver.token")])
    assert.deepStrictEqual(await readdir(join(home, "mailserver/private-keys-v1.d")).catch(() => []), [])

    // and it ends when the owner says so
    await type("gripgate revoke --app mailserver")
    await shell.line(`${sign.replace("letter.asc", "after.asc")}; echo "then $?"`)
    await shell.waitFor(/signing failed: Bad passphrase[^]*^then 2$/m, 30_000)
    assert.notInclude(readFileSync(join(home, "after.asc"), "utf8"), "BEGIN PGP SIGNATURE")
    await end()
  })
})
