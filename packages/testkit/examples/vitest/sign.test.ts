// A program that signs with gpg, tested with vitest: `npx vitest run`.
import { startHarness } from "@gripgate/testkit"
import { expect, it } from "vitest"

/** Stands for the program under test. */
const signer = ["gpg", "--batch", "--clearsign"]

it("makes no second try when the person cancels at the second prompt", async () => {
  await using harness = await startHarness({ keys: ["bob"], pinentry: [{ pin: "not it" }, "cancel"] })
  const { code, stderr } = await harness.run(signer, { input: "a text\n" })
  expect(code).toBe(2)
  expect(stderr).toContain("Operation cancelled")
  expect(await harness.prompts()).toBe(2)
  harness.transcript.assertTimes(/^program \d+ > PKSIGN$/, 1, "no retry")
})

it("says what the agent says, and signs when that is over", async () => {
  // GPG_ERR_NO_PIN_ENTRY of the agent, once
  await using harness = await startHarness({ agentFaults: { commands: { PKSIGN: [{ error: 67108949 }] } } })
  const failed = await harness.run(signer, { input: "a text\n" })
  expect(failed.stderr).toContain("No pinentry")
  const signed = await harness.run(signer, { input: "a text\n" })
  expect(signed.stdout.toString()).toContain("BEGIN PGP SIGNATURE")
  harness.transcript.assertOrder([/^agent \d+ < ERR 67108949/, /^agent \d+ < D /])
})
