// For commands that are taken out of a page of the documents: a home directory with a key in it, and a shell that reaches no agent of
// whoever runs the tests.
import { assert } from "@effect/vitest"
import { needs } from "@gripgate/testkit/needs"
import { writePinentry } from "@gripgate/testkit/pinentry"
import { waitGone } from "@gripgate/testkit/processes"
import { runOk } from "@gripgate/testkit/run"
import { existsSync } from "node:fs"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")

/** The blocks of shell commands in a text, in their order. */
export const shellBlocks = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, block = ""]) => block)

export interface Place {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  readonly asked: () => Promise<number>
}

/** A home directory with a key of Alice's in it, and the command line in front of the PATH. */
export const makePlace = async (home: string, passphrase: string): Promise<Place> => {
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

/** What a shell has to be started through, up to its own command line, so that it reaches no agent of whoever runs the tests. */
export const apart = (): string | undefined => {
  if (!existsSync(`/run/user/${process.getuid!()}`)) return undefined
  const user = process.getuid!() === 0 ? "" : "--user --map-root-user "
  return `exec ${needs("unshare")} ${user}--mount sh -c 'mount -t tmpfs none /run/user && exec "$0" "$@"'`
}

/** Ends the gate of a state directory, if it runs still. */
export const endGate = async (home: string): Promise<void> => {
  const pid = Number(await readFile(join(home, ".local/state/gripgate/lock"), "utf8").catch(() => "0"))
  if (pid === 0) return
  try {
    process.kill(pid)
  } catch {
    return
  }
  assert.deepStrictEqual(await waitGone([pid], 10_000), [])
}
