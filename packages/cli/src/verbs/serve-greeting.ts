// What `gripgate serve` says at its start: what it serves to whom by which policy, and how to point gpg at it.
import type { Policy } from "@gripgate/policy/policy"
import type { Gate } from "@gripgate/proxy/gate"
import { LogService } from "@gripgate/proxy/log"
import type { GateSettings } from "@gripgate/proxy/settings"
import { shellWord } from "@gripgate/proxy/shell-word"
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import { setImmediate } from "node:timers/promises"
import { printError } from "../output.ts"
import { standardPaths } from "./policy-source.ts"

export interface Greeting {
  readonly settings: GateSettings
  readonly gate: Gate
  /** Whether somebody chose the policy. */
  readonly chosen: boolean
  /** Where a policy would be found at the next start. */
  readonly policyFile: string
}

/** Tells the log, and a person who has started the gate at a terminal how to use it. */
export const greet = Effect.fnUntraced(function*(
  { chosen, gate, policyFile, settings }: Greeting
): Effect.fn.Return<void, never, LogService> {
  const log = yield* LogService
  for (const { app, fd, origin, path } of settings.listen) {
    const whose = app === undefined ? "" : ` for the app ${app}`
    const restricted = origin === undefined ? "" : `, for restricted clients (${origin})`
    log.write(
      5,
      `listening at ${path}${whose}${restricted}${fd === undefined ? "" : ", a socket that was handed over"}`
    )
  }
  log.write(5, `serving the agent at ${gate.upstream}`)
  if (settings.behind !== undefined) log.write(5, "every program that looks for the agent there goes through the gate")
  log.write(5, `policy: ${summary(gate.policy)}`)
  if (!chosen) {
    log.write(5, `there is no policy at ${policyFile}, so everything is allowed`)
    log.write(5, "to restrict, write one there and start again; three lines to begin with:")
    for (const line of ["[operations]", "export = \"forbid\"", "delete = \"forbid\""]) log.write(5, `    ${line}`)
  }
  // In a journal nobody copies shell lines.
  if (settings.listen.length === 0 || settings.behind !== undefined || process.env["JOURNAL_STREAM"] !== undefined) {
    return
  }
  // The log writes at the end of a turn.
  yield* Effect.promise(() => setImmediate())
  yield* printError(`\n${howTo(gate, settings)}`)
})

const summary = ({ anyone, apps, default: byDefault, file, operations }: Policy): string => {
  const many = (number: number, noun: string) => number === 1 ? `one ${noun}` : `${number} ${noun}s`
  const parts = [
    ...operations.size === 0 ? [] : [many(operations.size, "shared entry").replace("entrys", "entries")],
    ...apps.size === 0 ? [] : [many(apps.size, "app")],
    ...anyone === undefined ? [] : ["[anyone]"]
  ]
  return [`default = "${byDefault.verdict}"`, ...parts].join(", ")
    + (file === undefined ? ", built in" : `, from ${file}`)
}

/** Commands for a shell: for whoever is no app, and for the first app that has a socket of its own. */
const howTo = ({ policy }: Gate, { homedir, listen, policy: source }: GateSettings): string => {
  const paths = standardPaths()
  const file = source.kind === "file" ? resolve(source.file) : paths.policyFile
  const common = [
    ...file === paths.policyFile ? [] : ["--policy", file],
    ...homedir === undefined || homedir === policy.gate.homedir ? [] : ["--homedir", resolve(homedir)]
  ]
  // a verb finds by itself what stands in the policy
  const [named = paths.listenSocket] = policy.gate.sockets ?? []
  const flags = (path: string, found: string) =>
    [...common, ...path === found ? [] : ["--socket", resolve(path)]].map((word) => ` ${shellWord(word)}`).join("")
  const open = listen.find(({ app }) => app === undefined)
  const own = listen.find(({ app }) => app !== undefined)
  const socket = policy.apps.get(own?.app ?? "")?.socket
  return [
    ...open === undefined ? [] : [
      "To point the gpg of a shell at it:",
      "",
      `  eval "$(gripgate env anyone${flags(open.path, paths.openSocket(named))})"`,
      "  gpg --clearsign FILE",
      ""
    ],
    ...own?.app === undefined ? [] : [
      `To run a command that is the app ${own.app}, in a sandbox:`,
      "",
      `  gripgate run ${own.app}${
        flags(own.path, socket === undefined ? "" : paths.appSocket(socket.name))
      } -- COMMAND`,
      ""
    ]
  ].join("\n")
}
