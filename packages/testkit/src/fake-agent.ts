// A gpg-agent that does what a test tells it to and writes down every byte it gets. Folder fake-agent/: what it can answer
// (reply.ts), what it answers by itself (defaults.ts), how it goes wrong (faults.ts), how it takes lines (connection.ts),
// what it wrote down (record.ts).
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { serveConnection } from "./fake-agent/connection.ts"
import { defaultHandlers, unknownCommand } from "./fake-agent/defaults.ts"
import type { FakeConnection } from "./fake-agent/record.ts"
import type { Handler, Handlers, Reply } from "./fake-agent/reply.ts"
import type { Split } from "./fake-agent/writer.ts"
import { makeFolder, removeFolder } from "./folder.ts"

export interface FakeAgentOptions {
  /** Where to listen; a socket in a folder of its own where it is left out. */
  readonly socket?: string
  /** Instead of `OK Pleased to meet you, process N`. `"hang"`: none; `"close"`: closed at once; or any fault. */
  readonly greeting?: Reply
  /** Laid over the default table, by command word in upper case. */
  readonly handlers?: Handlers
  /** Instead of all that: whatever comes goes to this one. */
  readonly every?: Handler
  /** In which pieces it writes; `whole` where it is left out. */
  readonly split?: Split
  /** The keygrips that HAVEKEY and KEYINFO know, in upper case; all where it is left out. */
  readonly keys?: ReadonlyArray<string>
}

export interface FakeAgent extends AsyncDisposable {
  readonly socket: string
  /** All connections so far, in the order in which they came. */
  readonly connections: ReadonlyArray<FakeConnection>
  /** The commands of all connections, one connection after the other. */
  commands(): ReadonlyArray<string>
  /** What would have hurt a real agent, on any connection. */
  hazards(): ReadonlyArray<string>
  /** Sets or replaces the handler of a command while the agent runs. */
  handle(command: string, handler: Handler): void
  /** Waits until something holds; it is looked at again whenever bytes come or a connection ends. Throws at the time-out. */
  waitFor(what: string, holds: () => boolean, timeoutMs?: number): Promise<void>
  /** Ends all connections and removes the socket. */
  close(): Promise<void>
}

/** Starts a fake agent in this process. */
export const startFakeAgent = async (options: FakeAgentOptions = {}): Promise<FakeAgent> => {
  const folder = options.socket === undefined ? await makeFolder("gf") : undefined
  const socketPath = options.socket ?? join(folder!, "S.gpg-agent")
  const connections: Array<FakeConnection> = []
  const handlers = new Map(Object.entries({ ...defaultHandlers, ...options.handlers }))
  let wake = Promise.withResolvers<void>()
  const changed = () => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  // a client that has closed its writing side still gets all its replies
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(serveConnection(socket, {
      number: connections.length + 1,
      keys: options.keys,
      split: options.split ?? "whole",
      greeting: options.greeting ?? [`OK Pleased to meet you, process ${process.pid}`],
      find: (word) => options.every ?? handlers.get(word) ?? unknownCommand,
      changed
    }))
    changed()
  })
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socketPath, resolve))

  let closing: Promise<void> | undefined
  const close = () =>
    closing ??= (async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const connection of connections) connection.destroy()
      await closed
      if (folder !== undefined) await removeFolder(folder)
    })()
  return {
    socket: socketPath,
    connections,
    commands: () => connections.flatMap(({ commands }) => commands),
    hazards: () => connections.flatMap(({ hazards }) => hazards),
    handle: (command, handler) => void handlers.set(command.toUpperCase(), handler),
    waitFor: async (what, holds, timeoutMs = 5_000) => {
      const late = sleep(timeoutMs, "late" as const, { ref: false })
      while (!holds()) {
        if (await Promise.race([wake.promise, late]) !== "late") continue
        const got = connections.flatMap(({ commands, number }) => commands.map((command) => `${number}: ${command}`))
        throw new Error(
          `expected ${what} within ${timeoutMs} ms; ${connections.length} connections sent\n${got.join("\n")}`
        )
      }
    },
    close,
    [Symbol.asyncDispose]: close
  }
}
