// What systemd wants to know of a service with Type=notify: sd_notify(3), a datagram to the socket that $NOTIFY_SOCKET names.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { LogService } from "./log.ts"
import { isNative, native } from "./native.ts"
import { reasonOf } from "./reason.ts"

/** What is told: one assignment; a text is for people, in `systemctl status`. */
export type ServiceState = "READY=1" | "RELOADING=1" | "STOPPING=1" | `STATUS=${string}`

/** Attempts, and milliseconds between them, while systemd's own queue is full. */
const ATTEMPTS = 50
const PAUSE = 20

/**
 * Tells systemd, and does nothing where it has not asked ($NOTIFY_SOCKET is unset). Never fails: what went wrong is in the
 * log. After RELOADING=1 a READY=1 must follow.
 */
export const notify = Effect.fnUntraced(function*(state: ServiceState): Effect.fn.Return<void, never, LogService> {
  const address = process.env["NOTIFY_SOCKET"]
  if (address === undefined || address === "") return
  const log = yield* LogService
  if (!isNative(log)) return
  const message = Buffer.from(yield* datagram(state))
  for (let i = 1;; i++) {
    // an AF_VSOCK address is for virtual machines, a relative path for nobody
    const error = /^[/@]./.test(address) ? native.sendto(address, message) : "EAFNOSUPPORT"
    if (error === undefined) return
    if (error !== "EAGAIN" || i === ATTEMPTS) {
      return log.write(4, `systemd cannot be told ${state} at ${address}: ${reasonOf(error)}`)
    }
    yield* Effect.sleep(PAUSE)
  }
})

const datagram = (state: ServiceState): Effect.Effect<string> => {
  // Type=notify-reload compares the time with its own CLOCK_MONOTONIC, in microseconds; Node's monotonic clock is that one
  if (state === "RELOADING=1") {
    return Effect.map(Clock.monotonicTimeNanos, (now) => `${state}\nMONOTONIC_USEC=${now / 1000n}\n`)
  }
  // a line feed would begin another assignment
  return Effect.succeed(`${state.replace(/\p{Cc}/gu, " ")}\n`)
}
