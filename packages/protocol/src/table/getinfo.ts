// The words of GETINFO.
import type { Command, Since } from "../grammar/command.ts"
import type { Operation } from "../operation.ts"

/** One word of GETINFO. */
export interface GetinfoSpec {
  readonly word: string
  /** Words that must follow. */
  readonly more: number
  readonly is: Operation
  readonly note: string
  readonly since?: Since
}

const info = (word: string, is: Operation, note: string, more = 0, since?: Since): GetinfoSpec =>
  since === undefined ? { word, more, is, note } : { word, more, is, note, since }

/** Every word that GnuPG knows, from 2.2 to 2.5. */
export const getinfoWords: ReadonlyArray<GetinfoSpec> = [
  info("version", "list", "the agent's version; answered by the gate from what the agent said"),
  info("pid", "list", "the agent's process id; the agent's own check of its socket needs it"),
  info("s2k_count", "list", "the iterations that gpg is to use for a passphrase"),
  info("cmd_has_option", "list", "whether a command has an option; remembered by the gate for each version", 2),
  info("restricted", "list", "whether the connection is restricted"),
  info("ephemeral", "admin", "whether keys are kept in memory only", 0, "2.4.4"),
  info("socket_name", "admin", "the agent's socket"),
  info("ssh_socket_name", "admin", "the agent's socket for ssh"),
  info("scd_running", "admin", "whether the smart card daemon runs"),
  info("s2k_time", "admin", "the time that the iterations take"),
  info("s2k_count_cal", "admin", "the calibrated iterations"),
  info("std_env_names", "admin", "the names of the environment that a pinentry gets"),
  info("std_session_env", "admin", "the environment that a pinentry gets"),
  info("std_startup_env", "admin", "the environment that the agent was started with"),
  info("getenv", "admin", "a variable of the agent's own environment", 1),
  info("connections", "admin", "the number of connections"),
  info("jent_active", "admin", "a fact about the random number generator")
]

const byWord: ReadonlyMap<string, GetinfoSpec> = new Map(getinfoWords.map((spec) => [spec.word, spec]))

/** The operations of a parsed GETINFO; none where word and number of words do not fit. */
export const getinfoIs = (parsed: Command): ReadonlyArray<Operation> => {
  const spec = byWord.get(String(parsed.args[0]))
  return spec !== undefined && parsed.args.length === spec.more + 1 ? [spec.is] : []
}
