// Short ways to say what the table says often.
import type { ArgumentSpec, Command, CommandSpec, InquirySpec, OptionSpec, Since } from "../grammar/command.ts"
import type { Field } from "../grammar/field.ts"
import { MAX_ANSWER } from "../limits.ts"
import type { Operation } from "../operation.ts"

type Amounts = Operation | ReadonlyArray<Operation> | ((command: Command) => ReadonlyArray<Operation>)

/** A command's description with everything but its name, note and fate left to defaults. */
export const command = (
  name: string,
  fate: CommandSpec["fate"],
  note: string,
  more: Partial<Omit<CommandSpec, "name" | "fate" | "note" | "operations" | "mayBe">> & {
    readonly is?: Amounts
    readonly mayBe?: ReadonlyArray<Operation>
  } = {}
): CommandSpec => {
  const { is = [], mayBe, ...rest } = more
  const fixed = typeof is === "function" ? [] : typeof is === "string" ? [is] : is
  return {
    options: [],
    args: [],
    inquiries: [],
    status: [],
    keys: "none",
    ...rest,
    name,
    fate,
    note,
    operations: typeof is === "function" ? is : () => fixed,
    mayBe: mayBe ?? fixed
  }
}

/** A flag. */
export const flag = (name: string, since?: Since): OptionSpec => since === undefined ? { name } : { name, since }

/** An option with a value. */
export const valued = (name: string, value: Field, since?: Since): OptionSpec =>
  since === undefined ? { name, value } : { name, value, since }

/** An argument that must be there. */
export const arg = (field: Field): ArgumentSpec => ({ field })

/** An argument that may be missing. */
export const optional = (field: Field): ArgumentSpec => ({ field, optional: true })

/** One or more of a kind. */
export const repeated = (field: Field): ArgumentSpec => ({ field, repeated: true })

/** Passphrases are at most 255 bytes (GnuPG agent/agent.h MAX_PASSPHRASE_LEN). */
const MAX_PASSPHRASE = 255

/** The agent shows which pinentry it started; the answer is empty, and CAN changes nothing. */
export const PINENTRY_LAUNCHED: InquirySpec = { keyword: "PINENTRY_LAUNCHED", grammar: "nothing", limit: 0 }

/** A question to the owner that a newer agent puts to a loopback client. */
export const CONFIRM: InquirySpec = {
  keyword: "CONFIRM",
  grammar: "nothing",
  limit: 0,
  loopback: true,
  since: "2.3.0"
}

export const PASSPHRASE: InquirySpec = {
  keyword: "PASSPHRASE",
  grammar: "opaque",
  limit: MAX_PASSPHRASE,
  secret: true,
  loopback: true
}

export const NEW_PASSPHRASE: InquirySpec = { ...PASSPHRASE, keyword: "NEW_PASSPHRASE" }

/** An inquiry for bytes that the gate does not look into. */
export const data = (keyword: string, limit = MAX_ANSWER): InquirySpec => ({ keyword, grammar: "opaque", limit })

/** An inquiry for a secret that needs no loopback mode. */
export const secretData = (keyword: string, limit: number): InquirySpec => ({ ...data(keyword, limit), secret: true })

/** What every command that unlocks a key may ask. */
export const unlocking: ReadonlyArray<InquirySpec> = [PINENTRY_LAUNCHED, PASSPHRASE, CONFIRM]

/** What every command that makes or changes a protection may ask. */
export const protecting: ReadonlyArray<InquirySpec> = [...unlocking, NEW_PASSPHRASE]
