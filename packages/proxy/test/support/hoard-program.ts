// Uses up all file descriptors, runs gpgconf, and says what came of it.
import * as Effect from "effect/Effect"
import { openSync } from "node:fs"
import { gpgconf } from "../../src/upstream/gpgconf.ts"

const hoard = (): string | undefined => {
  try {
    for (;;) openSync("/dev/null", "r")
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

// loaded before there is nothing left to load it with
await Effect.runPromise(Effect.result(gpgconf(["--version"])))
const code = hoard()
const { message } = await Effect.runPromise(Effect.flip(gpgconf(["--version"])))
process.send!({ code, message })
process.disconnect!()
