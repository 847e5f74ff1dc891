// How the agent keeps one key at this moment.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type * as Effect from "effect/Effect"
import type { AgentConnection } from "../upstream/agent.ts"
import { type Protection, protectionIn } from "./secret-keys.ts"

/** `no loopback`: the agent refused one of the options before. */
export type Found = Protection | "none" | "no loopback" | "lost"

/** Asks the agent, after these options. */
export function* protectionOf(
  connection: AgentConnection,
  keygrip: Keygrip,
  options: ReadonlyArray<Buffer> = []
): Effect.fn.Return<Found> {
  const lines = [...options, Buffer.from(`KEYINFO ${keygrip}\n`)]
  const answer = yield* connection.exchange(lines, lines.length, { status: ["KEYINFO"], live: () => {} })
  if (answer.kind === "setter") return "no loopback"
  if (answer.kind !== "done") return "lost"
  if (!answer.ok) return "none"
  const said = connection.collected.bytes.toString("latin1")
  connection.collected.clear()
  return protectionIn(said).get(keygrip) ?? "lost"
}
