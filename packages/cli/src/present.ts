// Where the words of effect/cli go: help and version to stdout, a command line that is wrong to stderr.
import * as CliOutput from "effect/cli/CliOutput"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import type { Complaint } from "./failure.ts"
import { formatHelp } from "./help.ts"
import { print, printComplaint, printError } from "./output.ts"
import { complaintOf, usageLine, verbsOf } from "./usage.ts"

const presentWrong = (doc: HelpDoc, complaints: ReadonlyArray<Complaint>): Effect.Effect<void> =>
  Effect.andThen(
    Effect.sync(() => complaints.forEach(printComplaint)),
    printError(`usage: ${usageLine(doc)}\nsee \`${(doc.commandPath ?? ["gripgate"]).join(" ")} --help\``)
  )

/** Presents help, version and usage errors in gripgate's own way. */
export const presenter = CliOutput.layerPresenter({
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return event.reason === "Requested"
          ? print(formatHelp(event.helpDoc))
          : presentWrong(event.helpDoc, [{ message: `expected a verb: ${verbsOf(event.helpDoc).join(", ")}` }])
      case "InvalidInvocation":
        return presentWrong(event.helpDoc, event.errors.map((error) => complaintOf(error, event.helpDoc)))
      case "Version":
        return print(`${event.name} ${event.version}`)
    }
  }
})
