// Takes the lock of a state directory, says what came of it and what the log said, and keeps it until the next message. Or
// takes and drops a lock again and again, and counts how often it had it, and how often it was not alone with it.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { closeSync, openSync, unlinkSync } from "node:fs"
import { listen } from "../../src/listen/listener.ts"
import { lockState, takeLock } from "../../src/lock.ts"
import { notify } from "../../src/notify.ts"
import { recordingLog } from "./recording-log.ts"

const { layer, lines } = recordingLog()
const scope = Scope.makeUnsafe()

// two locks, a socket and a notification: whoever misses koffi says so once
const everything = (dir: string) =>
  lockState(dir).pipe(
    Effect.andThen(listen({ path: `${dir}/S` }, (socket) => socket.on("error", () => {}).end("hello\n"))),
    Effect.andThen(notify("READY=1")),
    Effect.provide(layer),
    Effect.provideService(Scope.Scope, scope),
    Effect.result
  )

const what = (result: Result.Result<void, { readonly message: string; readonly hint?: string | undefined }>) =>
  Result.isSuccess(result)
    ? { ok: true, lines }
    : { ok: false, message: result.failure.message, hint: result.failure.hint, lines }

const contend = (file: string, ms: number) => {
  const held = (by: string) => ({ message: by, hint: "" })
  let had = 0
  let notAlone = 0
  for (const end = performance.now() + ms; performance.now() < end;) {
    const lock = Effect.runSync(Effect.result(takeLock({ file, held }, { level: 7, write: () => {} })))
    if (Result.isFailure(lock)) continue
    had++
    try {
      closeSync(openSync(`${file}.inside`, "wx"))
      unlinkSync(`${file}.inside`)
    } catch {
      notAlone++
    }
    lock.success.release()
  }
  return { had, notAlone }
}

process.on("message", async (message: { dir?: string; at?: number; contend?: string; ms?: number }) => {
  if (message.contend !== undefined) return process.send!(contend(message.contend, message.ms ?? 0))
  if (message.dir !== undefined) {
    while (Date.now() < (message.at ?? 0));
    return process.send!(what(await Effect.runPromise(everything(message.dir))))
  }
  await Effect.runPromise(Scope.close(scope, Exit.void))
  process.send!({ ok: true })
  process.disconnect!()
})
process.send!({ ready: true })
