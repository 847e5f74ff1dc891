// Nonces are bearer tokens that the agent takes on any connection, so one that this client was not given is not sent:
// the agent then asks, as it does for a nonce that it does not know.
import type { Command } from "@gripgate/protocol/grammar/command"
import type { Value } from "@gripgate/protocol/grammar/field"
import type { SessionState } from "./state.ts"

/** Commands whose only argument is a nonce. */
const takesNonce: ReadonlySet<string> = new Set(["PKSIGN", "GENKEY", "IMPORT_KEY"])
const nonceOptions = ["--cache-nonce", "--passwd-nonce"] as const

/** The command without nonces of others. */
export const ownNonces = (state: SessionState, command: Command): Command => {
  const foreign = (value: Value | undefined): boolean => value !== undefined && !state.nonces.has(String(value))
  const args = takesNonce.has(command.spec.name) && foreign(command.args[0]) ? [] : command.args
  const options = nonceOptions.filter((name) => foreign(command.options.get(name)))
  if (args === command.args && options.length === 0) return command
  const kept = new Map(command.options)
  for (const name of options) kept.delete(name)
  return { ...command, args, options: kept }
}

/** Nonces of one session; the oldest goes first. */
const MAX_NONCES = 64

/** Notes the nonces that an answer gives to this client. */
export const keepNonces = (state: SessionState, command: Command, answer: Buffer): void => {
  const { status } = command.spec
  if (status === "*" || !status.includes("CACHE_NONCE") || answer[0] !== 0x53) return
  for (let from = 0; answer[from] === 0x53;) {
    const stop = answer.indexOf(10, from)
    const to = stop < 0 ? answer.length : stop
    const nonce = /^S (?:CACHE|PASSWD)_NONCE ([0-9A-Za-z_.:,/@+=-]{1,100})$/.exec(answer.toString("latin1", from, to))
      ?.[1]
    if (nonce !== undefined) state.nonces.add(nonce)
    // a session that makes keys without end is no reason to grow
    if (state.nonces.size > MAX_NONCES) state.nonces.delete(state.nonces.values().next().value!)
    from = to + 1
  }
}
