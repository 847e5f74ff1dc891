// The OPTION command: names, values, and what becomes of each. OPTION has a grammar of its own (libassuan
// assuan-handler.c std_handler_option): `n=v`, `n v`, `n = v`, `--n=v`.
import type { Since } from "../grammar/command.ts"
import type { Operation } from "../operation.ts"

/**
 * What becomes of an option: `environment` steers where a prompt appears, so it needs `prompt` and is otherwise answered
 * OK and dropped; `mode` is pinentry-mode; `session` is held and brought to the agent; `agent` goes there at once.
 */
export type OptionFate = "environment" | "mode" | "session" | "agent"

/** One option name. */
export interface OptionNameSpec {
  readonly name: string
  readonly fate: OptionFate
  readonly is: ReadonlyArray<Operation>
  /** What the value must look like; absent where any bytes will do. */
  readonly value?: RegExp
  /** Whether the value may be missing or empty. */
  readonly empty: boolean
  readonly secret?: true
  readonly note: string
  readonly since?: Since
}

const anything = undefined
const digits = /^-?[0-9]{1,10}$/

const option = (
  name: string,
  fate: OptionFate,
  is: Operation | undefined,
  value: RegExp | undefined,
  empty: boolean,
  note: string,
  more: Pick<OptionNameSpec, "secret" | "since"> = {}
): OptionNameSpec => ({
  name,
  fate,
  is: is === undefined ? [] : [is],
  ...(value === undefined ? {} : { value }),
  empty,
  note,
  ...more
})

/** Every option name that GnuPG knows, from 2.2 to 2.5. */
export const optionNames: ReadonlyArray<OptionNameSpec> = [
  option("agent-awareness", "session", undefined, /^[0-9A-Za-z.-]{0,40}$/, true, "the agent version a client knows of"),
  option("allow-pinentry-notify", "session", undefined, anything, true, "asks for PINENTRY_LAUNCHED inquiries"),
  option("use-cache-for-signing", "session", undefined, digits, true, "whether a signature may use the cache"),
  option("cache-ttl-opt-preset", "session", undefined, digits, true, "seconds that --preset keeps a passphrase"),
  option("s2k-count", "session", undefined, /^[0-9]{1,8}$/, true, "iterations for new protection"),
  option("pinentry-mode", "mode", undefined, /^(?:ask|default|cancel|error|loopback)$/, false, "who is asked"),
  option("display", "environment", "prompt", anything, true, "the X display of a prompt"),
  option("ttyname", "environment", "prompt", anything, true, "the terminal of a prompt"),
  option("ttytype", "environment", "prompt", anything, true, "the type of that terminal"),
  option("xauthority", "environment", "prompt", anything, true, "the X authority file of a prompt"),
  option("lc-ctype", "environment", "prompt", anything, true, "the locale of a prompt"),
  option("lc-messages", "environment", "prompt", anything, true, "the language of a prompt"),
  option(
    "putenv",
    "environment",
    "prompt",
    /^[^\0\r\n=]+(?:=[^\0\r\n]*)?$/,
    false,
    "a variable for the prompt's environment"
  ),
  option("pinentry-user-data", "environment", "prompt", anything, true, "a word for the pinentry; may carry a token", {
    secret: true
  }),
  option(
    "pretend-request-origin",
    "agent",
    "admin",
    /^(?:local|remote|browser)$/,
    false,
    "restricts the connection; browser is sent as remote"
  ),
  option("ephemeral", "agent", "admin", /^[0-9]{0,9}$/, true, "keeps keys in memory only", { since: "2.4.4" })
]

const byName: ReadonlyMap<string, OptionNameSpec> = new Map(optionNames.map((spec) => [spec.name, spec]))

/** The description of an option name; case matters. */
export const optionName = (name: string): OptionNameSpec | undefined => byName.get(name)
