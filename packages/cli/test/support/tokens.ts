// A hand-made gate that makes tokens: what it plans, and what it does with passphrases, is the test's.
import type { GrantedEntry, Planned } from "@gripgate/proxy/control/message/granted"
import { type ControlProblem, refused } from "@gripgate/proxy/control/problem"
import type { ControlVerbs, Waiting } from "@gripgate/proxy/control/server"
import { makeToken } from "@gripgate/proxy/grant/token"
import * as Effect from "effect/Effect"
import { grants } from "../screens/data.ts"

export const A = "A".repeat(40)
export const B = "B".repeat(40)

export const made: GrantedEntry = {
  ...grants.find(({ id }) => id === "PQ44")!,
  id: "AB23",
  usesLeft: null,
  limit: null
}

export const plan: Planned = {
  app: "mailpile",
  operations: ["sign", "decrypt"],
  keys: [
    { keygrip: A, keyId: "A".repeat(16), userId: "Alice <alice@example.org>", protection: "protected", sealed: true },
    { keygrip: B, keyId: null, userId: null, protection: "protected", sealed: true }
  ],
  notes: ["the key \u001b[2JA is on a card"]
}

/** Makes tokens where every passphrase of a key is the right one; `tokens` has those that were made, as text. */
export const tokenVerbs = (right: Readonly<Record<string, string>> = {}) => {
  const tokens: Array<string> = []
  const make = ({ passphrases }: Waiting): ReturnType<ControlVerbs["grant"]> =>
    Effect.suspend(() => {
      const wrong = [...passphrases].flatMap(([key, bytes]) => right[key] === bytes.toString() ? [] : [key])
      if (wrong.length > 0) {
        return Effect.fail<ControlProblem>({ ...refused("that is not the passphrase", "try again"), wrong })
      }
      const token = makeToken("AB23")
      tokens.push(token.toString())
      return Effect.succeed({ result: { grant: made }, token, lost: Effect.void })
    })
  const verbs: Partial<ControlVerbs> = {
    plan: () => Effect.succeed(plan),
    grant: (_, waiting) => make(waiting),
    rotate: (_, waiting) => make(waiting),
    renew: () => Effect.succeed({ grant: made }),
    revoke: ({ what }) => Effect.succeed({ revoked: "id" in what ? [what.id] : [], standing: [] })
  }
  return { tokens, verbs }
}
