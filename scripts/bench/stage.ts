// The stage of all rows: one agent with its keys, and each contender between it and a client homedir of its own. Whoever
// opens it closes it; then no process and no file is left.
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { type Daemon, startDaemon } from "./daemon.ts"

export const contenderNames = ["direct", "gate", "relay", "socat"] as const

export type ContenderName = typeof contenderNames[number]

/** What stands between a client and the agent; with `direct` nothing does. */
export interface Contender {
  readonly name: ContenderName
  /** Where raw clients connect. */
  readonly socket: string
  /** Whose agent socket is a redirect file to `socket`, also with `direct`: all pay for the same indirection. */
  readonly home: Homedir
  /** The process in between. */
  readonly pid: number | undefined
}

export interface Stage {
  readonly owner: Homedir
  readonly agentPid: number
  readonly contenders: ReadonlyArray<Contender>
  /** The ed25519 key with its cv25519 subkey, and the RSA-4096 key. */
  readonly keys: { readonly ed25519: string; readonly rsa4096: string }
  /** The keygrip that raw clients use. */
  readonly keygrip: string
  /** A file of 1 KiB of text. */
  readonly message: string
  /** Starts another process of a contender, for rows that need a fresh one. */
  start(name: Exclude<ContenderName, "direct">): Promise<Daemon & { readonly socket: string }>
  close(): Promise<void>
}

export const gateProgram = "packages/cli/bin/gripgate.mjs"

const root = resolve(import.meta.dirname, "../..")

/** How a contender is started; also what the table says of it, with letters for the paths. */
export const commandOf = (
  name: Exclude<ContenderName, "direct">,
  { agent, folder, gate, homedir, listen, node, relay }: Readonly<
    Record<"agent" | "folder" | "gate" | "homedir" | "listen" | "node" | "relay", string>
  >
): ReadonlyArray<string> => {
  switch (name) {
    case "gate":
      return [node, gate, "serve", "--homedir", homedir, "--listen", listen].concat(
        ["--state", folder, "--control", join(folder, "control")]
      )
    case "relay":
      return [node, relay, listen, agent]
    case "socat":
      // its own backlog of 5 would make clients wait for each other before they are let in
      return ["socat", `UNIX-LISTEN:${listen},fork,backlog=512`, `UNIX-CONNECT:${agent}`]
  }
}

/** Makes the stage with the contenders named; `gate` is the script that is run as gripgate. */
export const makeStage = async (names: ReadonlyArray<ContenderName>, gate: string): Promise<Stage> => {
  const owner = await makeHomedir({ prefix: "gb" })
  const open: Array<() => Promise<void>> = [() => owner.close()]
  let closing: Promise<void> | undefined
  const close = () =>
    closing ??= (async () => {
      for (const one of open.toReversed()) await one()
    })()
  try {
    const plain = await importKey(owner, "plain")
    const rsa = await importKey(owner, "rsa")
    const agentPid = await owner.launchAgent()
    const agent = await owner.agentSocket()
    const message = join(owner.path, "message")
    await writeFile(message, "What is written here is signed many times and means nothing.\n".repeat(17).slice(0, 1024))

    let started = 0
    const start: Stage["start"] = async (name) => {
      const listen = join(owner.path, `${name}-${started++}`)
      const folder = `${listen}.state`
      await mkdir(folder, { mode: 0o700 })
      const argv = commandOf(name, {
        agent,
        folder,
        gate,
        listen,
        homedir: owner.path,
        node: process.execPath,
        relay: join(root, "scripts/bench/relay.mjs")
      })
      const daemon = await startDaemon(argv, owner.env, listen, `${listen}.log`)
      open.push(daemon.stop)
      return { ...daemon, socket: listen }
    }
    const contenders: Array<Contender> = []
    for (const name of names) {
      const { pid, socket } = name === "direct" ? { pid: undefined, socket: agent } : await start(name)
      const home = await makeClientHome({ owner, socket })
      open.push(() => home.close())
      contenders.push({ name, socket, home, pid })
    }
    return {
      owner,
      agentPid,
      contenders,
      message,
      start,
      close,
      keys: { ed25519: plain.fingerprint, rsa4096: rsa.fingerprint },
      keygrip: plain.keygrips.primary
    }
  } catch (error) {
    await close()
    throw error
  }
}
