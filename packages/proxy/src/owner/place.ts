// Where the owner is: his display or terminal, as variables of an environment. At first that of the gate itself; `gripgate tty`
// says another. The agent is sent it in place of a client's, and the gate's own pinentry gets it. The variables are those that
// an agent hands to a pinentry (GnuPG common/session-env.c).
import { writeOption } from "@gripgate/protocol/request"

type Environment = Readonly<Record<string, string | undefined>>

/** One place. It never changes; the owner goes to another. */
export interface Place {
  /** What a pinentry gets, and nothing else: only variables that are set. */
  readonly variables: Readonly<Record<string, string>>
  /** Option lines for an agent, by option and variable. */
  readonly options: ReadonlyMap<string, Buffer>
  /** Whether dialogs have nowhere to go but a terminal. */
  readonly onTerminal: boolean
}

/** Options with a name of their own, and the variables that they stand for, the first that is set. */
const options: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["ttyname", ["GPG_TTY"]],
  ["ttytype", ["TERM"]],
  ["display", ["DISPLAY"]],
  ["xauthority", ["XAUTHORITY"]],
  ["lc-ctype", ["LC_ALL", "LC_CTYPE", "LANG"]],
  ["lc-messages", ["LC_ALL", "LC_MESSAGES", "LANG"]]
]

/** Variables that go by their own name. */
const variables = [
  "XMODIFIERS",
  "WAYLAND_DISPLAY",
  "XDG_SESSION_TYPE",
  "QT_QPA_PLATFORM",
  "GTK_IM_MODULE",
  "DBUS_SESSION_BUS_ADDRESS",
  "QT_IM_MODULE",
  "INSIDE_EMACS",
  "PINENTRY_USER_DATA",
  "PINENTRY_GEOM_HINT"
]

/** Every variable that an agent hands to a pinentry. */
export const pinentryVariables: ReadonlySet<string> = new Set([
  "GPG_TTY",
  "TERM",
  "DISPLAY",
  "XAUTHORITY",
  ...variables
])

/** Every variable that says where the owner is, and in which language. */
export const placeVariables: ReadonlyArray<string> = [
  ...pinentryVariables,
  "LC_ALL",
  "LC_CTYPE",
  "LC_MESSAGES",
  "LANG"
]

const NOTIFY = "allow-pinentry-notify"

/** A value that fits in a line. */
const isPlain = (value: string | undefined): value is string =>
  value !== undefined && value !== "" && value.length <= 900 && !/[\0\r\n]/.test(value)

/** A token for the gate is a secret of whoever presents it, and none of a place. */
const TOKEN_IN = "PINENTRY_USER_DATA"

/** The environment without a token for a gate, which is for no agent and no pinentry. */
export const withoutToken = (env: Environment): Environment =>
  env[TOKEN_IN]?.startsWith("gripgate:") === true ? { ...env, [TOKEN_IN]: undefined } : env

/** The place that an environment describes; a token, and what does not fit in a line of Assuan, is left out. */
export const placeOf = (environment: Environment): Place => {
  const env = withoutToken(environment)
  const lines = new Map<string, Buffer>()
  for (const [option, names] of options) {
    const value = names.map((name) => env[name]).find(isPlain)
    if (value !== undefined) lines.set(option, writeOption(option, Buffer.from(value)))
  }
  for (const name of variables) {
    const value = env[name]
    if (isPlain(value)) lines.set(`putenv ${name}`, writeOption("putenv", Buffer.from(`${name}=${value}`)))
  }
  const known = placeVariables.flatMap((name) => {
    const value = env[name]
    return isPlain(value) ? [[name, value] as const] : []
  })
  const taken = Object.fromEntries(known)
  const onTerminal = taken["GPG_TTY"] !== undefined && taken["DISPLAY"] === undefined
    && taken["WAYLAND_DISPLAY"] === undefined
  // the gate has to know of the agent's dialogs where its own could be in their way: see agent-dialogs.ts
  if (onTerminal) lines.set(NOTIFY, writeOption(NOTIFY, Buffer.alloc(0)))
  return { variables: taken, options: lines, onTerminal }
}

/** Where the owner is now. */
export interface Whereabouts {
  current: Place
}
