// The agent of a gate that stands in, started on a socket of its own beside the standard one. gpg-agent takes sockets that
// somebody else made (`--supervised`): it then makes and removes none in the homedir, and outlives the gate.
import { withoutToken } from "@gripgate/proxy/owner/place"
import { reasonOf } from "@gripgate/proxy/reason"
import { shellWord } from "@gripgate/proxy/shell-word"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { findOwnAgent } from "../agent-program.ts"
import { answererAt, answererText } from "./answerer.ts"
import { isOtherFile, listensNow } from "./files.ts"

/** No agent could be started. */
export class StartError extends Data.TaggedError("StartError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** The names that gpg-agent knows for its sockets (GnuPG agent/gpg-agent.c, map_supervised_sockets). */
export type SocketName = "std" | "extra" | "browser" | "ssh"

export interface AgentSockets {
  readonly homedir: string
  /** Where it is to listen, `std` among them; a socket there that nobody has is replaced. */
  readonly sockets: ReadonlyMap<SocketName, string>
}

/** Milliseconds for a started agent to greet. */
const TIMEOUT = 5_000

/** Starts the agent, and waits until it answers. One that answers there already is left alone. */
export const startAgent = Effect.fnUntraced(function*(
  { homedir, sockets }: AgentSockets
): Effect.fn.Return<void, StartError> {
  const standard = sockets.get("std")!
  const before = yield* answererAt(standard)
  if (before.kind === "agent") return
  if (before.kind !== "nothing" && before.kind !== "stale") {
    return yield* new StartError({ message: `there is ${answererText(before)} at ${standard}` })
  }
  const found = yield* Effect.mapError(findOwnAgent, ({ hint, message }) => new StartError({ message, hint }))
  if (found === undefined) return yield* new StartError({ message: "gpgconf knows no gpg-agent" })
  const { option, program } = found
  const argv = [program, "--homedir", homedir, option, "--disable-check-own-socket"]
  const hint = `gpg-agent tells more: ${[program, "--homedir", homedir, "--daemon"].map(shellWord).join(" ")}`
  const free = new Map<SocketName, string>()
  for (const [name, path] of sockets) {
    // somebody else's, such as an agent's that was started over a dead gate
    if (!isOtherFile(path) && !(yield* listensNow(path))) free.set(name, path)
  }
  const started = yield* Effect.try({
    try: () => launch(argv, free),
    catch: (error) => new StartError({ message: `gpg-agent cannot be started: ${reasonOf(error)}`, hint })
  })
  const greeted = answererAt(standard).pipe(
    Effect.flatMap((found) =>
      found.kind === "agent"
        ? Effect.void
        : Effect.fail(new StartError({ message: `gpg-agent was started, but ${answererText(found)} answers`, hint }))
    )
  )
  yield* Effect.raceFirst(
    Effect.timeoutOrElse(greeted, {
      duration: TIMEOUT,
      orElse: () => Effect.fail(new StartError({ message: "gpg-agent was started and does not greet", hint }))
    }),
    Effect.flatMap(
      Effect.promise(() => started.ended),
      (how) => Effect.fail(new StartError({ message: `gpg-agent ended at once (${how})`, hint }))
    )
  )
})

/**
 * An agent that takes sockets does not ignore SIGPIPE by itself, as systemd does for it: a client that connects and is gone
 * before it is greeted would end it (seen with GnuPG 2.2.40).
 */
const START = "trap '' PIPE; LISTEN_PID=$$ exec \"$@\""

/**
 * Makes the sockets, hands them to the agent, and lets go of them, all in one turn: Node accepts no connection on them
 * meanwhile. `ended` says how the process ended, when it does.
 */
const launch = (
  argv: ReadonlyArray<string>,
  sockets: ReadonlyMap<SocketName, string>
): { readonly ended: Promise<string> } => {
  const servers: Array<readonly [path: string, server: net.Server]> = []
  try {
    for (const path of sockets.values()) servers.push([path, bind(path)])
    const child = spawn("/bin/sh", ["-c", START, "sh", ...argv], {
      detached: true,
      env: {
        ...withoutToken(process.env),
        LISTEN_FDS: String(servers.length),
        LISTEN_FDNAMES: [...sockets.keys()].join(":")
      },
      stdio: ["ignore", "ignore", "ignore", ...servers.map(([, server]) => descriptorOf(server))]
    })
    child.unref()
    return { ended: howItEnds(child) }
  } finally {
    for (const [path, server] of servers) letGo(path, server)
  }
}

/** Listens at once; a stale socket there is removed. */
const bind = (path: string): net.Server => {
  fs.rmSync(path, { force: true })
  const server = net.createServer()
  const umask = process.umask(0o177)
  let failed: Error | undefined
  try {
    server.once("error", (error) => failed = error).listen(path)
  } finally {
    process.umask(umask)
  }
  if (!server.listening) throw failed ?? new Error(`cannot listen at ${path}`)
  return server
}

const descriptorOf = (server: net.Server): number => {
  // Node has no other way to the number: the same that it hands to `listen({ fd })`
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } }
  return handle.fd
}

/** Node removes the path when it closes: the agent has it by then, so it is kept under another name meanwhile. */
const letGo = (path: string, server: net.Server): void => {
  const kept = `${path}.kept`
  try {
    fs.rmSync(kept, { force: true })
    fs.linkSync(path, kept)
  } finally {
    server.close()
  }
  fs.renameSync(kept, path)
}

const howItEnds = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once("error", (error) => resolve(reasonOf(error)))
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
