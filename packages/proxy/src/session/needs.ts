// What a command amounts to in a session: its operations, the keys that it uses, and what no policy can allow.
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has, inquiriesOf } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { SessionContext } from "./context.ts"
import { importRefusal } from "./import/import.ts"

/** The operations of a command. A passphrase in band needs `loopback` beside them. */
export const operationsOf = (session: SessionContext, command: Command): ReadonlyArray<Operation> => {
  const operations = command.spec.operations(command)
  const inBand = (session.state.loopback && inquiriesOf(command).some((inquiry) => inquiry.loopback === true))
    || has(command, "--inq-passwd")
    || (command.spec.name === "PRESET_PASSPHRASE" && has(command, "--inquire"))
  return inBand ? [...operations, "loopback"] : operations
}

/** Commands whose first argument is a cache id. */
export const cacheIdCommands: ReadonlySet<string> = new Set([
  "GET_PASSPHRASE",
  "PRESET_PASSPHRASE",
  "CLEAR_PASSPHRASE"
])

/** The keys that a command uses: those that the session chose, or those that it names. */
export const keygripsOf = (session: SessionContext, command: Command): ReadonlyArray<Keygrip> => {
  if (command.spec.keys === "session") return session.state.keygrips
  if (command.spec.keys !== "use") return []
  // a cache id is sent as it was written, and names a key in either case
  const id = cacheIdCommands.has(command.spec.name) ? parseKeygrip(String(command.args[0])) : undefined
  return id === undefined ? command.args.filter(isKeygrip) : [id]
}

/** Whether a command shows or uses keys of a card: all of SCD but the probes that gpg sends in ordinary work. */
const usesCard = (command: Command): boolean =>
  command.inner === undefined
    ? command.spec.name === "LEARN" || has(command, "--card")
    : command.inner.spec.name !== "SERIALNO" && command.inner.spec.name !== "GETINFO"

/** Why a command cannot be sent whatever the policy says. */
export const refusedHere = (session: SessionContext, command: Command): readonly [GpgError, string] | undefined => {
  const { state } = session
  if (state.loopbackRefused && inquiriesOf(command).some((inquiry) => inquiry.loopback === true)) {
    return [gpgError.FORBIDDEN, "this session was refused loopback, and has not chosen another pinentry-mode since"]
  }
  if (!session.services.keys.seesAll(session.app)) {
    if (usesCard(command)) {
      return [gpgError.NO_SECKEY, "what keys a card has is not known, and this client may see only some"]
    }
    const noImport = importRefusal(session, command)
    if (noImport !== undefined) return [gpgError.FORBIDDEN, noImport]
  }
  if (command.spec.keys !== "session") return undefined
  if (state.key === undefined) return [gpgError.NO_SECKEY, "no key was chosen"]
  // without a hash the agent signs an empty string
  if (command.spec.name === "PKSIGN" && state.hash === undefined) return [gpgError.NO_DATA, "no hash was given"]
  return undefined
}
