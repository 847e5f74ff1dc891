// The gate: whether one answers its owner, whether it is of this version and policy, and whether the sockets that it names are its own.
import type { Policy } from "@gripgate/policy/policy"
import type { ControlError } from "@gripgate/proxy/control/client"
import type { Status } from "@gripgate/proxy/control/message/status"
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { join } from "node:path"
import { command, type Finding, finding } from "./finding.ts"
import { type Answerer, whoAnswers } from "./look/answerer.ts"
import { look, readText } from "./look/files.ts"
import { type Scene, usablePolicy } from "./scene.ts"

/** Who holds a lock on a file, by the kernel's table (proc(5), /proc/locks): no lock is taken for it. */
export const holderOf = (
  table: string,
  { dev, ino }: { readonly dev: number; readonly ino: number }
): number | undefined => {
  // the device as the kernel writes it: major and minor number in hexadecimal (Linux fs/locks.c)
  const major = Math.floor(dev / 256) % 4096
  const minor = dev % 256 + Math.floor(dev / 2 ** 20) * 256
  const hex = (number: number) => number.toString(16).padStart(2, "0")
  const file = `${hex(major)}:${hex(minor)}:${ino}`
  for (const line of table.split("\n")) {
    const [, pid, its] = /^\d+: FLOCK +\S+ +WRITE +(\d+) (\S+) /.exec(line) ?? []
    if (its === file) return Number(pid)
  }
  return undefined
}

/** What to say where no gate gives its status. */
export const judgeSilence = (control: string, { message, reason }: ControlError, there: boolean): Finding => {
  const where = { where: control }
  switch (reason) {
    case "notPermitted":
    case "refused":
      return finding("gate.not-permitted", `a gate is here, and tells this user nothing: ${message}`, where)
    case "unreachable":
      return there
        ? finding(
          "gate.stale",
          "no gate runs; the socket was left by one that was killed, and the next one replaces it",
          {
            ...where,
            fix: "gripgate serve"
          }
        )
        : finding("gate.none", "no gate runs", { ...where, fix: "gripgate serve" })
    default:
      return finding("gate.silent", `what listens here gives no answer of a gate: ${message}`, where)
  }
}

/** What to say of a socket that the gate names. */
export const judgeSocket = (
  { app, path }: Pick<Status["listen"][number], "app" | "path">,
  answerer: Answerer,
  mode: number | undefined
): Finding => {
  const about = { where: path }
  const whose = app === null ? "" : ` of the app ${app}`
  switch (answerer.kind) {
    case "gate":
    case "denied":
    case "activated":
      return (mode ?? 0) & 0o002
        ? finding("gate.socket-open", `everybody on this machine may connect to the socket${whose}`, about)
        : finding("gate.socket", `the gate answers at its socket${whose}`, about)
    case "nothing":
    case "stale":
      return finding(
        "gate.socket-missing",
        `the gate's socket${whose} is not there any more: start the gate again`,
        about
      )
    default: {
      const who = answerer.kind === "agent" ? "a gpg-agent" : "something else"
      const pid = "pid" in answerer ? answerer.pid : undefined
      const fix = pid === undefined ? undefined : command("kill", String(pid))
      return finding("gate.socket-taken", `${who} answers at the gate's socket${whose}`, { ...about, fix })
    }
  }
}

/** Apps to which the policy gives a socket at which the gate does not listen. */
export const notServed = (
  policy: Policy,
  listen: Status["listen"],
  socketOf: (name: string) => string
): ReadonlyArray<Finding> =>
  [...policy.apps.values()].flatMap(({ name, socket }) => {
    if (socket === undefined) return []
    const path = socketOf(socket.name)
    if (listen.some(({ app }) => app === name)) return []
    const message = `the policy gives the app ${name} a socket, and the gate does not listen there: start it again`
    return [finding("gate.not-served", message, { where: path })]
  })

const locked = (state: string): ReadonlyArray<Finding> => {
  const file = join(state, "lock")
  const [seen, table] = [look(file), readText("/proc/locks")]
  const holder = seen === undefined || "problem" in table ? undefined : holderOf(table.text, seen)
  if (holder === undefined) return []
  // 0 stands for a process that is not of this container
  const [by, fix] = holder > 0 ? [` (pid ${holder})`, command("kill", String(holder))] : ["", undefined]
  const message = `a gate${by} uses the state directory and answers at another control socket, or not at all`
  return [finding("gate.locked", message, { where: file, fix })]
}

const aboutPolicy = (scene: Scene, { file }: Status["policy"]): ReadonlyArray<Finding> => {
  const here = scene.policy?.file
  if (file === null ? here === undefined : here !== undefined && isSamePlace(file, here)) return []
  const its = file === null ? "a built-in policy" : `the policy ${file}`
  return [
    finding("gate.policy", `the gate goes by ${its}, and that is not the one examined here`, {
      where: here ?? scene.control
    })
  ]
}

export const gate = Effect.fnUntraced(function*(scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { control, order, status } = scene
  if (Result.isFailure(status)) {
    const silence = judgeSilence(control, status.failure, look(control) !== undefined)
    return [silence, ...silence.id === "gate.not-permitted" ? [] : locked(order.paths.stateDir)]
  }
  const { listen, pid, policy, sessions, version } = status.success
  const found = [
    finding("gate.answers", `gripgate ${version}, pid ${pid}, ${sessions.open} sessions open`, { where: control })
  ]
  if (version !== order.version) {
    const message = `the gate is gripgate ${version} and this command is ${order.version}: start the gate again`
    found.push(finding("gate.version", message, { where: control }))
  }
  found.push(...aboutPolicy(scene, policy))
  const sockets = yield* Effect.forEach(
    listen,
    (socket) =>
      Effect.map(whoAnswers(socket.path), (answerer) => judgeSocket(socket, answerer, look(socket.path)?.mode)),
    { concurrency: "unbounded" }
  )
  const usable = usablePolicy(scene)
  const isSame = policy.file !== null && scene.policy !== undefined && isSamePlace(policy.file, scene.policy.file)
  return [
    ...found,
    ...sockets,
    ...usable === undefined || !isSame ? [] : notServed(usable, listen, order.paths.appSocket)
  ]
})
