// Opens the ledger of a folder and appends records behind those that are in it: two, some at once, and one that waits for
// the head. What becomes of each is told on standard output at once: `+TEXT` for what is durable, `-TEXT MESSAGE` for what
// failed, with a `?` behind it where the record may be there all the same, and in the end `*LINE` for each line of the log.
// Arguments: the folder, how many go together, and after how many bytes it goes on in a new file, 0 for never.
import * as Effect from "effect/Effect"
import { writeSync } from "node:fs"
import { NAME, numbered, open, rotating, textsIn } from "./place.ts"

const [folder, together, bytes] = process.argv.slice(2)
const rotate = bytes === "0" ? undefined : rotating(Number(bytes), 100).rotate

const program = Effect.gen(function*() {
  const { ledger, lines } = yield* open(folder!, NAME, rotate)
  yield* Effect.addFinalizer(() => Effect.sync(() => lines.forEach(([, line]) => writeSync(1, `*${line}\n`))))
  let next = textsIn(folder!).length
  const append = (options?: { readonly head: boolean }) =>
    Effect.suspend(() => {
      const record = numbered(next++)
      return Effect.match(ledger.append(record, options), {
        onSuccess: () => writeSync(1, `+${record.text}\n`),
        onFailure: ({ message, unsure }) => writeSync(1, `-${record.text} ${message}${unsure === true ? "?" : ""}\n`)
      })
    })
  yield* append()
  yield* append()
  yield* Effect.all(Array.from({ length: Number(together) }, () => append()), { concurrency: "unbounded" })
  yield* append({ head: true })
})

await Effect.runPromise(Effect.match(Effect.scoped(program), {
  onSuccess: () => {},
  onFailure: ({ message }) => writeSync(1, `!${message}\n`)
}))
