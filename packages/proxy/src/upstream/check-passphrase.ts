// Whether a passphrase is that of a key: the agent checks it without using the key and without keeping it (PASSWD --verify).
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import type { AgentConnection, Listening } from "./agent.ts"
import { passphraseLines } from "./passphrase-lines.ts"
import { errorCodeOf, LOOPBACK_MODE } from "./said.ts"

/** `unprotected`: the agent asked for nothing. */
export type Checked = "right" | "wrong" | "unprotected" | { readonly failed: string }

const quiet: Listening = { status: [], live: () => {} }

/**
 * Checks it over a fresh connection, which is closed by whoever opened it. The passphrase stays as it is. It takes as long as the
 * agent needs to unprotect a key, about 100 ms.
 */
export function* checkPassphrase(
  connection: AgentConnection,
  keygrip: Keygrip,
  passphrase: Buffer
): Effect.fn.Return<Checked> {
  const lines = [LOOPBACK_MODE, Buffer.from(`PASSWD --verify ${keygrip}\n`)]
  let answer = yield* connection.exchange(lines, lines.length, quiet)
  let asked = false
  while (answer.kind === "inquire") {
    if (answer.keyword !== "PASSPHRASE" || asked) return { failed: `the agent asks ${answer.keyword}` }
    asked = true
    const copy = Buffer.allocUnsafeSlow(4096).subarray(0, passphrase.length)
    passphrase.copy(copy)
    const data = passphraseLines(copy)!
    answer = yield* Effect.ensuring(connection.answer(data), Effect.sync(() => data.fill(0)))
  }
  switch (answer.kind) {
    case "lost":
      return { failed: answer.reason }
    case "setter":
      return { failed: "the agent allows no loopback" }
    case "done": {
      if (answer.ok) return asked ? "right" : "unprotected"
      const said = connection.collected.bytes.subarray(answer.finalAt)
      return errorCodeOf(said) === (gpgError.BAD_PASSPHRASE.value & 0xffff)
        ? "wrong"
        : { failed: `the agent says ${said.toString("latin1").trim()}` }
    }
  }
}
