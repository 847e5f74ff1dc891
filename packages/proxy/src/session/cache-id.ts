// Cache ids of passphrases belong to the app that used them: what one app asked its passphrase for is not answered to
// another out of the agent's cache, which knows no apps.
import type { Command } from "@gripgate/protocol/grammar/command"
import { createHash } from "node:crypto"
import type { SessionContext } from "./context.ts"
import { cacheIdCommands } from "./needs.ts"

/** No caching at all (GnuPG agent/command.c cmd_get_passphrase). */
const NONE = "X"

/** How the ids that the gate makes begin. */
const OWN = "gripgate-"

/** Forty digits may be a key's, and are judged as one: see the table of commands. */
const mayBeKeygrip = (id: string): boolean => /^[0-9A-Fa-f]{40}$/.test(id)

/**
 * The command with a cache id that only this app has. Whoever is no app has the ids of everybody where the policy allows
 * `cache` to it, as without a gate, and else those of its user. The agent takes ids of at most 50 bytes; this one has 41.
 */
export const ownCacheId = (session: SessionContext, command: Command): Command => {
  if (!cacheIdCommands.has(command.spec.name)) return command
  const id = String(command.args[0])
  if (id === NONE || mayBeKeygrip(id)) return command
  const { app, facts, services } = session
  const isSomebodys = id.startsWith(OWN)
  if (app === undefined && !isSomebodys && services.authority.verdict(app, "cache").verdict === "allow") return command
  const whose = app === undefined ? `user ${facts.uid ?? "unknown"}` : `app ${app}`
  const digest = createHash("sha256").update(`${whose}\0${id}`).digest("hex").toUpperCase().slice(0, 32)
  return { ...command, args: [`${OWN}${digest}`, ...command.args.slice(1)] }
}
