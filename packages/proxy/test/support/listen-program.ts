// Listens where it is told to, at the moment it is told to. Messages: `{ path, at }` opens (at: milliseconds since the epoch,
// so that two processes do it at the same moment) and answers `{ ok, message }`; `{ close: true }` closes and answers;
// `{ hoard: true }` uses up all file descriptors, `false` gives them back, and both answer; `{ leave: true }` lets the
// process end by itself with the socket still open.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { closeSync, openSync } from "node:fs"
import { listen } from "../../src/listen/listener.ts"
import { recordingLog } from "./recording-log.ts"

const { layer } = recordingLog()
let scope: Scope.Closeable | undefined

const open = async (path: string, at: number) => {
  const fresh = Scope.makeUnsafe()
  const attempt = listen({ path }, (socket) => socket.on("error", () => {}).end(`${process.pid}\n`)).pipe(
    Effect.provide(layer),
    Effect.provideService(Scope.Scope, fresh),
    Effect.result
  )
  while (Date.now() < at);
  const result = await Effect.runPromise(attempt)
  if (Result.isFailure(result)) return { ok: false, message: result.failure.message }
  scope = fresh
  return { ok: true }
}

const hoarded: Array<number> = []

const hoard = () => {
  try {
    for (;;) hoarded.push(openSync("/dev/null", "r"))
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code }
  }
}

interface Message {
  readonly path?: string
  readonly at?: number
  readonly close?: true
  readonly hoard?: boolean
  readonly leave?: true
}

process.on("message", async (message: Message) => {
  if (message.path !== undefined) process.send!(await open(message.path, message.at ?? 0))
  if (message.close) {
    if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
    scope = undefined
    process.send!({ ok: true })
  }
  if (message.hoard === true) process.send!(hoard())
  if (message.hoard === false) {
    for (const fd of hoarded.splice(0)) closeSync(fd)
    process.send!({ ok: true })
  }
  if (message.leave) {
    // nothing but the handles of this process would keep it alive: the listening socket among them
    const { _getActiveHandles } = process as unknown as {
      _getActiveHandles: () => ReadonlyArray<{ unref?: () => void }>
    }
    for (const handle of _getActiveHandles()) handle.unref?.()
    process.disconnect!()
  }
})
process.send!({ ready: true })
