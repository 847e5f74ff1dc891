// Whatever becomes of a use of a key, the gate asks the agent for it once: no second signature that nobody wanted, and no second
// dialog for somebody who has just said no. Stock gpg, and the transcript of what went to the agent.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Harness, startHarness } from "@gripgate/testkit/harness"
import type { AgentFault } from "@gripgate/testkit/harness/agent-faults"
import { fixtureKeys } from "@gripgate/testkit/keys"
import type { PinentryAnswer } from "@gripgate/testkit/pinentry"

const text = "a text\n"
let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ keys: ["alice", "bob"], agentConf: ["ignore-cache-for-signing"], agentFaults: {} })
})
afterAll(() => harness.close())

const signs = (who: keyof typeof fixtureKeys) =>
  harness.run(["gpg", "--batch", "-u", fixtureKeys[who].fingerprint, "--clearsign"], { input: text })
/** How often the agent was asked for a signature, and how often a person for a passphrase. */
const asked = async () => [
  harness.transcript.commands("agent").filter((line) => line === "PKSIGN").length,
  await harness.prompts()
]

const faults: Readonly<Record<string, AgentFault>> = {
  "an error": { error: 67108949 },
  "an error that is none": "errZero",
  "the end of the connection": "close",
  "the end of the connection in the midst of the answer": { dieAfter: 10, lines: ["D (7:sig-val)", "OK"] },
  "what is no protocol": "nonsense",
  "too long a line": { longLine: 2_000 },
  "a question that nobody expects": { inquire: "NEW_PASSPHRASE", fault: { lines: ["OK"] } }
}

const answers: Readonly<
  Record<string, readonly [script: ReadonlyArray<PinentryAnswer>, prompts: number, words: string]>
> = {
  "cancels at once": [["cancel"], 1, "Operation cancelled"],
  "cancels at the second prompt": [[{ pin: "not it" }, "cancel"], 2, "Operation cancelled"],
  "closes the window": [["close"], 1, "Operation fully cancelled"],
  "is wrong three times": [[{ pin: "not it" }], 3, "Bad passphrase"],
  "has a pinentry that dies": [["crash"], 1, "End of file"]
}

describe("a signature is asked for once", () => {
  for (const [what, fault] of Object.entries(faults)) {
    it(`where the agent answers with ${what}`, async () => {
      await harness.setAgentFaults({ commands: { PKSIGN: fault } })
      const [before] = await asked()
      const { code, stderr } = await signs("plain")
      assert.strictEqual(code, 2, stderr)
      assert.strictEqual((await asked())[0], before! + 1, harness.transcript.text())
    })
  }

  for (const [what, [script, prompts, words]] of Object.entries(answers)) {
    it(`where the person at the pinentry ${what}`, async () => {
      await harness.setAgentFaults({})
      await harness.setPinentry(script)
      const [uses, questions] = await asked()
      const { stderr } = await signs("protected")
      assert.include(stderr, `signing failed: ${words}`)
      assert.deepStrictEqual(await asked(), [uses! + 1, questions! + prompts], harness.transcript.text())
    })
  }

  it("and once where it comes about", async () => {
    await harness.setAgentFaults({})
    const [before] = await asked()
    assert.strictEqual((await signs("plain")).code, 0)
    assert.strictEqual((await asked())[0], before! + 1)
  })
})
