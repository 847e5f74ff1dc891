// What the transport of a client says, from the environment that sshd or qrexec made for this program. Nothing that the far side
// sends is asked: SSH_ORIGINAL_COMMAND is what it wanted to run, and sshd sets SSH_CONNECTION after whatever AcceptEnv let in. No
// Effect here: `gripgate connect` starts once for every client.
import { type FarClient, QUBE_NAME, REMOTE } from "@gripgate/proxy/listen/far/connect-descriptor"
import type * as fs from "node:fs"

type Env = Readonly<Record<string, string | undefined>>

/** The client of this process, or a sentence that says why it cannot be told. */
export const farSide = (env: Env, uid: number | undefined): Omit<FarClient, "named"> | string => {
  const { QREXEC_REMOTE_DOMAIN: qube, SSH_CONNECTION: connection, SSH_USER_AUTH: auth } = env
  // ssh first: what a client of ssh may send along can look like qrexec, and qrexec passes no environment on
  if (connection !== undefined) {
    const [address = ""] = connection.split(" ")
    const key = auth === undefined ? undefined : keyShown(auth, uid)
    const remote = key === undefined ? address : `${key}@${address}`
    return { via: "ssh", ...REMOTE.test(remote) && { remote } }
  }
  if (qube === undefined) return { via: "connect" }
  return QUBE_NAME.test(qube) ? { via: "qrexec", qube } : "QREXEC_REMOTE_DOMAIN is no name of a qube"
}

/** Bytes of the file at most: each way of authentication is a line. */
const MAX_AUTH = 65_536

/**
 * The fingerprint of the key that the client showed, `SHA256:...` as ssh-keygen(1) has it, from the file that sshd names with
 * ExposeAuthInfo (sshd_config(5)). `undefined` where the file is not one that sshd wrote for this user, or the key is a certificate,
 * whose fingerprint is that of another key.
 */
const keyShown = (path: string, uid: number | undefined): string | undefined => {
  const { closeSync, constants, fstatSync, openSync, readSync } = process.getBuiltinModule("node:fs")
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (!isSshds(fstatSync(fd), uid)) return undefined
    const bytes = Buffer.alloc(MAX_AUTH)
    const text = bytes.toString("latin1", 0, readSync(fd, bytes))
    const [, algorithm = "", key = ""] = /^publickey ([!-~]+) ([A-Za-z0-9+/]+={0,2})$/m.exec(text) ?? []
    if (key === "" || algorithm.includes("-cert-")) return undefined
    const digest = process.getBuiltinModule("node:crypto").createHash("sha256").update(Buffer.from(key, "base64"))
    return `SHA256:${digest.digest("base64").replace(/=+$/, "")}`
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

// sshd makes it as the user who logged in, 0600 (auth-pam.c and session.c, setup of auth_info_file)
const isSshds = (found: fs.Stats, uid: number | undefined): boolean =>
  found.isFile() && found.uid === uid && (found.mode & 0o077) === 0
