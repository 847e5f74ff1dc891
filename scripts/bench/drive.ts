// Many signing clients in one process, without an event loop: each makes a new connection, says all that gpg would say, and
// begins again. It takes little processor time itself, and tells how much.
import { Client, PATIENCE, signature } from "./dialogue.ts"
import { Poll } from "./libc.ts"

export interface DriveOrder {
  readonly socket: string
  readonly keygrip: string
  readonly clients: number
  /** Signatures that each client makes, one after the other. */
  readonly each: number
}

export interface Driven {
  /** From the first connection to the last signature, in milliseconds. */
  readonly wallMs: number
  /** Processor time that the clients themselves took, in milliseconds. */
  readonly processorMs: number
  /** Dialogues that ended otherwise, and the first reason. */
  readonly failed: number
  readonly reason: string | undefined
}

/**
 * Drives the clients until each has made its signatures. The work is fixed and the time is measured, not the reverse: clients that
 * begin together go on in step, and finish by dozens, so that counting inside a window would be a matter of luck.
 */
export const drive = ({ clients, each, keygrip, socket }: DriveOrder): Driven => {
  const script = signature(keygrip)
  const poll = new Poll(clients)
  const slots: Array<{ client: Client; step: number; left: number }> = []
  const usage = process.cpuUsage()
  const begun = performance.now()
  let failed = 0
  let reason: string | undefined
  let live = clients

  const open = (slot: number, left: number) => {
    const client = new Client(socket)
    slots[slot] = { client, step: 0, left }
    poll.set(slot, client.fd)
  }
  /** Takes what came; true when the dialogue is over. */
  const advance = (slot: number): boolean => {
    const one = slots[slot]!
    if (!one.client.take()) return false
    const next = script[one.step++]
    if (next === undefined) return true
    one.client.send(next)
    return false
  }

  for (let slot = 0; slot < clients; slot++) open(slot, each)
  while (live > 0) {
    if (!poll.wait(PATIENCE)) throw new Error(`${live} clients wait, and none was answered in ${PATIENCE} ms`)
    for (let slot = 0; slot < clients; slot++) {
      if (!poll.ready(slot)) continue
      try {
        if (!advance(slot)) continue
      } catch (error) {
        failed++
        reason ??= (error as Error).message
      }
      const { client, left } = slots[slot]!
      client.close()
      poll.set(slot, -1)
      if (left > 1) open(slot, left - 1)
      else live--
    }
  }
  const wallMs = performance.now() - begun
  const { system, user } = process.cpuUsage(usage)
  return { wallMs, processorMs: (system + user) / 1000, failed, reason }
}
