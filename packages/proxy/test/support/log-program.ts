// Writes to the real log of a process. It is told what to do by its arguments: COUNT lines of SIZE bytes, in one turn of the
// event loop each hundred; then it says how it went, and by which way it ends: `exit` at once, or `wait` for a message.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { fstatSync } from "node:fs"
import { writeFileSync } from "node:fs"
import { setImmediate as turn } from "node:timers/promises"
import { LogService } from "../../src/log.ts"

const [count, size, then, report] = process.argv.slice(2)
if (process.env["AS_JOURNAL"] !== undefined) {
  const { dev, ino } = fstatSync(2, { bigint: true })
  process.env["JOURNAL_STREAM"] = `${dev}:${ino}`
}

const scope = Scope.makeUnsafe()
const services = Effect.runSync(Layer.buildWithScope(LogService.layer({ level: 6 }), scope))
const log = Context.get(services, LogService)

const started = performance.now()
let slowest = 0
for (let i = 0; i < Number(count); i++) {
  log.write(i % 2 === 0 ? 5 : 6, `${i} ${"x".repeat(Number(size))}`)
  if (i % 100 !== 99) continue
  const before = performance.now()
  await turn()
  slowest = Math.max(slowest, performance.now() - before)
}
const went = { took: performance.now() - started, slowest }
if (report !== undefined) writeFileSync(report, JSON.stringify(went))
process.send?.(went)
if (then === "exit") process.exit(0)
if (then === "close") {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  process.disconnect?.()
}
if (then === "wait") process.once("message", () => process.exit(0))
