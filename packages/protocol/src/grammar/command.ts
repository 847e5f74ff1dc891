// How a command is described, and what a parsed one is. A description is data: the parser, the writer, the policy's
// operations and the generated documents all run on it.
import type { Operation } from "../operation.ts"
import type { Field, Value } from "./field.ts"

/** The first GnuPG release that has a thing; absent means every supported one, from 2.2 on. */
export type Since = "2.3.0" | "2.3.7" | "2.3.8" | "2.4.0" | "2.4.1" | "2.4.4" | "2.5.0" | "2.5.2" | "2.5.6"

/** One `--option` of a command. Without `value` it is a flag; `bare` is what the option means without its value. */
export interface OptionSpec {
  readonly name: string
  readonly value?: Field
  /** The option may stand without a value. */
  readonly bare?: true
  /** What a bare option is written as, where the agent would take the next word for its value. */
  readonly bareMeans?: string
  readonly since?: Since
}

/** One argument. */
export interface ArgumentSpec {
  readonly field: Field
  readonly optional?: true
  /** One or more of them, to the end of the line. */
  readonly repeated?: true
}

/** What an inquiry's answer has to be made of. `nothing`: only END or CAN may come. */
export type AnswerGrammar = "opaque" | "ciphertext" | "keyparam" | "nothing"

/** An inquiry that the agent may make while a command runs. */
export interface InquirySpec {
  readonly keyword: string
  readonly grammar: AnswerGrammar
  /** Bytes, after decoding, where the agent does not say `INQUIRE_MAXLEN` itself. */
  readonly limit: number
  readonly secret?: true
  /** Only with pinentry-mode loopback. */
  readonly loopback?: true
  readonly since?: Since
}

/**
 * What becomes of a command. `gate`: answered by the gate. `hold`: kept as state of the session and sent together with
 * the command that uses it. `agent`: sent. `never`: refused whatever the policy says.
 */
export type Fate = "gate" | "hold" | "agent" | "never"

/** One command that gpg-agent knows. */
export interface CommandSpec {
  readonly name: string
  readonly fate: Fate
  readonly options: ReadonlyArray<OptionSpec>
  readonly args: ReadonlyArray<ArgumentSpec>
  /** What it amounts to; empty for what a session needs to speak at all. All of them need a verdict. */
  readonly operations: (command: Command) => ReadonlyArray<Operation>
  /** Every operation that it can amount to, for documents. */
  readonly mayBe: ReadonlyArray<Operation>
  readonly inquiries: ReadonlyArray<InquirySpec>
  /** Keywords of the status lines it may send; `"*"` for a program behind the agent that has its own. */
  readonly status: ReadonlyArray<string> | "*"
  /** Whether the text behind OK, or the data, is a secret. */
  readonly secretOk?: true
  readonly secretData?: true
  /** Whether keygrips among its arguments only ask about keys (a hidden one is left out) or use them. */
  readonly keys: "none" | "ask" | "use" | "session"
  /** Whether it changes what the agent or a card stores, so that its record comes first. */
  readonly changes?: true
  /** What the words cannot say: options and arguments that go together. A reason, where they do not. */
  readonly check?: (command: Command) => string | undefined
  readonly since?: Since
  /** One sentence for documents. */
  readonly note: string
}

/** A parsed command: the description and the values, in the description's order. */
export interface Command {
  readonly spec: CommandSpec
  /** By option name, `--force`; `""` for a flag. */
  readonly options: ReadonlyMap<string, Value>
  readonly args: ReadonlyArray<Value>
  /** The command inside `SCD`. */
  readonly inner?: Command
}

/** Whether a line carries a secret among its arguments, so that its bytes have to be wiped. */
export const carriesSecret = ({ spec }: Command): boolean => spec.args.some(({ field }) => field.secret === true)

/** Every inquiry that may come while a command runs: with SCD those of the inner command too. */
export const inquiriesOf = ({ inner, spec }: Command): ReadonlyArray<InquirySpec> =>
  inner === undefined ? spec.inquiries : [...spec.inquiries, ...inner.spec.inquiries]

/** Whether a command, or the one inside it, changes what is stored. */
export const changes = ({ inner, spec }: Command): boolean => spec.changes === true || inner?.spec.changes === true

/** Whether a command carries an option. */
export const has = (command: Command, option: string): boolean => command.options.has(option)
