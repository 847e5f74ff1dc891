// Tells the owner on his desktop that something is asked, where no dialog could be shown. It never answers: what a notification's
// buttons do can be done by whoever is on the session bus, and on a locked screen.
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import type { Whereabouts } from "../owner/place.ts"
import { reasonOf } from "../reason.ts"
import type { Approver } from "./approver.ts"
import { processEnvironment } from "./process-environment.ts"
import type { Asked } from "./question.ts"

/** Milliseconds for the program: it hands the text over and ends. */
const TIMEOUT = 5_000

/** All that it says. The arguments of a program can be read by every user of the machine, so nothing of the question is among them. */
const SUMMARY = "gripgate asks"
const BODY = "Something waits for your answer. gripgate asks shows what, and how to answer."

/** The approver `notification`: it tells, and then there is nobody there. `program` is notify-send. */
export const notification = (owner: Whereabouts, program = "notify-send"): Approver => ({
  name: "notification",
  ask: () =>
    Effect.suspend(() => {
      const { variables } = owner.current
      if (variables["DBUS_SESSION_BUS_ADDRESS"] === undefined) {
        return Effect.succeed(unavailable("no session bus is known"))
      }
      return send(program, ["--app-name=gripgate", "--", SUMMARY, BODY], variables)
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
