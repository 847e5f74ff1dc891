// A passphrase in band needs the verdict of `loopback` and that of the use that it serves: the sixteen combinations, as
// docs/policy.md has them. The agent asks for a passphrase in loopback mode; what it was sent shows what was released.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { writePinentry } from "@gripgate/testkit/pinentry"
import { readFile } from "node:fs/promises"
import { startBusyAgent } from "../support/agent.ts"
import { startTestGate } from "../support/gate.ts"
import { DIGEST, ERR, outcome } from "../support/wire.ts"

const verdicts = ["allow", "ask", "token", "forbid"] as const
type Verdict = typeof verdicts[number]

const [OK, FORBIDDEN] = ["OK", "ERR 67109115"]

/** What the owner says: nothing, because he cannot be asked, or yes. */
type Owner = "absent" | "yes"

/** Whether the two together need his yes. */
const asks = (use: Verdict, loopback: Verdict): boolean =>
  [use, loopback].includes("ask") && !["token", "forbid"].some((verdict) => verdict === use || verdict === loopback)

/**
 * What the option is answered, and then PKSIGN: `passphrase` where the client is asked for it and the signature is made, `token`
 * where the gate itself asks for one. Without a yes `ask` is a no.
 */
const expected = (use: Verdict, loopback: Verdict, owner: Owner): readonly [option: string, sign: string] => {
  if (loopback === "forbid") return [FORBIDDEN, FORBIDDEN]
  if (use !== "forbid" && [use, loopback].includes("token")) return [OK, "token"]
  const released = (use === "allow" && loopback === "allow") || (owner === "yes" && asks(use, loopback))
  return [OK, released ? "passphrase" : FORBIDDEN]
}

/** The row of the table in the documents. */
const row = (use: Verdict, loopback: Verdict): string => {
  const [option, sign] = expected(use, loopback, "absent")
  const first = option === OK ? "accepted" : "refused"
  if (sign === "passphrase") return `| ${use} | ${loopback} | ${first} | allowed |`
  if (use === "forbid" || loopback === "forbid") return `| ${use} | ${loopback} | ${first} | refused |`
  const needed = use === "token" || loopback === "token" ? "a token" : "the owner's yes"
  return `| ${use} | ${loopback} | ${first} | needs ${needed} |`
}

describe("loopback together with the use that it serves", () => {
  for (const use of verdicts) {
    for (const loopback of verdicts) {
      for (const owner of asks(use, loopback) ? ["absent", "yes"] as const : ["absent"] as const) {
        it(`sign = "${use}", loopback = "${loopback}"${owner === "yes" ? ", and one yes for both" : ""}`, async () => {
          const folder = await makeFolder("gl")
          const pinentry = await writePinentry(folder, { answers: [], default: { confirm: true } })
          const approve = owner === "yes"
            ? ["approvers = [\"pinentry\"]", `pinentry = "${pinentry.program}"`]
            : ["approvers = []"]
          try {
            await using agent = await startBusyAgent()
            const grip = fixtureKeys.plain.keygrips.primary
            const policy = [
              "default = \"allow\"",
              "[apps.mail]",
              "socket = \"mail\"",
              `keys = ["grip:${grip}"]`,
              `sign = "${use}"`,
              `loopback = "${loopback}"`
            ].join("\n")
            await using gate = await startTestGate({ agent: agent.socket, policy, apps: ["mail"], approve })
            await using client = await gate.client("mail")
            const [option, sign] = expected(use, loopback, owner)
            assert.strictEqual(outcome(await client.command("OPTION pinentry-mode=loopback")), option)
            await client.command(`SIGKEY ${grip}`)
            await client.command(`SETHASH 8 ${DIGEST}`)
            const answer = await client.command("PKSIGN")
            if (sign === "token") {
              assert.strictEqual(answer.last, "INQUIRE PASSPHRASE")
              // a passphrase is none, were it the right one
              assert.strictEqual(outcome(await client.answer(Buffer.from("abc"))), ERR.BAD_PASSPHRASE)
              await client.command("PKSIGN")
              assert.strictEqual(outcome(await client.command("CAN")), FORBIDDEN)
              assert.notInclude(agent.commands().join("\n"), "PKSIGN")
            } else if (sign === "passphrase") {
              assert.strictEqual(answer.last, "INQUIRE PASSPHRASE")
              assert.strictEqual(outcome(await client.answer(Buffer.from("abc"))), OK)
              assert.include(agent.commands().join("\n"), "PKSIGN")
            } else {
              assert.strictEqual(outcome(answer), sign)
              assert.notInclude(agent.commands().join("\n"), "PKSIGN")
            }
            assert.strictEqual(await pinentry.questions(), owner === "yes" ? 1 : 0)
          } finally {
            await removeFolder(folder)
          }
        })
      }
    }
  }

  it("is what docs/policy.md says, row by row", async () => {
    const text = await readFile(new URL("../../docs/policy.md", import.meta.url), "utf8")
    for (const use of verdicts) for (const loopback of verdicts) assert.include(text, row(use, loopback))
  })
})
