// Standard input and output, to and from a socket of the gate. Bytes are passed on as they come and never looked at; whoever reads
// slowly holds up whoever writes. No Effect here: `gripgate connect` starts once for every client.
import { type FarClient, writeConnect } from "@gripgate/proxy/listen/far/connect-descriptor"
import net from "node:net"
import { exitCode } from "../exit-code.ts"

/** How it ended: an exit code, and what there is to say about it. */
export interface End {
  readonly code: number
  readonly message?: string
  readonly hint?: string
}

/**
 * Tells the gate at `path` whom it brings, and then copies both ways until the gate has closed its end or nobody reads any more. The end
 * of standard input is passed on, and what the gate still answers is waited for.
 */
export const relay = (path: string, client: FarClient & { readonly named: string }): Promise<End> =>
  new Promise((resolve) => {
    const { stdin, stdout } = process
    const gate = net.connect({ path, allowHalfOpen: true })
    let connected = false
    const end = (how: End): void => {
      stdin.unpipe(gate)
      stdin.pause()
      // what has come from the gate is out first
      stdout.write("", () => resolve(how))
    }
    gate.once("connect", () => {
      connected = true
      gate.write(writeConnect(client))
      stdin.pipe(gate)
      gate.pipe(stdout, { end: false })
    })
    gate.once("end", () => end({ code: exitCode.ok }))
    gate.on("error", (error: NodeJS.ErrnoException) => end(connected ? cutOff : noGate(path, error)))
    stdin.on("error", () => gate.end())
    stdout.on("error", () => {
      gate.destroy()
      resolve({ code: exitCode.ok })
    })
  })

const cutOff: End = { code: exitCode.unavailable, message: "the gate has ended the connection" }

const noGate = (path: string, { code }: NodeJS.ErrnoException): End => {
  const shown = JSON.stringify(path)
  return code === "EACCES" || code === "EPERM"
    ? {
      code: exitCode.notPermitted,
      message: `the gate's socket ${shown} is another user's`,
      hint: "only the user of the gate brings clients to it"
    }
    : {
      code: exitCode.unavailable,
      message: `no gate takes clients at ${shown} (${code})`,
      hint: "start one with `gripgate serve`, or name its socket with --socket: `gripgate status` lists it"
    }
}
