// Where the owner is: the environment of the gate itself, as the option lines that an agent is sent in place of a
// client's. The variables are those that a pinentry gets (GnuPG common/session-env.c).
import { writeOption } from "@gripgate/protocol/request"

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

/** A value that fits in a line. */
const isPlain = (value: string | undefined): value is string =>
  value !== undefined && value !== "" && value.length <= 900 && !/[\0\r\n]/.test(value)

/** The option lines of an environment, by option and variable. */
export const ownersEnvironment = (env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, Buffer> => {
  const lines = new Map<string, Buffer>()
  for (const [option, names] of options) {
    const value = names.map((name) => env[name]).find(isPlain)
    if (value !== undefined) lines.set(option, writeOption(option, Buffer.from(value)))
  }
  for (const name of variables) {
    const value = env[name]
    if (isPlain(value)) lines.set(`putenv ${name}`, writeOption("putenv", Buffer.from(`${name}=${value}`)))
  }
  return lines
}
