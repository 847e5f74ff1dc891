// A real sshd on loopback, with a configuration, a host key and accounts of nobody: whoever runs the tests logs in as himself, with a
// key of the test's. Ended by the test, and with it all sessions that it has.
import { needs } from "@gripgate/testkit/needs"
import { killGroup, runOk } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { userInfo } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export interface SshdOptions {
  /** A folder for its files, which is there. */
  readonly folder: string
  /** The path of the file with the keys that may log in. */
  readonly authorizedKeys: string
  /** The environment of each session, beside what sshd sets. */
  readonly env?: Readonly<Record<string, string>>
  /** Lines more of its configuration. */
  readonly config?: ReadonlyArray<string>
}

export interface Sshd extends AsyncDisposable {
  /** Lines for the client's configuration, by which the host has this name. */
  hostConfig(name: string, identity?: string): string
}

/**
 * The folder that an sshd of root runs its unprivileged half in (sshd(8)). Debian makes it when the service starts, and it stays: another
 * sshd may use it.
 */
const PRIVSEP = "/run/sshd"

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Starts one; it listens when the promise is fulfilled. */
export const startSshd = async ({ authorizedKeys, config = [], env = {}, folder }: SshdOptions): Promise<Sshd> => {
  await using stack = new AsyncDisposableStack()
  const [sshd, hostKey] = [needs("sshd"), join(folder, "host_key")]
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const port = await freePort()
  await runOk(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey])
  await writeFile(
    join(folder, "sshd_config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${hostKey}`,
      "PidFile none",
      `AuthorizedKeysFile ${authorizedKeys}`,
      // the folder for temporary files is everybody's
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      ...variables.length === 0 ? [] : [`SetEnv ${variables.join(" ")}`],
      ...config,
      ""
    ].join("\n")
  )
  if (process.getuid?.() === 0) await mkdir(PRIVSEP, { mode: 0o755, recursive: true })
  const child = spawn(sshd, ["-D", "-e", "-f", join(folder, "sshd_config")], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"]
  })
  const exited = once(child, "close")
  stack.defer(async () => {
    killGroup(child.pid)
    await exited
  })
  let log = ""
  child.stderr.on("data", (chunk) => log += String(chunk))
  for (const end = performance.now() + 10_000; !log.includes("Server listening");) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`sshd does not listen:\n${log}`)
    await Promise.race([sleep(10), exited])
  }
  const knownHosts = join(folder, "known_hosts")
  await writeFile(knownHosts, `* ${(await runOk(["ssh-keygen", "-y", "-f", hostKey])).stdout}`)
  const held = stack.move()
  return {
    hostConfig: (name, identity) =>
      [
        `Host ${name}`,
        "  HostName 127.0.0.1",
        `  Port ${port}`,
        `  User ${userInfo().username}`,
        `  UserKnownHostsFile ${knownHosts}`,
        "  HostKeyAlias gripgate",
        "  BatchMode yes",
        "  LogLevel ERROR",
        ...identity === undefined ? [] : [`  IdentityFile ${identity}`, "  IdentitiesOnly yes"],
        ""
      ].join("\n"),
    [Symbol.asyncDispose]: () => held.disposeAsync()
  }
}

/** An `ssh` that reads this configuration and no other, in a folder for PATH. */
export const sshWith = async (bin: string, configFile: string): Promise<string> => {
  const path = join(bin, "ssh")
  await writeFile(path, `#!/bin/sh\nexec ${needs("ssh")} -F ${configFile} "$@"\n`)
  await chmod(path, 0o755)
  return path
}
