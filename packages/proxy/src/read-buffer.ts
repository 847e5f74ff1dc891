// The buffer that Node reads sockets and pipes into. It hands out a copy of what came, which whoever gets it can wipe; the buffer
// itself stays as it is until the next read, and only as far as that one goes. After a secret came in, zeros are read over it.
import * as Effect from "effect/Effect"
import { closeSync, writeSync } from "node:fs"
import { Socket } from "node:net"
import { native } from "./native.ts"

/** Its length in bytes: what libuv suggests for each read (uv__read). */
const LENGTH = 65_536

/** Overwrites it. Nothing happens where there is no pair of sockets to be had: koffi is missing, or file descriptors are. */
export const wipeReadBuffer: Effect.Effect<void> = Effect.callback((resume) => {
  const pair = native.socketpair()
  if (pair === undefined) return resume(Effect.void)
  const [one, other] = pair
  const reading = new Socket({ fd: other, readable: true, writable: false })
  reading.on("error", () => {})
  reading.once("close", () => resume(Effect.void)).resume()
  // all of it is there before the first read, so that one read has it
  try {
    writeSync(one, Buffer.alloc(LENGTH))
  } catch {
    // a system with so little room for what is sent that it takes nothing
  }
  closeSync(one)
})
