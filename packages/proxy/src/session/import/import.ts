// IMPORT_KEY by a client that sees only some keys. The agent says `File exists` for a key that it has, also for one that is hidden
// from this client. So only what proves that the client has the key itself gets to the agent; then the key becomes its own,
// and the answer is the same whether the agent had it or not.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has } from "@gripgate/protocol/grammar/command"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import type * as Effect from "effect/Effect"
import { unwrap, wipe } from "../../key-wrap.ts"
import { errorCodeOf } from "../../upstream/said.ts"
import type { SessionContext } from "../context.ts"
import type { Outcome } from "../converse.ts"
import { claims, keyWith } from "../own-keys.ts"
import { provenKey } from "./possession.ts"
import { parseSecretKey } from "./secret-key.ts"

type Done = Extract<Outcome, { kind: "done" }>

/** Keys of the agent that an imported one is looked for among. */
const MAX_CANDIDATES = 4096

/** GPG_ERR_EEXIST, as gpg-agent says it (libgpg-error err-codes.h: a system error). */
const EEXIST = 0x8000 | 35

const UNPROVEN = "the key data does not prove that the client has the key: "

/**
 * Why a client may not begin an import, in words for the log; `undefined` where it may. Whatever needs a passphrase asks for it
 * only where the agent does not have the key yet, and --force is for keys that it has.
 */
export const importRefusal = (session: SessionContext, command: Command): string | undefined => {
  if (command.spec.name !== "IMPORT_KEY" || session.services.keys.seesAll(session.app)) return undefined
  if (!claims(session)) return "only an app can bring in keys, and this client is none and may not see all keys"
  if (has(command, "--force")) return "IMPORT_KEY --force may overwrite a key that this client does not see"
  return has(command, "--unattended")
    ? undefined
    : "an app that may see only some keys brings in one without a passphrase, by gpg --batch --import"
}

/**
 * Why an answer to KEYDATA may not go to the agent, in words for the log; `undefined` where it may. What was proven is noted.
 * `data` is as the client sent it, and whoever holds it wipes it.
 */
export const judgeKeydata = (session: SessionContext, command: Command, data: Buffer): string | undefined => {
  const { kept } = session.state
  kept.prove(undefined)
  if (command.spec.name !== "IMPORT_KEY" || session.services.keys.seesAll(session.app)) return undefined
  const refused = importRefusal(session, command)
  if (refused !== undefined) return refused
  const key = kept.wrappingKey
  const unwrapped = key === undefined ? undefined : unwrap(key, data)
  if (unwrapped === undefined) return `${UNPROVEN}it is not wrapped under the key of KEYWRAP_KEY --import`
  try {
    const parsed = parseSecretKey(unwrapped.bytes)
    if (parsed === undefined) {
      return `${UNPROVEN}it is no OpenPGP key, or one with a passphrase, or without its secret part`
    }
    const proven = provenKey(parsed)
    if (proven === undefined) {
      return `${UNPROVEN}its secret part is not that of its public part, or of a kind not known here`
    }
    kept.prove(proven)
    return undefined
  } finally {
    wipe(unwrapped)
  }
}

/** Keeps what KEYWRAP_KEY --import returned, for a client whose imports have to be judged; of others, nothing. */
export const keepImportKey = (session: SessionContext, command: Command, { connection, finalAt, ok }: Done): void => {
  if (command.spec.name !== "KEYWRAP_KEY" || !has(command, "--import")) return
  if (ok && claims(session)) session.state.kept.keep(connection.collected.bytes.subarray(0, finalAt))
  else session.state.kept.forget()
}

/**
 * Gives an imported key to its app, durably, and returns the outcome in place of the agent's own: one and the same for a key
 * that is new and for one that the agent had.
 */
export function* settleImport(session: SessionContext, command: Command, result: Done): Effect.fn.Return<Done> {
  if (command.spec.name !== "IMPORT_KEY" || session.services.keys.seesAll(session.app)) return result
  const { connection } = result
  const proven = session.state.kept.takeProven()
  if (!result.ok && errorCodeOf(connection.collected.bytes.subarray(result.finalAt)) !== EEXIST) return result
  connection.collected.clear()
  const { app, facts, services } = session
  // the policy has changed since the answer was judged
  if (proven === undefined || !claims(session)) return answered(result, false, errLine(gpgError.FORBIDDEN))
  const { info } = services.keys
  const newestFirst = (keygrips: ReadonlyArray<Keygrip>): ReadonlyArray<Keygrip> => {
    const isNew = (keygrip: Keygrip): boolean => info(keygrip).protection === undefined
    return [...keygrips.filter(isNew), ...keygrips.filter((keygrip) => !isNew(keygrip))].slice(0, MAX_CANDIDATES)
  }
  const keygrip = yield* keyWith(connection, proven, newestFirst)
  if (keygrip !== undefined) yield* services.keys.made(session.app, keygrip, "imported")
  else {services.journal.rejected(
      app,
      facts,
      command.spec.name,
      "which key it brought in cannot be told, so it stays hidden"
    )}
  return answered(result, true, OK_LINE)
}

const answered = ({ also, connection }: Done, ok: boolean, line: Buffer): Done => {
  connection.collected.clear()
  connection.collected.append(line)
  return { kind: "done", ok, finalAt: 0, connection, also }
}
