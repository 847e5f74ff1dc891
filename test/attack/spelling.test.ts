// Each forbidden operation in each spelling: none of its commands reaches the agent, each line gets exactly one reply in its
// turn, and the connection lives on after a refusal and is closed after a violation.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { setImmediate as turn } from "node:timers/promises"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { type Around, type Expected, type Spelling, spellings } from "../support/spellings.ts"
import { assertClosed, assertTalk, DIGEST, ERR, outcomes } from "../support/wire.ts"

const { encryption, primary } = grips.plain

interface Forbidden {
  readonly operation: string
  /** Lines that are answered OK and choose what the others use. */
  readonly before?: ReadonlyArray<string>
  readonly lines: ReadonlyArray<string>
  /** What the agent must not be sent. */
  readonly never: RegExp
}

const forbidden: ReadonlyArray<Forbidden> = [
  {
    operation: "export",
    lines: ["KEYWRAP_KEY --export", `EXPORT_KEY --openpgp ${primary}`],
    never: /^(KEYWRAP|EXPORT)/
  },
  { operation: "import", lines: ["KEYWRAP_KEY --import", "IMPORT_KEY --unattended"], never: /^(KEYWRAP|IMPORT)/ },
  {
    operation: "delete",
    lines: [`DELETE_KEY --force ${primary}`, "IMPORT_KEY --force"],
    never: /^(DELETE|IMPORT_KEY .*--force)/
  },
  { operation: "passwd", lines: [`PASSWD --preset ${primary}`], never: /^PASSWD/ },
  { operation: "generate", lines: ["GENKEY --no-protection", `PASSWD --verify ${primary}`], never: /^(GENKEY|PASSWD)/ },
  {
    operation: "cache",
    lines: [
      `PRESET_PASSPHRASE ${primary} -1 616263`,
      `CLEAR_PASSPHRASE --mode=normal ${primary}`,
      "GET_PASSPHRASE --no-ask S1 X X D"
    ],
    never: /^(PRESET|CLEAR|GET)_PASSPHRASE/
  },
  {
    operation: "store",
    lines: ["GETVAL a", "PUTVAL a b", "GET_SECRET a", "PUT_SECRET --clear a", `KEYATTR ${primary} Label:`],
    never: /^(GETVAL|PUTVAL|GET_SECRET|PUT_SECRET|KEYATTR)/
  },
  {
    operation: "trust",
    lines: ["LISTTRUSTED --status", `MARKTRUSTED ${primary} S CN=x`],
    never: /^(LIST|MARK)TRUSTED/
  },
  {
    operation: "admin",
    lines: [
      "KILLAGENT",
      "RELOADAGENT",
      "UPDATESTARTUPTTY",
      "GETEVENTCOUNTER",
      "GETINFO getenv HOME",
      "OPTION pretend-request-origin=remote",
      "OPTION ephemeral=1"
    ],
    never: /^(KILL|RELOAD|UPDATE|GETEVENT|GETINFO getenv|OPTION (pretend|ephemeral))/
  },
  {
    operation: "card",
    lines: [
      "SCD SERIALNO",
      "SCD PKSIGN OPENPGP.1",
      "LEARN --send",
      "READKEY --card OPENPGP.1",
      `KEYTOCARD ${primary} D27 OPENPGP.1`
    ],
    never: /^(SCD|LEARN|READKEY|KEYTOCARD)/
  },
  {
    operation: "sign",
    before: [`SIGKEY ${primary}`, `SETHASH 8 ${DIGEST}`],
    lines: ["PKSIGN", "SCD PKSIGN X"],
    never: /^(SCD )?PKSIGN/
  },
  {
    operation: "decrypt",
    before: [`SETKEY ${encryption}`],
    lines: ["PKDECRYPT", "SCD PKDECRYPT X"],
    never: /^(SCD )?PKDECRYPT/
  },
  {
    operation: "passphrase",
    lines: ["GET_PASSPHRASE --data S1 X X D", "GET_CONFIRMATION Yes?"],
    never: /^GET_(PASSPHRASE|CONFIRMATION)/
  },
  {
    operation: "loopback",
    lines: ["OPTION pinentry-mode=loopback", "GENKEY --inq-passwd", "PRESET_PASSPHRASE --inquire X -1"],
    never: /^(OPTION pinentry-mode|GENKEY .*--inq|PRESET)/
  }
]

/** Commands that ask, and are not the forbidden ones. */
const aroundFor = (operation: string, allowed: boolean): Around => ({
  asking: { lines: operation === "decrypt" ? ["GENKEY"] : [`SETKEY ${encryption}`, "PKDECRYPT"], allowed },
  opaque: { line: operation === "import" ? "PRESET_PASSPHRASE --inquire X1 -1" : "IMPORT_KEY", allowed }
})

/** A card command that no entry of the policy names is refused with the number at which gpg says nothing. */
const matches = (seen: string, expected: Expected, probe: boolean): boolean => {
  if (expected === "refused") return seen === ERR.FORBIDDEN || probe && seen === ERR.NO_SCDAEMON
  if (expected === "error") return seen.startsWith("ERR ")
  return expected === "INQUIRE" ? seen.startsWith("INQUIRE ") : seen === expected
}

for (const { before = [], lines, never, operation } of forbidden) {
  const policies = [
    { policy: `default = "allow"\n[operations]\n${operation} = "forbid"\n`, around: aroundFor(operation, true) },
    { policy: "forbid", around: aroundFor(operation, false) }
  ] as const

  describe(`${operation} is forbidden`, () => {
    const worlds: Array<{ readonly agent: FakeAgent; readonly gate: TestGate; readonly around: Around }> = []
    beforeAll(async () => {
      for (const { around, policy } of policies) {
        const agent = await startBusyAgent()
        worlds.push({ agent, around, gate: await startTestGate({ agent: agent.socket, policy }) })
      }
    })
    afterAll(async () => {
      for (const { agent, gate } of worlds) {
        await gate.close()
        await agent.close()
      }
    })

    const attempt = async (world: typeof worlds[number], line: string, { chunk, spell }: Spelling) => {
      const { around, gate } = world
      await using client = await gate.client()
      await assertTalk(client, ...before.map((line) => [line, "OK"] as const))
      const { bytes, closes, replies } = spell(line, around)
      const size = chunk ?? bytes.length
      for (let at = 0; at < bytes.length; at += size) {
        if (at > 0) await turn()
        client.send(bytes.slice(at, at + size))
      }
      const seen = await outcomes(client, replies.length)
      const probe = !around.asking.allowed && /^(SCD|LEARN|READKEY --card|KEYTOCARD) /.test(line)
      const right = replies.every((expected, index) => matches(seen[index]!, expected, probe))
      assert.isTrue(right, `${JSON.stringify(bytes)}: expected ${replies.join(", ")}, got ${seen.join(", ")}`)
      if (closes !== true) {
        await assertTalk(client, ["GETINFO pid", "OK"])
        client.end()
      }
      await assertClosed(client)
    }

    for (const spelling of spellings) {
      it(spelling.name, async () => {
        for (const world of worlds) {
          for (const line of lines) await attempt(world, line, spelling)
          assert.deepStrictEqual(world.agent.commands().filter((command) => never.test(command)), [])
          assertCanonical(world.agent)
        }
      })
    }
  })
}
