// A gate's grants, on a disk that may fail: two keys are answered with always, then the first is taken back, and once more
// where that could not be written. What is told goes to standard output, as `run-program.ts` reads it: `+WHAT` for what went
// well, `-WHAT MESSAGE`, and `*LINE` for each line of the log; in the end `+in force KEYS`. Argument: the folder.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import * as Effect from "effect/Effect"
import { writeSync } from "node:fs"
import { controlVerbs } from "../../src/control/verbs.ts"
import { A, alwaysFor, B, inForce, noTokens, openIn } from "./place.ts"

const tell = (line: string) => writeSync(1, `${line}\n`)
const peer: ClientFacts = { socket: "/run/control", chain: [], uid: 1000 }

const program = Effect.gen(function*() {
  const { grants, lines, log } = yield* openIn(process.argv[2]!)
  yield* Effect.addFinalizer(() => Effect.sync(() => lines.forEach(([, line]) => tell(`*${line}`))))
  // nothing else is looked at to revoke
  const verbs = controlVerbs({ grants, tokens: noTokens, log } as Parameters<typeof controlVerbs>[0])
  yield* Effect.match(grants.give([A, B].map(alwaysFor), undefined), {
    onSuccess: () => tell("+given"),
    onFailure: (message) => tell(`-given ${message}`)
  })
  const first = grants.all()[0]
  for (const what of first === undefined ? [] : ["revoked", "revoked again"]) {
    yield* Effect.match(verbs.revoke({ verb: "revoke", what: { id: first!.id } }, peer), {
      onSuccess: () => tell(`+${what}`),
      onFailure: ({ error }) => tell(`-${what} ${error}`)
    })
  }
  tell(`+in force ${inForce(grants)}`)
})

await Effect.runPromise(Effect.match(Effect.scoped(program), {
  onSuccess: () => {},
  onFailure: ({ message }) => tell(`!${message}`)
}))
