// The fake agent as an upstream that does right what its script does not name: it passes that on to a real agent, over one
// connection for each of its own, and hands back what that says, with its questions.
import { type FakeAgent, startFakeAgent } from "../fake-agent.ts"
import type { FakeConnection } from "../fake-agent/record.ts"
import type { Reply } from "../fake-agent/reply.ts"
import { connectRaw, type RawClient, type RawReply } from "../raw-client.ts"
import { type AgentFault, type AgentFaults, replyOf } from "./agent-faults.ts"

/** Milliseconds for an answer of the real agent: somebody may be typing a passphrase. */
const PATIENCE = 600_000

export interface BehindOptions {
  /** The real agent's socket. */
  readonly real: string
  /** Where the faulty one listens. */
  readonly socket: string
  /** The script that is in force, looked up at each command; another object is another script, and begins anew. */
  readonly faults: () => AgentFaults
}

/** Starts an agent that goes wrong by a script, before a real one. */
export const startFaultyAgent = async ({ faults, real, socket }: BehindOptions): Promise<FakeAgent> => {
  const connections = new Map<FakeConnection, Promise<RawClient>>()
  const realOf = (connection: FakeConnection): Promise<RawClient> => {
    const known = connections.get(connection)
    if (known !== undefined) return known
    const opening = connectRaw(real).then(async (client) => {
      await client.readReply(PATIENCE)
      return client
    })
    connections.set(connection, opening)
    void connection.closed.then(() => opening.then((client) => client.destroy(), () => {}))
    return opening
  }
  /** What the real agent said, as a reply; a question of its own goes on with what the client answers. */
  const replyFrom = (client: RawClient, { last, lines }: RawReply): Reply =>
    last.startsWith("INQUIRE ")
      ? {
        before: lines.slice(0, -1),
        inquire: last.slice("INQUIRE ".length),
        next: async (answer) => replyFrom(client, await client.answer(answer, PATIENCE)),
        cancelled: async () => replyFrom(client, await client.command("CAN", PATIENCE))
      }
      : lines
  const pass = async (line: Buffer, connection: FakeConnection): Promise<Reply> => {
    const client = await realOf(connection)
    const reply = replyFrom(client, await client.command(line, PATIENCE))
    return /^bye\b/i.test(line.toString("latin1"))
      ? { bytes: Buffer.from("OK closing connection\n"), thenClose: true }
      : reply
  }

  let script = faults()
  const used = new Map<string, number>()
  /** What is due for a command now. */
  const due = (word: string): AgentFault => {
    const current = faults()
    if (current !== script) used.clear()
    script = current
    const entry = script.commands?.[word]
    if (entry === undefined || !Array.isArray(entry)) return (entry as AgentFault | undefined) ?? "pass"
    const count = used.get(word) ?? 0
    used.set(word, count + 1)
    return entry[count] ?? "pass"
  }
  return startFakeAgent({
    socket,
    greeting: await replyOf(script.greeting ?? "pass", async () => ["OK Pleased to meet you"]),
    every: (line, connection) => {
      const word = /^[^ \t\0]*/.exec(line.toString("latin1"))![0].toUpperCase()
      return replyOf(due(word), () => pass(line, connection))
    }
  })
}
