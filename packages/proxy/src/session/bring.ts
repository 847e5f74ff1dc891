// Brings an agent's connection to the state that the session holds: the lines to send before a command.
import type { Command } from "@gripgate/protocol/grammar/command"
import type { AgentConnection } from "../upstream/agent.ts"
import type { SessionContext } from "./context.ts"
import type { SessionState } from "./state.ts"

const RESET = Buffer.from("RESET\n")

/** Options that even a restricted agent takes. */
const unrestricted: ReadonlySet<string> = new Set(["agent-awareness", "ephemeral"])

const bringOptions = (
  wanted: ReadonlyMap<string, Buffer>,
  connection: AgentConnection,
  lines: Array<Buffer>
): void => {
  for (const [name, line] of wanted) {
    if (connection.restricted && !unrestricted.has(name)) continue
    const applied = connection.applied.get(name)
    if (applied !== undefined && applied.equals(line)) continue
    connection.applied.set(name, line)
    lines.push(line)
  }
}

/**
 * The lines that bring `connection` up to the session, for `command`, without the command itself, or for an option. `keydesc` is the line
 * that gives the next prompt its text. They are all of the gate's own making, and each has to be answered OK.
 */
export const bringState = (
  state: SessionState,
  environment: ReadonlyMap<string, Buffer>,
  connection: AgentConnection,
  command: Command | undefined,
  keydesc?: Buffer | undefined
): Array<Buffer> => {
  const lines: Array<Buffer> = []
  // the agent forgets a second key only with all else
  if (state.resetPending || (connection.another && state.another === undefined)) {
    lines.push(RESET)
    connection.another = false
  }
  state.resetPending = false
  if (command !== undefined && onlyLooks(command) && !state.restricted && !state.options.has("ephemeral")) return lines
  // once restricted, a connection takes no option any more, and had them all before
  if (!state.restricted || connection.applied.size === 0) {
    bringOptions(environment, connection, lines)
    bringOptions(state.options, connection, lines)
  }
  if (command === undefined) return lines
  if (command.spec.keys === "session") {
    if (state.key !== undefined) lines.push(state.key.line)
    if (state.another !== undefined) {
      lines.push(state.another.line)
      connection.another = true
    }
    if (command.spec.name === "PKSIGN" && state.hash instanceof Buffer) lines.push(state.hash)
  }
  if (keydesc !== undefined) lines.push(keydesc)
  return lines
}

/** The options that a connection has not had yet: what a session is likely to need once it has looked at its keys. */
export const optionsAhead = (
  state: SessionState,
  environment: ReadonlyMap<string, Buffer>,
  connection: AgentConnection
): Array<Buffer> => {
  const lines: Array<Buffer> = []
  if (state.restricted) return lines
  bringOptions(environment, connection, lines)
  bringOptions(state.options, connection, lines)
  return lines
}

/** While the client thinks about an answer the agent has time for what the next command will need. */
export const prepare = (session: SessionContext, connection: AgentConnection | undefined): void =>
  connection?.ahead(optionsAhead(session.state, session.environment, connection))

/** Commands that neither prompt nor unlock, so that no option matters to them: most of what a gpg says first. */
export const onlyLooks = (command: Command): boolean => command.spec.mayBe.every((operation) => operation === "list")
