// The five commands of docs/app-passwords.md, as they stand there, typed into a shell by somebody who has GnuPG, a key and the
// command line, and nothing else: a new home directory, no GNUPGHOME, no policy, no display. What comes out is a real signature, and
// the passphrase is typed once, by the owner.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { writePinentry } from "@gripgate/testkit/pinentry"
import { waitGone } from "@gripgate/testkit/processes"
import { run, runOk } from "@gripgate/testkit/run"
import { existsSync, readFileSync } from "node:fs"
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { startTmux } from "./tmux.ts"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/app-passwords.md"), "utf8")

/** The commands of the section, each a block. */
const commands = [
  ...page.slice(page.indexOf("\n## A mail server"), page.indexOf("\n## What a token is"))
    .matchAll(/^```sh\n([^]*?)\n```$/gm)
].map(([, text = ""]) => text)

const passphrase = "kauz 6119 filz morgen tapir"

interface Place {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  readonly asked: () => Promise<number>
}

/** A home directory with a key in it, and the command line in front of the PATH. */
const makePlace = async (home: string): Promise<Place> => {
  const bin = join(home, "bin")
  await mkdir(bin)
  await symlink(process.execPath, join(bin, "node"))
  await symlink(join(root, "packages/cli/bin/gripgate.mjs"), join(bin, "gripgate"))
  const env = { HOME: home, PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`, LC_ALL: "C.UTF-8", TZ: "UTC" }
  const gnupg = join(home, ".gnupg")
  await mkdir(gnupg, { mode: 0o700 })
  const pinentry = await writePinentry(bin, { answers: [] })
  await writeFile(join(gnupg, "gpg-agent.conf"), `pinentry-program ${pinentry.program}\ndisable-scdaemon\n`)
  // with a GNUPGHOME its agent has a socket of its own, wherever the system's are
  const own = { ...env, GNUPGHOME: gnupg }
  const loopback = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
  const key = ["--quick-generate-key", "Alice <alice@example.org>", "future-default", "default", "never"]
  await runOk([needs("gpg"), ...loopback, ...key], { env: own, input: `${passphrase}\n` })
  await runOk(["gpgconf", "--kill", "gpg-agent"], { env: own })
  return { home, env, asked: pinentry.questions }
}

/** What the shell of a user has to be started through, so that it reaches no agent of whoever runs the tests. */
const apart = (): string | undefined => {
  if (!existsSync(`/run/user/${process.getuid!()}`)) return undefined
  const user = process.getuid!() === 0 ? "" : "--user --map-root-user "
  return `exec ${needs("unshare")} ${user}--mount sh -c `
    + "'mount -t tmpfs none /run/user && exec bash --norc --noprofile'"
}

/** Ends the gate of a state directory, if it runs still. */
const endGate = async (home: string): Promise<void> => {
  const pid = Number(await readFile(join(home, ".local/state/gripgate/lock"), "utf8").catch(() => "0"))
  if (pid === 0) return
  try {
    process.kill(pid)
  } catch {
    return
  }
  assert.deepStrictEqual(await waitGone([pid], 10_000), [])
}

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
    const { asked, env } = await makePlace(home)
    const shell = stack.use(await startTmux({ columns: 110, rows: 50, env }))
    let agent: Promise<unknown> | undefined
    const end = () =>
      agent ??= endGate(home).then(() => shell.line("clear; gpgconf --kill gpg-agent && echo ended | rev"))
        .then(() => shell.waitFor(/^dedne$/m))
    stack.defer(async () => void await end().catch(() => {}))
    const through = apart()
    if (through !== undefined) await shell.line(`export PS1='$ '; ${through}`)
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
