// A relay between a client and a gate's socket that keeps every byte of both ways, and can hold what the gate says.
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

export interface Relay extends AsyncDisposable {
  readonly path: string
  /** All that clients said, and all that they heard. */
  readonly said: () => Buffer
  readonly heard: () => Buffer
  /** Holds the next thing that fits back from its client; done when there is such a thing. What comes back lets it through. */
  holdNext(fits: (chunk: Buffer) => boolean): Promise<() => void>
}

/** Starts a relay at `path` to the socket `to`. */
export const startRelay = async (path: string, to: string): Promise<Relay> => {
  const said: Array<Buffer> = []
  const heard: Array<Buffer> = []
  const open = new Set<Socket>()
  let hold: { readonly fits: (chunk: Buffer) => boolean; readonly met: (go: () => void) => void } | undefined
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const gate = connect({ path: to, allowHalfOpen: true })
    for (const socket of [client, gate]) {
      open.add(socket)
      socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy())
    }
    client.on("data", (chunk: Buffer) => {
      said.push(chunk)
      gate.write(chunk)
    }).on("end", () => gate.end())
    gate.on("data", (chunk: Buffer) => {
      heard.push(chunk)
      const { fits, met } = hold ?? {}
      if (fits?.(chunk) !== true) return void client.write(chunk)
      hold = undefined
      gate.pause()
      met?.(() => {
        client.write(chunk)
        gate.resume()
      })
    }).on("end", () => client.end())
  })
  server.listen(path)
  await once(server, "listening")
  return {
    path,
    said: () => Buffer.concat(said),
    heard: () => Buffer.concat(heard),
    holdNext: (fits) =>
      new Promise((met) => {
        hold = { fits, met }
      }),
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, "close")
    }
  }
}
