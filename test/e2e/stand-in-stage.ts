// An owner whose agent a gate stands in for, and what stands at its places.
import { type Gate, type GateOptions } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import type { RunResult } from "@gripgate/testkit/run"
import { readdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { PROGRAM } from "../support/command-line.ts"
import { agentConf, gateOf } from "./set-up.ts"

export interface Stage {
  readonly home: Homedir
  readonly standard: string
  /** Where the agent is meanwhile. */
  readonly aside: string
  readonly start: (options?: Partial<GateOptions>) => Promise<Gate>
  readonly standDown: (...args: ReadonlyArray<string>) => Promise<RunResult>
  /** Every name of a socket in the folder of the standard one. */
  readonly sockets: () => ReadonlyArray<string>
}

export const makeStage = async (stack: AsyncDisposableStack, conf: ReadonlyArray<string> = []): Promise<Stage> => {
  const home = stack.use(await makeHomedir({ agentConf: [...agentConf, ...conf] }))
  for (const key of ["plain", "protected"] as const) await importKey(home, key)
  const standard = await home.agentSocket()
  const folder = dirname(standard)
  return {
    home,
    standard,
    aside: join(folder, "S.gripgate"),
    standDown: (...args) => home.run([process.execPath, PROGRAM, "stand-down", "--homedir", home.path, ...args]),
    start: async (options) => stack.use(await gateOf(home, { standIn: true, ...options })),
    sockets: () =>
      readdirSync(folder).filter((name) => name.startsWith("S.") && statSync(join(folder, name)).isSocket())
        .toSorted()
  }
}

/** What an agent, or whoever is before it, says of itself. */
export const told = async (socket: string, what: string): Promise<string> => {
  const client = await connectRaw(socket)
  try {
    await client.readReply()
    const { data, last } = await client.command(`GETINFO ${what}`)
    return last === "OK" ? data.toString() : last
  } finally {
    client.destroy()
  }
}

/** The pid that an agent says it has. */
export const pidAt = async (socket: string): Promise<number> => {
  try {
    return Number(await told(socket, "pid"))
  } catch (error) {
    throw new Error(`nobody says a pid at ${socket}`, { cause: error })
  }
}
