// Names of sockets, and whether anybody listens: what moving an agent's sockets takes of the file system. A name is replaced in
// one step, for two reasons: no client finds nobody, and gpg-agent ends when its name is removed, but not when it is replaced
// (seen with GnuPG 2.2.40, which watches the folder).
import { codeOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname, join } from "node:path"

/** Whether somebody listens at the path; somebody who takes no more connections at the moment does. */
export const listensNow = (path: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return resume(Effect.succeed(false))
    const socket = net.connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", (error) => resume(Effect.succeed(!["ECONNREFUSED", "ENOENT"].includes(codeOf(error) ?? ""))))
  })

/** Whether two paths are names of one file. */
export const isSameFile = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((path) => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/** Whether there is anything but a socket at the path. */
export const isOtherFile = (path: string): boolean =>
  fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false

/** Gives the file at `from` a second name, in place of whatever has it. Throws what the system says. */
export const linkOver = (from: string, to: string): void => {
  const temporary = join(dirname(to), `.gripgate.${process.pid}`)
  fs.rmSync(temporary, { force: true })
  fs.linkSync(from, temporary)
  fs.renameSync(temporary, to)
}

/** Removes a name, if it is there. */
export const removeName = (path: string): void => fs.rmSync(path, { force: true })
