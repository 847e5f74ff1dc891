// How much memory this process holds on to, after the collector has taken what nobody needs.
import { setImmediate as turn } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** V8's collector, without a flag on the command line. */
const collect = (): () => void => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

let gc: (() => void) | undefined

/** Bytes on the heap and in buffers. What finalizers give back takes some turns of the event loop. */
export const heldMemory = async (): Promise<number> => {
  gc ??= collect()
  for (let round = 0; round < 4; round++) {
    gc()
    await turn()
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
