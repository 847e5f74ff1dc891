// Whole gpg processes whose key lies with the second of two agents behind a gate: what it costs to find it. The other contenders
// have that agent alone.
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { startDaemon } from "../daemon.ts"
import { interleave, roundsOf, type Row } from "../row.ts"
import { type Contender, gateProgram, type Stage } from "../stage.ts"
import { timeIn } from "./gpg.ts"

/** As many as every contender has served before the first row. */
const WARM_UP = 400

/** A gate whose own agent has another key, and the stage's agent as the second. */
const withTwo = async (stage: Stage, gate: Contender) => {
  const { owner } = stage
  const own = await makeHomedir({ prefix: "gb" })
  await importKey(own, "protected")
  await own.launchAgent()
  const folder = join(owner.path, "two")
  await mkdir(folder, { mode: 0o700 })
  const [policy, socket, control, state] = ["policy.toml", "socket", "control", "state"].map((name) =>
    join(folder, name)
  )
  await writeFile(policy!, `[upstreams.second]\nsocket = "${await owner.agentSocket()}"\n`, { mode: 0o600 })
  const program = [process.execPath, resolve(import.meta.dirname, "../../..", gateProgram)]
  const where = ["--listen", socket!, "--control", control!, "--state", state!]
  const daemon = await startDaemon(
    [...program, "serve", "--homedir", own.path, "--policy", policy!, ...where],
    own.env,
    socket!,
    join(folder, "log")
  )
  const home = await makeClientHome({ owner, socket: socket! })
  return {
    contender: { ...gate, socket: socket!, home, pid: daemon.pid },
    close: async () => {
      await home.close()
      await daemon.stop()
      await own.close()
    }
  }
}

const row: Row = {
  id: "two-upstreams",
  title: "gpg --detach-sign with ed25519, the key with the second of two agents of the gate, whole process",
  unit: "ms",
  goals: [{ to: "direct", text: "<= 1.05, limit 1.10" }],
  measure: async (stage, effort) => {
    const gate = stage.contenders.find(({ name }) => name === "gate")
    const made = gate === undefined ? undefined : await withTwo(stage, gate)
    try {
      const contenders = stage.contenders.map((each) => each === gate ? made!.contender : each)
      const sign = (contender: Contender): Promise<number> => {
        const output = join(contender.home.path, "signed")
        const key = stage.keys.ed25519
        return timeIn(contender, ["gpg", "--batch", "--yes", "-u", key, "-o", output, "--detach-sign", stage.message])
      }
      // else it would be told from the others by its age
      for (let i = 0; i < WARM_UP && made !== undefined; i++) await sign(made.contender)
      return { samples: await interleave(contenders, roundsOf(effort, 60), sign) }
    } finally {
      await made?.close()
    }
  }
}

export const upstreamRows: ReadonlyArray<Row> = [row]
