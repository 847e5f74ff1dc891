// Watches a directory as fast as it can and notes every mode that a socket in it was ever seen with, by whether it has the
// watched name or another one. `stop` is set to end it; behind it stands whether the name was seen. Runs in a thread of its own, because what it watches happens within one call of the main one.
import { lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { parentPort, workerData } from "node:worker_threads"

const { dir, name, stop } = workerData as { dir: string; name: string; stop: Int32Array }
const modes = { named: new Set<number>(), other: new Set<number>() }
parentPort!.postMessage("ready")
while (Atomics.load(stop, 0) === 0) {
  for (const entry of readdirSync(dir)) {
    const stat = lstatSync(join(dir, entry), { throwIfNoEntry: false })
    if (stat?.isSocket()) (entry === name ? modes.named : modes.other).add(stat.mode & 0o7777)
    if (modes.named.size > 0) Atomics.store(stop, 1, 1)
  }
}
parentPort!.postMessage({ named: [...modes.named], other: [...modes.other] })
