// A client that does what it is told to: `{ connect }` (a path), `{ title }`, `{ groups }` and `{ user }` (what it becomes,
// before it connects), `{ exec }` (what it becomes in the same process, without an answer), `{ handOver }` (its connection goes
// to a child that waits for the end of it, and it ends itself), `{ available }` (what it can know itself of the other end).
import { spawn } from "node:child_process"
import * as net from "node:net"
import { factsAvailable, readFacts } from "../../../src/listen/facts/read-facts.ts"

interface Message {
  readonly connect?: string
  readonly title?: string
  readonly groups?: ReadonlyArray<number>
  readonly user?: number
  readonly exec?: ReadonlyArray<string>
  readonly handOver?: true
  readonly available?: true
}

let socket: net.Socket | undefined

process.on("message", ({ available, connect, exec, groups, handOver, title, user }: Message) => {
  if (available) {
    return process.send!({ available: factsAvailable() ?? null, facts: readFacts(socket!, "a path") })
  }
  if (exec !== undefined) return process.execve!(exec[0]!, exec, {})
  if (handOver) {
    spawn("cat", { stdio: [socket!, "ignore", "ignore"], detached: true }).once("spawn", () => process.exit())
    return
  }
  if (title !== undefined) process.title = title
  if (groups !== undefined) process.setgroups!([...groups])
  if (user !== undefined) process.seteuid!(user)
  if (connect === undefined) return process.send!({ ok: true })
  socket = net.connect(connect, () => process.send!({ ok: true })).on("error", () => {}).pause()
})
process.send!({ ready: true })
