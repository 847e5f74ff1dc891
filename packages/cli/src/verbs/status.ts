// `gripgate status`: what a running gate says about itself.
import { askControl, type ControlError } from "@gripgate/proxy/control/client"
import type { Status } from "@gripgate/proxy/control/message"
import { reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure } from "../failure.ts"
import { print } from "../output.ts"
import { standardPaths } from "./policy-source.ts"

export interface StatusOptions {
  readonly json: boolean
  readonly control: string | undefined
}

/** Prints the state of the gate. Ends with 69 where no gate answers, and with 77 where this user may not ask. */
export const status = Effect.fnUntraced(function*(options: StatusOptions): Effect.fn.Return<void, Failure> {
  const path = options.control ?? standardPaths().controlSocket
  const found = yield* Effect.mapError(askControl(path, "status"), unanswered)
  yield* print(options.json ? JSON.stringify({ v: 1, ...found }, undefined, 2) : asText(found))
})

const unanswered = ({ hint, message, reason }: ControlError): Failure => {
  if (message.endsWith(reasonOf("EACCES"))) return failure(exitCode.notPermitted, message, hint)
  return failure(reason === "refused" ? exitCode.failed : exitCode.unavailable, message, hint)
}

const asText = ({ listen, pid, policy, refused, sessions, startedAt, upstream, version }: Status): string => {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["gate", `gripgate ${version}, pid ${pid}, since ${startedAt}`],
    ["agent", `${upstream.socket}${upstream.version === null ? "" : `, GnuPG ${upstream.version}`}`],
    ["policy", `default = "${policy.default}", ${policy.file ?? "built in"}, read ${policy.loadedAt}`],
    ...listen.map(({ app, path, sessions: open }): readonly [string, string] => {
      return ["listening", `${path}${app === null ? "" : ` for the app ${app}`}, ${open} open`]
    }),
    ["sessions", `${sessions.open} open, ${sessions.served} served`],
    ["refused", String(refused)]
  ]
  return rows.map(([name, value]) => `${name.padEnd(11)}${value}`).join("\n")
}
