// What `takePassed` makes of the descriptors and variables that this process was started with, as JSON; and which of the descriptors
// and variables a child of it still has.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawnSync } from "node:child_process"
import { takePassed } from "../../src/listen/activation.ts"

const taken = Effect.runSync(Effect.result(takePassed(process.env, process.pid)))
// 0, 1 and 2 are the child's own
const script = "for fd in /proc/$$/fd/*; do [ ${fd##*/} -lt 3 ] || readlink $fd; done; env"
const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" })
const lines = stdout.split("\n")
const left = lines.filter((line) => line.startsWith("socket:") || line.startsWith("LISTEN_"))
const result = Result.isSuccess(taken) ? { passed: taken.success } : { error: taken.failure.message }
process.stdout.write(JSON.stringify({ ...result, left }))
