// Which secret keys the agent has, and how it keeps them.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { type AgentConnection, type NoAgent, noAgent } from "../upstream/agent.ts"
import type { KeyInfo } from "./key-directory.ts"

export type Protection = NonNullable<KeyInfo["protection"]>

/** Secret keys, and how they are protected, where that is known. */
export type SecretKeys = ReadonlyMap<Keygrip, Protection | undefined>

/**
 * A connection to an agent if it answers within `greeting` milliseconds; none is started. Whoever opens it closes it.
 */
export const openRunning = (
  open: Effect.Effect<AgentConnection, NoAgent>,
  greeting: number
): Effect.Effect<AgentConnection, NoAgent> =>
  open.pipe(Effect.timeoutOrElse({
    duration: greeting,
    orElse: () => Effect.fail(noAgent("it does not greet"))
  }))

const KEYINFO_LIST = Buffer.from("KEYINFO --list\n")

/** `S KEYINFO GRIP TYPE SERIAL IDSTR CACHED PROTECTION ...` (GnuPG agent/command.c, cmd_keyinfo). */
const LINE = /^S KEYINFO ([0-9A-F]{40}) ([DTX]) \S+ \S+ \S+ (\S)/gm

/** Milliseconds for the list: the agent reads each key's file for it. */
const TIMEOUT = 10_000

/** Asks the agent for its keys; `undefined` where it does not tell, as on its restricted socket, or not within 10 s. */
export const readSecretKeys = Effect.fnUntraced(function*(
  connection: AgentConnection
): Effect.fn.Return<SecretKeys | undefined> {
  const exchange = connection.exchange([KEYINFO_LIST], 1, { status: ["KEYINFO"], live: () => {} })
  const answer = Option.getOrUndefined(yield* Effect.timeoutOption(exchange, TIMEOUT))
  if (answer?.kind !== "done" || !answer.ok) return undefined
  const found = protectionIn(connection.collected.bytes.toString("latin1"))
  connection.collected.clear()
  return found
})

/** The keys of KEYINFO lines. */
export const protectionIn = (lines: string): SecretKeys => {
  const found = new Map<Keygrip, Protection | undefined>()
  for (const [, grip = "", type, protection] of lines.matchAll(LINE)) {
    const keygrip = parseKeygrip(grip)
    if (keygrip !== undefined) found.set(keygrip, type === "T" ? "card" : protections.get(protection ?? ""))
  }
  return found
}

const protections: ReadonlyMap<string, Protection> = new Map([["P", "protected"], ["C", "clear"]])

/** The keys that an agent of this homedir would have, by their files; `undefined` where it has no folder for them. */
export const secretFiles = (homedir: string): ReadonlySet<Keygrip> | undefined => {
  try {
    const names = readdirSync(join(homedir, "private-keys-v1.d"))
    return new Set(names.flatMap((name) => (name.endsWith(".key") ? parseKeygrip(name.slice(0, -4)) : undefined) ?? []))
  } catch {
    return undefined
  }
}
