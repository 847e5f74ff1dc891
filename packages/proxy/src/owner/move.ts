// Where the owner says that he is now. A place is an environment for programs that run as the gate's user, so what could make
// one of them run something else, or show its dialogs to somebody else, is not taken over.
import { statSync } from "node:fs"
import { type Place, placeOf, placeVariables } from "./place.ts"

/** Values that are more than the name of a place. */
const shapes: ReadonlyMap<string, RegExp> = new Map([
  // `unixexec:` is a way to run a program (D-Bus specification, transports)
  ["DBUS_SESSION_BUS_ADDRESS", /^unix:(?:path|abstract)=[^;,]+(?:,guid=[0-9a-f]+)?$/],
  // `vnc` shows a dialog to the network
  ["QT_QPA_PLATFORM", /^(?:xcb|wayland|wayland-egl|offscreen)(?:;(?:xcb|wayland))?$/],
  ["GTK_IM_MODULE", /^[\w-]+$/],
  ["QT_IM_MODULE", /^[\w-]+$/]
])

/** The place of an environment, or why it is none; `uid` is the owner's, whose terminal it has to be. */
export const movedTo = (environment: Readonly<Record<string, string>>, uid: number | undefined): Place | string => {
  const taken: Record<string, string> = {}
  for (const name of placeVariables) {
    const value = environment[name]
    if (value !== undefined && (shapes.get(name)?.test(value) ?? true)) taken[name] = value
  }
  const tty = taken["GPG_TTY"]
  const problem = tty === undefined ? undefined : terminalProblem(tty, uid)
  return problem ?? placeOf(taken)
}

const terminalProblem = (path: string, uid: number | undefined): string | undefined => {
  try {
    const { isCharacterDevice, owner } = look(path)
    if (!isCharacterDevice) return `${JSON.stringify(path)} is no terminal`
    return owner === uid ? undefined : `${JSON.stringify(path)} is the terminal of another user`
  } catch {
    return `there is no terminal ${JSON.stringify(path)}`
  }
}

const look = (path: string) => {
  const stat = statSync(path)
  return { isCharacterDevice: stat.isCharacterDevice(), owner: stat.uid }
}
