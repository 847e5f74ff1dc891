// The sixteen combinations of `loopback` and of the use that it serves, with each kind of token: what is released is what the design
// says of it, and whose passphrase gets to the agent.
import { assert, describe, it } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { appPolicy, environmentOption, loopback, sign } from "../support/tokens.ts"
import { ERR } from "../support/wire.ts"

const verdicts = ["allow", "ask", "token", "forbid"] as const
type Verdict = typeof verdicts[number]

const grip = fixtureKeys.protected.keygrips.primary
const PASSPHRASE = Buffer.from("a passphrase of the owner")

interface Case {
  readonly name: string
  readonly wish: Partial<Parameters<TestGate["grant"]>[0]>
  /** The agent has the key unlocked. */
  readonly unlocked?: true
  /** Whether the client asks for loopback mode. */
  readonly inLoopback: boolean
  /** What comes of a signature whose client answers every inquiry with the right passphrase. Nobody can be asked. */
  readonly expected: (use: Verdict, loopback: Verdict) => string
  /** Who gives the agent the passphrase of what is released. */
  readonly from: "nobody" | "gate" | "client"
}

const whereAllowed = (isAllowed: boolean): string => isAllowed ? "OK" : ERR.FORBIDDEN

const cases: ReadonlyArray<Case> = [
  {
    name: "a seal, in loopback mode: it stands for both, and for any yes",
    wish: { operations: ["sign"] },
    inLoopback: true,
    expected: (_, loopback) => whereAllowed(loopback !== "forbid"),
    from: "gate"
  },
  {
    name: "a seal, without loopback on the client's side: what the policy says of that does not matter",
    wish: { operations: ["sign"] },
    inLoopback: false,
    expected: () => "OK",
    from: "gate"
  },
  {
    name: "no seal and a key that is unlocked: it stands for the use, and for loopback where that needs a token",
    wish: { operations: ["sign"], seal: false },
    unlocked: true,
    inLoopback: true,
    expected: (_, loopback) => whereAllowed(loopback === "allow" || loopback === "token"),
    from: "nobody"
  },
  {
    name: "no seal and a key that is locked: the client's passphrase goes through only where loopback is allowed",
    wish: { operations: ["sign"], seal: false },
    inLoopback: true,
    // the agent is told to ask the owner, and this one has nobody to ask
    expected: (_, loopback) => loopback === "token" ? ERR.NO_PASSPHRASE : whereAllowed(loopback === "allow"),
    from: "client"
  },
  {
    name: "one for loopback alone: the client gives the passphrase, and the use needs its own verdict",
    wish: { operations: ["loopback"] },
    inLoopback: true,
    // where a token is wanted for the use, the passphrase is taken for one
    expected: (use) => use === "token" ? ERR.BAD_PASSPHRASE : whereAllowed(use === "allow"),
    from: "client"
  },
  {
    name: "one for loopback and for the use: the client gives the passphrase",
    wish: { operations: ["sign", "loopback"], seal: false },
    inLoopback: true,
    expected: () => "OK",
    from: "client"
  }
]

/** A grant that is refused is none. */
const grantable = ({ wish: { operations } }: Case, use: Verdict, loopback: Verdict): boolean =>
  !(operations!.includes("sign") && use === "forbid") && !(operations!.includes("loopback") && loopback === "forbid")

const signAs = (client: RawClient): Promise<string> => sign(client, grip, PASSPHRASE, PASSPHRASE)

for (const one of cases) {
  describe(`a token with ${one.name}`, () => {
    for (const use of verdicts) {
      for (const mode of verdicts) {
        it(`sign = "${use}", loopback = "${mode}"`, async () => {
          await using fake = await startProtectedAgent({ keys: [grip], passphrase: PASSPHRASE })
          const policy = `default = "forbid"\n${appPolicy("mail", { sign: use, loopback: mode })}\n`
          await using gate = await startTestGate({ agent: fake.socket, policy, apps: ["mail"] })
          const issued = gate.grant({ app: "mail", keys: [`grip:${grip}`], ...one.wish }, PASSPHRASE)
          if (!grantable(one, use, mode)) {
            assert.match(
              await issued.then(() => "granted", String),
              /the policy forbids (?:sign|loopback) with the key/
            )
            return
          }
          const { token } = await issued
          if (one.unlocked === true) fake.handle("PKSIGN", ["D signature", "OK"])
          const before = fake.connections.length
          await using client = await gate.client("mail")
          await client.command(environmentOption(token))
          if (one.inLoopback) {
            assert.strictEqual(await loopback(client), mode === "forbid" ? ERR.FORBIDDEN : "OK")
          }
          const expected = one.expected(use, mode)
          assert.strictEqual(await signAs(client), expected)

          const modes = fake.connections.slice(before).flatMap(({ commands }) => commands)
            .filter((line) => line.startsWith("OPTION pinentry-mode="))
          if (expected === ERR.NO_PASSPHRASE) assert.strictEqual(modes.at(-1), "OPTION pinentry-mode=ask")
          const answered = fake.connections.slice(before).flatMap(({ answers }) => answers).map(({ data }) => data)
          const given = expected === "OK" && one.from !== "nobody" ? [PASSPHRASE] : []
          assert.deepStrictEqual(answered.filter((data) => data !== undefined), given, "what the agent was given")
          const asked = client.received().toString("latin1").includes("INQUIRE PASSPHRASE")
          if (expected === "OK") assert.strictEqual(asked, one.from === "client", "whether the client was asked")
          else assert.notMatch(client.received().toString("latin1"), /^D /m)
        })
      }
    }
  })
}
