// The command line of a gate, as its owner has it.
import type { Homedir } from "@gripgate/testkit/homedir"
import type { RunResult } from "@gripgate/testkit/run"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

/** The script, for Node. */
export const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

/** Runs `gripgate` for the gate whose control socket lies in this folder. */
export const commandLine = (owner: Homedir, folder: string) => ({
  gripgate: (...args: ReadonlyArray<string>): Promise<RunResult> =>
    owner.run([process.execPath, PROGRAM, ...args, "--control", join(folder, "control")])
})
