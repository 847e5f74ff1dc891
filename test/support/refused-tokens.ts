// Everything that may be wrong with what is presented in place of a token, and the words of the log for it.
import { makeToken } from "@gripgate/proxy/grant/token"
import { fixtureKeys } from "@gripgate/testkit/keys"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import type { TestGate } from "./gate.ts"
import { appPolicy, loopback, needsToken, sign } from "./tokens.ts"

export const { encryption, primary } = fixtureKeys.protected.keygrips
/** A key that the grants are not for. */
const another = fixtureKeys.rsa.keygrips.primary
export const allKeys: ReadonlyArray<string> = [primary, encryption, another]

export const PASSPHRASE: Buffer = Buffer.from("a sealed passphrase")
export const twoApps = `default = "forbid"\n${appPolicy("mail", needsToken)}\n${appPolicy("other", needsToken)}\n`

export type Verb = "sign" | "decrypt"
export const verbs: ReadonlyArray<Verb> = ["sign", "decrypt"]

const by = { through: "test" }
const keys = [primary, encryption]

/** A right token. */
export const granted = async (
  gate: TestGate,
  wish: Partial<Parameters<TestGate["grant"]>[0]> = {},
  bounds?: Parameters<TestGate["grant"]>[2]
) => gate.grant({ app: "mail", keys, operations: verbs, ...wish }, PASSPHRASE, bounds)

const useOnce = async (gate: TestGate, token: Buffer, app: string): Promise<void> => {
  await using client = await gate.client(app)
  await loopback(client)
  const done = await sign(client, primary, token)
  if (done !== "OK") throw new Error(`expected that the first use is permitted, got ${done}`)
}

const otherLetter = (letter: number): number => letter === 0x37 ? 0x38 : 0x37

export interface Wrong {
  readonly what: string
  /** Makes it, for an app that wants this use. */
  readonly make: (gate: TestGate, verb: Verb, app: string) => Promise<Buffer>
  readonly logged: RegExp
}

const fixed = (what: string, bytes: Buffer): Wrong => ({
  what,
  make: async () => bytes,
  logged: /what was given is no token/
})

export const wrongTokens: ReadonlyArray<Wrong> = [
  {
    what: "a wrong secret",
    make: async (gate, _, app) => makeToken((await granted(gate, { app })).grant.id),
    logged: /it is not the token of the grant/
  },
  {
    what: "a mistyped one",
    make: async (gate, _, app) => {
      const { token } = await granted(gate, { app })
      token[20] = otherLetter(token[20]!)
      return token
    },
    logged: /the token was mistyped: its check does not fit/
  },
  {
    what: "one of a grant that was revoked",
    make: async (gate, _, app) => {
      const { grant, token } = await granted(gate, { app })
      await Effect.runPromise(gate.inside.grants.tokens.revoke([grant], by))
      return token
    },
    logged: /was revoked/
  },
  {
    what: "one whose time is up",
    make: async (gate, _, app) => {
      const { grant, token } = await granted(gate, { app }, { time: 1 })
      while (gate.inside.grants.tokens.isLive(grant)) await sleep(5)
      return token
    },
    logged: /the time of the grant \S+ is up/
  },
  {
    what: "one that is used up",
    make: async (gate, _, app) => {
      const { token } = await granted(gate, { app }, { maxUses: 1 })
      await useOnce(gate, token, app)
      return token
    },
    logged: /is used up/
  },
  {
    what: "one over its limit",
    make: async (gate, _, app) => {
      const { token } = await granted(gate, { app }, { rate: { count: 1, per: 86_400_000 } })
      await useOnce(gate, token, app)
      return token
    },
    logged: /is over its limit/
  },
  {
    what: "one of another app",
    make: async (gate) => (await granted(gate, { app: "other" })).token,
    logged: /is for another app \(other\)/
  },
  {
    what: "one for another operation",
    make: async (gate, verb, app) =>
      (await granted(gate, { app, operations: verbs.filter((each) => each !== verb) })).token,
    logged: /the grant \S+ is not for (?:sign|decrypt)/
  },
  {
    what: "one for another key",
    make: async (gate, _, app) => (await granted(gate, { app, keys: [another] })).token,
    logged: /is for another key/
  },
  {
    what: "one of a grant that there is not",
    make: async (gate, _, app) => {
      const { grant } = await granted(gate, { app })
      return makeToken(`${grant.id.slice(0, -1)}${grant.id.endsWith("7") ? "8" : "7"}`)
    },
    logged: /there is no grant/
  },
  {
    what: "one that was replaced",
    make: async (gate, _, app) => {
      const { grant, token } = await granted(gate, { app })
      const { issuer } = gate.inside
      await Effect.runPromise(
        Effect.flatMap(
          issuer.planRotation(grant.id),
          (plan) =>
            issuer.rotate(grant.id, plan, 1, new Map(plan.keys.map(({ info }) => [info.keygrip, PASSPHRASE])), by)
        )
      )
      while (Date.now() <= grant.previous!.until) await sleep(5)
      return token
    },
    logged: /was replaced by another one/
  },
  fixed("the right passphrase", PASSPHRASE),
  fixed("a wrong passphrase", Buffer.from("another passphrase")),
  fixed("nothing", Buffer.alloc(0)),
  fixed("255 bytes", Buffer.alloc(255, "x")),
  fixed("more bytes than a passphrase has", Buffer.alloc(300, "x")),
  {
    what: "a token and more",
    make: async (gate, _, app) => Buffer.concat([(await granted(gate, { app })).token, Buffer.from("X")]),
    logged: /what was given is no token/
  }
]
