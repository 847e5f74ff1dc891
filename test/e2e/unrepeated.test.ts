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
      const transcript = harness.transcript.since()
      const { code, stderr } = await signs("plain")
      assert.strictEqual(code, 2, stderr)
      transcript.assertTimes(/^agent \d+ > PKSIGN$/, 1)
    })
  }

  for (const [what, [script, prompts, words]] of Object.entries(answers)) {
    it(`where the person at the pinentry ${what}`, async () => {
      await harness.setAgentFaults({})
      await harness.setPinentry(script)
      const transcript = harness.transcript.since()
      const { stderr } = await signs("protected")
      assert.include(stderr, `signing failed: ${words}`)
      transcript.assertTimes(/^agent \d+ > PKSIGN$/, 1)
      transcript.assertTimes(/^pinentry \d+ > GETPIN$/, prompts)
    })
  }

  it("and once where it comes about", async () => {
    await harness.setAgentFaults({})
    const transcript = harness.transcript.since()
    assert.strictEqual((await signs("plain")).code, 0)
    transcript.assertTimes(/^agent \d+ > PKSIGN$/, 1)
  })
})
