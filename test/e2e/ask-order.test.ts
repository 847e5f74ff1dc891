// What comes before what under `ask`, in one transcript of program, gate, agent and both pinentries: the agent hears of a use when
// the owner has said yes, and the program gets nothing before that.
import { assert, describe, it } from "@effect/vitest"
import { type Harness, startHarness } from "@gripgate/testkit/harness"

const policy = [
  "default = \"allow\"",
  "[operations]",
  "sign = \"ask\"",
  "[approve]",
  "approvers = [\"pinentry\"]",
  "timeout = \"2s\"",
  ""
].join("\n")
const sign = (harness: Harness) => harness.run(["gpg", "--batch", "--clearsign"], { input: "a text\n" })

describe("a signature under ask", () => {
  it("is asked for, then goes to the agent, which asks for the passphrase, and then comes back", async () => {
    await using harness = await startHarness({ keys: ["bob"], policy, pinentry: [{ confirm: true }, { pin: "abc" }] })
    const { code, stderr } = await sign(harness)
    assert.strictEqual(code, 0, stderr)
    harness.transcript.assertOrder([
      /^program \d+ > PKSIGN$/,
      /^pinentry \d+ > CONFIRM$/,
      /^agent \d+ > PKSIGN$/,
      /^pinentry \d+ > GETPIN$/,
      /^agent \d+ < D \(7:sig-val/,
      /^program \d+ < D \(7:sig-val/
    ])
    harness.transcript.assertTimes(/^pinentry \d+ > (CONFIRM|GETPIN)$/, 2)
  })

  for (
    const [what, answer, words] of [["a no", "cancel", "Operation cancelled"], [
      "no answer",
      "hang",
      "Timeout"
    ]] as const
  ) {
    it(`is nothing that the agent hears of after ${what}`, async () => {
      await using harness = await startHarness({ keys: ["bob"], policy, pinentry: [answer] })
      const { stderr } = await sign(harness)
      assert.include(stderr, `signing failed: ${words}`)
      harness.transcript.assertTimes(/^program \d+ > PKSIGN$/, 1)
      harness.transcript.assertNo(/^agent \d+ > (PKSIGN|SETHASH)/)
    })
  }
})
