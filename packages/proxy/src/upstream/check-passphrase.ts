// Whether a passphrase is that of a key: the agent checks it without using the key and without keeping it (PASSWD --verify).
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { writeOption } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import type { AgentConnection, Listening } from "./agent.ts"
import { passphraseLines } from "./passphrase-lines.ts"

/** `unprotected`: the agent asked for nothing. */
export type Checked = "right" | "wrong" | "unprotected" | { readonly failed: string }

const LOOPBACK = writeOption("pinentry-mode", Buffer.from("loopback"))
const quiet: Listening = { status: [], live: () => {} }

/** Gpg-error code of a wrong passphrase. */
const BAD_PASSPHRASE = 11

/**
 * Checks it over a fresh connection, which is closed by whoever opened it. The passphrase stays as it is. It takes as long as the
 * agent needs to unprotect a key, about 100 ms.
 */
export function* checkPassphrase(
  connection: AgentConnection,
  keygrip: Keygrip,
  passphrase: Buffer
): Effect.fn.Return<Checked> {
  const lines = [LOOPBACK, Buffer.from(`PASSWD --verify ${keygrip}\n`)]
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
      const said = connection.collected.bytes.toString("latin1", answer.finalAt).trim()
      const code = Number(/^ERR (\d{1,10})/.exec(said)?.[1]) & 0xffff
      return code === BAD_PASSPHRASE ? "wrong" : { failed: `the agent says ${said}` }
    }
  }
}
