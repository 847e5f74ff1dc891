// A relay that writes down each line of both ways before it passes it on. It changes no byte, and it delays a line by the time
// of one write to a file.
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Recorder } from "./recorder.ts"

export interface TapOptions {
  /** Where it listens; absolute, at most 107 bytes. */
  readonly listen: string
  /** The socket that it passes everything on to. */
  readonly to: string
  readonly place: "program" | "agent"
  readonly recorder: Recorder
}

export interface Tap {
  readonly socket: string
  /** Waits until every connection has ended, at most so many milliseconds. */
  idle(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

/** Starts a tap. A half-closed connection stays half-closed at the other side, and who does not read makes the other wait. */
export const startTap = async ({ listen, place, recorder, to }: TapOptions): Promise<Tap> => {
  const open = new Set<Socket>()
  let count = 0
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const number = ++count
    const far = connect({ path: to, allowHalfOpen: true })
    const event = (what: string) => recorder.note(place, number, "=", what)
    /** Passes on what `from` says. */
    const pass = (from: Socket, into: Socket, mark: ">" | "<") => {
      let pending = Buffer.alloc(0)
      const finish = () => {
        if (pending.length === 0) return
        recorder.note(place, number, mark, pending)
        event("the line was not finished")
        pending = Buffer.alloc(0)
      }
      from.on("data", (chunk: Buffer<ArrayBuffer>) => {
        pending = Buffer.concat([pending, chunk])
        const lines: Array<Buffer> = []
        for (let lf = pending.indexOf(0x0a); lf >= 0; lf = pending.indexOf(0x0a)) {
          lines.push(pending.subarray(0, lf))
          pending = pending.subarray(lf + 1)
        }
        // what is not written down is not said
        if (lines.length > 0 && !recorder.note(place, number, mark, ...lines)) return void from.destroy()
        if (!into.write(chunk)) {
          from.pause()
          into.once("drain", () => from.resume())
        }
      }).on("end", () => {
        finish()
        event(mark === ">" ? `the ${place === "program" ? "program" : "gate"} has no more to say` : "closed")
        into.end()
      }).on("error", (error: NodeJS.ErrnoException) => event(`broken: ${error.code ?? error.message}`)).on(
        "close",
        () => {
          open.delete(from)
          finish()
          into.destroySoon()
        }
      )
      open.add(from)
    }
    event("opened")
    pass(near, far, ">")
    pass(far, near, "<")
  })
  server.listen(listen)
  await once(server, "listening")
  return {
    socket: listen,
    idle: async (timeoutMs) => {
      for (const end = performance.now() + timeoutMs; open.size > 0 && performance.now() < end;) await sleep(2)
    },
    close: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, "close")
    }
  }
}
