// Clients that sign one after the other until their time is over: many in one process, without an event loop, as in the bench.
// After a few signatures a client goes and comes back with a new connection, so that sessions begin and end all the time.
import { Client, PATIENCE } from "../bench/dialogue.ts"
import { Poll } from "../bench/libc.ts"
import { hello, signatureIn, signing } from "./signer.ts"

export interface BusyOrder {
  readonly kind: "busy"
  readonly socket: string
  readonly keygrip: string
  /** The number of the first of these clients, and the right signature of each. */
  readonly from: number
  readonly right: ReadonlyArray<string>
  readonly forMs: number
}

export interface BusyResult {
  readonly kind: "busy"
  /** Milliseconds of each signature, from its first line to its answer. */
  readonly times: Float32Array
  readonly wallMs: number
  /** Connections that ended otherwise or brought a wrong answer, and the first reason. */
  readonly errors: number
  readonly reason: string | undefined
}

/** Signatures on one connection. */
const ON_ONE = 8

/** Errors after which a client does not try again: nothing will come of it. */
const MOST_ERRORS = 1_000

interface Busy {
  readonly client: Client
  readonly script: ReadonlyArray<Buffer>
  step: number
  signed: number
  begun: number
}

/** Drives the clients until the time is over and each has finished the signature that it has begun. */
export const driveBusy = ({ forMs, from, keygrip, right, socket }: BusyOrder): BusyResult => {
  const clients = right.length
  const scripts = right.map((_, index) => [...hello, ...signing(keygrip, from + index)])
  const poll = new Poll(clients)
  const slots: Array<Busy> = []
  const times: Array<number> = []
  const begun = performance.now()
  let errors = 0
  let reason: string | undefined
  let live = 0

  const fail = (error: unknown) => {
    errors++
    reason ??= (error as Error).message
  }
  const over = () => performance.now() - begun >= forMs || errors >= MOST_ERRORS
  const open = (slot: number) => {
    for (;;) {
      try {
        const client = new Client(socket)
        slots[slot] = { client, script: scripts[slot]!, step: 0, signed: 0, begun: 0 }
        poll.set(slot, client.fd)
        live++
        return
      } catch (error) {
        fail(error)
        if (over()) return
      }
    }
  }
  const close = (slot: number) => {
    slots[slot]!.client.close()
    poll.set(slot, -1)
    live--
  }
  /** Takes what came, and says what is next; false when the client is to go. */
  const advance = (one: Busy, slot: number): boolean => {
    if (!one.client.take()) return true
    if (one.step === one.script.length) {
      if (signatureIn(one.client.text()) !== right[slot]) throw new Error("a reply is not the signature asked for")
      times.push(performance.now() - one.begun)
      one.signed++
      if (one.signed === ON_ONE || over()) return false
      one.step = hello.length
    }
    if (one.step === hello.length) {
      if (over()) return false
      one.begun = performance.now()
    }
    one.client.send(one.script[one.step++]!)
    return true
  }

  for (let slot = 0; slot < clients; slot++) open(slot)
  while (live > 0) {
    if (!poll.wait(PATIENCE)) {
      // the process ends with the soak, and with it the connections
      fail(new Error(`${live} clients wait, and none was answered in ${PATIENCE} ms`))
      break
    }
    for (let slot = 0; slot < clients; slot++) {
      if (!poll.ready(slot)) continue
      try {
        if (advance(slots[slot]!, slot)) continue
      } catch (error) {
        fail(error)
      }
      close(slot)
      if (!over()) open(slot)
    }
  }
  return { kind: "busy", times: Float32Array.from(times), wallMs: performance.now() - begun, errors, reason }
}
