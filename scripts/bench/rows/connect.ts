// What `gripgate connect` costs: its start, beside a Node program that does nothing and beside socat; and whole gpg processes of another
// machine over a real sshd on loopback, beside a socket that ssh forwards and beside a forced command of socat.
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, run, runOk } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { sshWith, startSshd } from "../../../test/support/sshd.ts"
import { type Daemon, startDaemon } from "../daemon.ts"
import { interleave, type Measured, roundsOf, type Row } from "../row.ts"
import { type Contender, gateProgram, type Stage } from "../stage.ts"
import { timeIn } from "./gpg.ts"

const script = resolve(import.meta.dirname, "../../..", gateProgram)

/** A gate of its own, with an app that a transport brings. */
const startGate = (stage: Stage, folder: string): Promise<Daemon> => {
  const at = (name: string): string => join(folder, name)
  const flags = ["--listen", at("gate"), "--state", at("state"), "--control", at("control")]
  const policy = ["--policy", at("policy.toml")]
  return startDaemon(
    [process.execPath, script, "serve", "--homedir", stage.owner.path, ...policy, ...flags],
    stage.owner.env,
    at("gate"),
    at("log")
  )
}

const POLICY =
  "default = \"forbid\"\n[apps.app]\nmatch = { via = [\"ssh\", \"connect\"] }\nkeys = [\"*\"]\nsign = \"allow\"\n"

/** A folder with a gate, for as long as it is used. */
const withGate = async (stage: Stage, use: (folder: string) => Promise<Measured>): Promise<Measured> => {
  const folder = await makeFolder("gc")
  let gate: Daemon | undefined
  try {
    await writeFile(join(folder, "policy.toml"), POLICY, { mode: 0o600 })
    gate = await startGate(stage, folder)
    return await use(folder)
  } finally {
    await gate?.stop()
    await removeFolder(folder)
  }
}

const startRow: Row = {
  id: "start-connect",
  title: "a process that brings a client which ends at once; direct is a Node program that does nothing",
  unit: "ms",
  goals: [{ to: "direct", text: "<= 1.5" }],
  measure: (stage, effort) =>
    withGate(stage, async (folder) => {
      const nothing = join(folder, "nothing.mjs")
      await writeFile(nothing, "")
      const agent = await stage.owner.agentSocket()
      const argv: Readonly<Record<string, ReadonlyArray<string>>> = {
        direct: [process.execPath, nothing],
        gate: [process.execPath, script, "connect", "app", "--socket", join(folder, "connect")],
        socat: ["socat", "-", `UNIX-CONNECT:${agent}`]
      }
      const contenders = stage.contenders.filter(({ name }) => argv[name] !== undefined)
      return {
        samples: await interleave(
          contenders,
          roundsOf(effort, 30),
          (contender) => timeIn(contender, argv[contender.name]!)
        )
      }
    })
}

/** How each contender gets from the other machine to the keys; one ssh serves all connections of a host. */
const WAYS = { direct: "a forwarded socket", gate: "gripgate connect", socat: "socat" } as const

const lacksSshd = (): boolean => {
  try {
    return needs("sshd") === ""
  } catch {
    return true
  }
}

const signRow: Row = {
  id: "ssh-sign",
  title: "gpg --detach-sign with ed25519 over ssh on loopback, whole process; direct is a forwarded socket",
  unit: "ms",
  goals: [],
  measure: (stage, effort) =>
    withGate(stage, async (folder) => {
      if (lacksSshd()) return { samples: new Map(), notes: ["sshd is not installed: apt-get install openssh-server"] }
      await using stack = new AsyncDisposableStack()
      const at = (name: string): string => join(folder, name)
      const agent = await stage.owner.agentSocket()
      const contenders = stage.contenders.filter(({ name }) => name in WAYS)
      const keys: Array<string> = []
      for (const { name } of contenders) {
        await runOk(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at(`key-${name}`)])
        const forced = name === "gate"
          ? `command="${process.execPath} ${script} connect app --socket ${at("connect")}" `
          : name === "socat"
          ? `command="socat - UNIX-CONNECT:${agent}" `
          : ""
        keys.push(`${forced}${(await runOk(["cat", at(`key-${name}.pub`)])).stdout}`)
      }
      await writeFile(at("authorized_keys"), keys.join(""))
      const sshd = stack.use(await startSshd({ folder, authorizedKeys: at("authorized_keys") }))
      const shared = `  ControlMaster auto\n  ControlPath ${at("%n.ssh")}\n  ControlPersist 60\n`
      const hosts = contenders.map(({ name }) => `${sshd.hostConfig(name, at(`key-${name}`))}${shared}`)
      await writeFile(at("config"), hosts.join(""))
      const ssh = await sshWith(folder, at("config"))
      const homes: Array<Contender> = []
      for (const contender of contenders) {
        const { name } = contender
        const socket = at(`${name}.far`)
        const argv = name === "direct"
          ? [ssh, "-N", "-R", `${socket}:${agent}`, name]
          : ["socat", `UNIX-LISTEN:${socket},fork,backlog=512`, `EXEC:${ssh} -T ${name}`]
        const [program, ...args] = argv
        const child = spawn(program!, args, { detached: true, stdio: "ignore" })
        stack.defer(async () => {
          await run([ssh, "-O", "exit", name])
          killGroup(child.pid)
        })
        while (!existsSync(socket)) {
          if (child.exitCode !== null) throw new Error(`${name}: ${argv.join(" ")} has ended`)
          await sleep(10)
        }
        const home = await makeClientHome({ owner: stage.owner, socket })
        stack.defer(() => home.close())
        homes.push({ ...contender, home, socket })
      }
      const sign = ["gpg", "--batch", "--yes", "-u", stage.keys.ed25519]
      const samples = await interleave(
        homes,
        roundsOf(effort, 20),
        (contender) =>
          timeIn(contender, [...sign, "-o", join(contender.home.path, "signed"), "--detach-sign", stage.message])
      )
      return { samples, notes: contenders.map(({ name }) => `${name}: ${WAYS[name as keyof typeof WAYS]}`) }
    })
}

export const connectRows: ReadonlyArray<Row> = [startRow, signRow]
