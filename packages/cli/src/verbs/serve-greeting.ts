// What `gripgate serve` says at its start: what it serves to whom by which policy, and how to point gpg at it.
import type { Policy } from "@gripgate/policy/policy"
import type { Gate } from "@gripgate/proxy/gate"
import { LogService } from "@gripgate/proxy/log"
import type { GateSettings } from "@gripgate/proxy/settings"
import { shellWord } from "@gripgate/proxy/shell-word"
import * as Effect from "effect/Effect"
import { setImmediate } from "node:timers/promises"
import { printError } from "../output.ts"

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
  for (const { app, door, fd, origin, path } of settings.listen) {
    const whose = app !== undefined ? ` for the app ${app}` : door === undefined ? "" : doors[door]
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
  const [open] = settings.listen.filter(({ door }) => door === undefined).toSorted((a, b) =>
    Number(a.app !== undefined) - Number(b.app !== undefined)
  )
  // In a journal nobody copies shell lines.
  if (open === undefined || settings.behind !== undefined || process.env["JOURNAL_STREAM"] !== undefined) return
  // The log writes at the end of a turn.
  yield* Effect.promise(() => setImmediate())
  yield* printError(howTo(open.path))
})

const doors = { connect: " for gripgate connect", qubes: " for qrexec" } as const

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

const howTo = (socket: string): string => `
To point gpg at it, make a homedir that leads there, and give it your public keys:

  mkdir -m 700 ~/.gnupg-gate && echo no-autostart > ~/.gnupg-gate/gpg.conf
  printf '%%Assuan%%\\nsocket=%s\\n' ${shellWord(socket)} \\
    > "$(gpgconf --homedir ~/.gnupg-gate --list-dirs agent-socket)"

  gpg --export | gpg --homedir ~/.gnupg-gate --import
  gpg --homedir ~/.gnupg-gate --clearsign FILE
`
