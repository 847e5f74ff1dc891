// `gripgate connect`: brings a client of elsewhere to the gate, as an app that the command line names. The launcher runs it in a
// bundle of its own, where nothing else is loaded; a command line that is not plain goes the way of all other verbs.
import { APP_NAME } from "@gripgate/policy/file/app-name"
import { paths } from "@gripgate/proxy/paths"
import { exitCode } from "../exit-code.ts"
import { farSide } from "./far-side.ts"
import { type End, relay } from "./relay.ts"

export interface ConnectOptions {
  readonly app: string
  /** The gate's socket for this, if it is not at its standard place. */
  readonly socket: string | undefined
}

/** Copies standard input and output until the session is over. */
export const connect = ({ app, socket }: ConnectOptions): Promise<End> => {
  const uid = process.getuid?.()
  const client = farSide(process.env, uid)
  if (typeof client === "string") return Promise.resolve({ code: exitCode.failed, message: client })
  const path = socket ?? standardSocket(uid)
  // a signal must not open a debugger in what passphrases pass through
  process.on("SIGUSR1", () => {})
  return relay(path, { ...client, named: app })
}

// node:os is loaded where it is needed: not where HOME says the same
const standardSocket = (uid: number | undefined): string => {
  const home = process.env["HOME"] ?? process.getBuiltinModule("node:os").homedir()
  return paths({ env: process.env, uid, home }).connectSocket
}

/** What a plain command line says behind the verb, `APP [--socket SOCKET]`; `undefined` for any other, right or wrong. */
export const plain = (args: ReadonlyArray<string>): ConnectOptions | undefined => {
  const [app = "", flag, socket] = args
  if (!APP_NAME.test(app)) return undefined
  if (args.length === 1) return { app, socket: undefined }
  return args.length === 3 && flag === "--socket" && socket !== "" && !socket!.startsWith("-")
    ? { app, socket }
    : undefined
}

/** Runs it if the command line is plain, and ends the process then; `false` for one that another has to see. */
export const main = (args: ReadonlyArray<string>): boolean => {
  const options = plain(args)
  if (options === undefined) return false
  void connect(options).then(({ code, hint, message }) => {
    // only a process that has something to say pays for stderr
    if (message === undefined) process.exit(code)
    const told = [`error: ${message}`, ...hint === undefined ? [] : [`hint: ${hint}`]]
    process.stderr.on("error", () => process.exit(code))
    process.stderr.write(told.map((line) => `gripgate: ${line}\n`).join(""), () => process.exit(code))
  })
  return true
}
