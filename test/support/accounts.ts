// Programs that run as users whom no list of accounts knows: the kernel only knows numbers, so any that nobody has will do, and nothing of
// the machine is changed. Root may do that; anybody else needs a sudo that asks for no password.
import { run, runOk, type RunOptions, type RunResult } from "@gripgate/testkit/run"
import { chmod, copyFile, cp, mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"

export interface Account {
  readonly uid: number
  /** Its own group, and further ones. */
  readonly gid: number
  readonly groups?: ReadonlyArray<number>
}

export const asRoot = (argv: ReadonlyArray<string>): ReadonlyArray<string> =>
  process.getuid?.() === 0 ? argv : ["sudo", "-n", "--", ...argv]

/** What becomes the account, for root. */
export const becoming = ({ gid, groups = [], uid }: Account): ReadonlyArray<string> => [
  "setpriv",
  `--reuid=${uid}`,
  `--regid=${gid}`,
  groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
  "--"
]

/** Runs a program as the account, with this environment and no other. */
export const runAs = (
  account: Account,
  argv: ReadonlyArray<string>,
  { env, ...options }: RunOptions & { readonly env: Readonly<Record<string, string>> }
): Promise<RunResult> => {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return run(asRoot([...becoming(account), "env", "-i", ...variables, ...argv]), { cwd: "/", ...options })
}

/** Gives a folder and all in it to an account; `mode` is the folder's. */
export const give = async ({ gid, uid }: Account, path: string, mode: string): Promise<void> => {
  await runOk(asRoot(["chown", "-R", `${uid}:${gid}`, path]))
  await runOk(asRoot(["chmod", mode, path]))
}

export interface Installed {
  readonly node: string
  readonly launcher: string
}

/** A copy of Node and of the bundle that every user can run: a clone may lie where others do not get to. */
export const installFor = async (folder: string): Promise<Installed> => {
  const root = resolve(import.meta.dirname, "../..")
  const node = join(folder, "node")
  await mkdir(folder)
  await copyFile(process.execPath, node)
  for (const part of ["bin", "dist", "package.json"]) {
    await cp(join(root, "packages/cli", part), join(folder, part), { recursive: true })
  }
  for (const name of ["koffi", "@koromix"]) {
    await cp(join(root, "node_modules", name), join(folder, "node_modules", name), {
      recursive: true,
      dereference: true
    })
  }
  await chmod(node, 0o755)
  await runOk(["chmod", "-R", "a+rX", folder])
  return { node, launcher: join(folder, "bin/gripgate.mjs") }
}
