// What `gripgate run` is tried on: an owner with two keys, a gate with two apps of which one sees one key, and a home directory that
// does not lie where everybody's temporary files do, since those are hidden as a whole.
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, type RunOptions, type RunResult } from "@gripgate/testkit/run"
import { accessSync, constants } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join, resolve } from "node:path"

export const root = resolve(import.meta.dirname, "../..")
export const program = join(root, "packages/cli/bin/gripgate.mjs")

/** A folder that a sandbox does not empty, and in which folders can be made. */
export const outside = (): string => {
  const found = ["/srv", "/opt", "/var/lib", homedir()].find((folder) => {
    try {
      accessSync(folder, constants.W_OK)
      return true
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error("there is no folder to work in besides those for temporary files")
  return found
}

export interface Stage {
  readonly owner: Homedir
  readonly home: string
  /** Where the command works. */
  readonly project: string
  readonly env: Readonly<Record<string, string>>
  /** The folder of the gate's sockets. */
  readonly runDir: string
  readonly policyFile: string
  gate(): Gate
  startAgain(): Promise<Gate>
  /** `gripgate run agent FLAGS -- COMMAND`. */
  inside(command: ReadonlyArray<string>, options?: Inside): Promise<RunResult>
  /** The same script for a shell. */
  shell(script: string, options?: Inside): Promise<RunResult>
}

export interface Inside extends Omit<RunOptions, "env"> {
  readonly app?: string
  readonly flags?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

const policy = [
  "default = \"allow\"",
  "[apps.agent]",
  "socket = \"agent\"",
  `keys = ["${fixtureKeys.plain.fingerprint}"]`,
  "[apps.other]",
  "socket = \"other\"",
  "keys = [\"*\"]",
  "[apps.known]",
  "match = { exe = \"/usr/bin/gpg\" }",
  "keys = [\"*\"]",
  ""
].join("\n")

/** Makes all of it; whoever closes the stack ends it. */
export const makeStage = async (stack: AsyncDisposableStack): Promise<Stage> => {
  for (const name of ["bwrap", "gpg", "gpg-agent"] as const) needs(name)
  const where = outside()
  const owner = stack.use(
    await makeHomedir({
      prefix: "ro",
      where,
      agentConf: ["disable-scdaemon"],
      pinentry: { answers: [], default: { pin: fixtureKeys.protected.passphrase } }
    })
  )
  for (const name of ["plain", "protected"] as const) await importKey(owner, name)
  const home = await makeFolder("rh", where)
  stack.defer(() => removeFolder(home))
  const project = join(home, "project")
  await mkdir(project)
  await mkdir(join(home, ".config/gripgate"), { recursive: true })
  await writeFile(join(home, ".bashrc"), "# mine\n")
  const policyFile = join(home, ".config/gripgate/policy.toml")
  await writeFile(policyFile, policy)
  const env = { ...owner.env, HOME: home }
  const start = () => startGate({ home: owner, env: { HOME: home } })
  let current = await start()
  stack.defer(() => current.close())
  const inside: Stage["inside"] = (command, { app = "agent", env: more, flags = [], ...options } = {}) =>
    run([process.execPath, program, "run", app, ...flags, "--", ...command], {
      cwd: project,
      ...options,
      env: { ...env, ...more }
    })
  return {
    owner,
    home,
    project,
    env,
    runDir: join(home, ".local/state/gripgate/run"),
    policyFile,
    gate: () => current,
    startAgain: async () => current = await start(),
    inside,
    shell: (script, options) => inside(["sh", "-c", script], options)
  }
}
