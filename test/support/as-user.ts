// Programs that run as another user than the tests: an account without a login, which owns nothing. Root may do that; anybody
// else needs a sudo that asks for no password.
import { run, runOk, type RunOptions, type RunResult } from "@gripgate/testkit/run"

/** The account that every Linux has for whoever owns nothing. */
export const OTHER = { name: "nobody", uid: 65534, gid: 65534 } as const

const asRoot = (argv: ReadonlyArray<string>): ReadonlyArray<string> =>
  process.getuid?.() === 0 ? argv : ["sudo", "-n", "--", ...argv]

/** Runs a program as the other user, without any group, in a folder that everybody can reach. */
export const runAsOther = (
  argv: ReadonlyArray<string>,
  { env, ...options }: RunOptions & { readonly env: Readonly<Record<string, string>> }
): Promise<RunResult> => {
  // sudo keeps no environment, and needs its own
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const user = [`--reuid=${OTHER.uid}`, `--regid=${OTHER.gid}`, "--clear-groups"]
  const command = ["setpriv", ...user, "--", "env", "-i", ...variables, ...argv]
  return run(asRoot(command), { cwd: "/", ...options, env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/bin" } })
}

/** Gives a folder and all in it to the other user, for as long as it is used. */
export const giveToOther = async (folder: string): Promise<AsyncDisposable> => {
  await runOk(asRoot(["chown", "-R", `${OTHER.uid}:${OTHER.gid}`, folder]))
  const back = `${process.getuid!()}:${process.getgid!()}`
  return { [Symbol.asyncDispose]: async () => void await runOk(asRoot(["chown", "-R", back, folder])) }
}
