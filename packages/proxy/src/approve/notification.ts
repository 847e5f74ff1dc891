// Tells the owner on his desktop that something is asked, where no dialog could be shown. It never answers: what a notification's
// buttons do can be done by whoever is on the session bus, and on a locked screen.
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import type { Whereabouts } from "../owner/place.ts"
import { reasonOf } from "../reason.ts"
import { tidy } from "../shown/lines.ts"
import { purposeOf } from "../shown/purpose.ts"
import { nameOf } from "../shown/subject.ts"
import type { Approver } from "./approver.ts"
import { processEnvironment } from "./process-environment.ts"
import type { Asked, Question } from "./question.ts"

/** Milliseconds for the program: it hands the text over and ends. */
const TIMEOUT = 5_000

/** The body of a notification is markup (Desktop Notifications Specification). */
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const bodyOf = ({ id, subject }: Question): string => {
  const { app, command, keys, operations } = subject
  const who = app === undefined ? "A program that is no app" : `The app ${nameOf(app)}`
  const key = keys[0]?.userId ?? keys[0]?.keyId
  const which = key === undefined ? "" : ` with ${tidy(key).slice(0, 80)}`
  return escaped(
    `${who} wants to ${purposeOf(command, operations)}${which}.\ngripgate approve ${id}, or gripgate deny ${id}`
  )
}

/** The approver `notification`: it tells, and then there is nobody there. `program` is notify-send. */
export const notification = (owner: Whereabouts, program = "notify-send"): Approver => ({
  name: "notification",
  ask: (question) =>
    Effect.suspend(() => {
      const { variables } = owner.current
      if (variables["DBUS_SESSION_BUS_ADDRESS"] === undefined) {
        return Effect.succeed(unavailable("no session bus is known"))
      }
      return send(program, ["--app-name=gripgate", "--", `gripgate asks ${question.id}`, bodyOf(question)], variables)
    })
})

const unavailable = (reason: string): Asked => ({ kind: "unavailable", reason })

const send = (
  program: string,
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>>
): Effect.Effect<Asked> =>
  Effect.callback<Asked>((resume) => {
    const child: ChildProcess = spawn(program, args, { env: processEnvironment(variables), stdio: "ignore" })
    child.once("error", (error) => resume(Effect.succeed(unavailable(`${program} cannot be run: ${reasonOf(error)}`))))
    child.once("exit", (code) =>
      resume(Effect.succeed(unavailable(code === 0 ? "it only tells" : `${program} failed with exit code ${code}`))))
    return Effect.sync(() =>
      child.kill("SIGKILL")
    )
  }).pipe(Effect.timeoutOrElse({
    duration: TIMEOUT,
    orElse: () => Effect.succeed(unavailable(`${program} did not end in time`))
  }))
