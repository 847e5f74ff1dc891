// The homedir of a client that has no private keys: the owner's public keys, and a redirect file that leads every program of
// GnuPG to another socket, that of a gate as a rule.
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Homedir, type HomedirOptions, makeHomedir } from "./homedir.ts"

export interface ClientHomeOptions {
  /** Whose public keys and ownertrust are copied. */
  readonly owner: Homedir
  /** The socket to be led to; absolute, at most 107 bytes. It need not exist yet. */
  readonly socket: string
  /** Lines for gpg.conf, after `no-autostart`. */
  readonly gpgConf?: HomedirOptions["gpgConf"]
}

/**
 * Makes a client's homedir. `no-autostart` is in every place where a version of GnuPG looks for it (gpg.conf and gpgsm.conf up
 * to 2.2, common.conf since): a gpg that finds nobody at the socket would else start an agent of its own on it.
 * Closing it ends nothing at the other side of the redirect.
 */
export const makeClientHome = async ({ owner, socket, gpgConf = [] }: ClientHomeOptions): Promise<Homedir> => {
  const home = await makeHomedir({ prefix: "gc", gpgConf: ["no-autostart", ...gpgConf] })
  try {
    for (const name of ["common.conf", "gpgsm.conf"]) await writeFile(join(home.path, name), "no-autostart\n")
    const keys = await owner.gpg(["--export"])
    if (keys.stdout.length > 0) await home.gpg(["--import"], { input: keys.stdout })
    const trust = await owner.gpg(["--export-ownertrust"])
    await home.gpg(["--import-ownertrust"], { input: trust.stdout })
    // now, while no agent can be reached: else the first gpg does it, over a connection of its own
    await home.gpg(["--check-trustdb"])
    // GnuPG common/homedir.c and libassuan eval_redirection: exactly these two lines, the last byte an LF
    await writeFile(await home.agentSocket(), `%Assuan%\nsocket=${socket}\n`, { mode: 0o600 })
    return home
  } catch (error) {
    await home.close()
    throw error
  }
}
