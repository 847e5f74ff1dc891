// Clients that behave, and ask for something else each time: what the gate remembers of it has an end.
import { assert, describe, it } from "@effect/vitest"
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { startTestGate } from "../support/gate.ts"
import { heldMemory } from "../support/memory.ts"
import { assertPipelined, assertTalk, DIGEST } from "../support/wire.ts"

const MiB = 1024 * 1024

const inRounds = async (client: RawClient, rounds: number, line: (number: number) => string): Promise<void> => {
  const size = 400
  for (let round = 0; round < rounds; round++) {
    const lines = Array.from({ length: size }, (_, index) => line(round * size + index))
    await assertPipelined(client, `${lines.join("\n")}\n`, Array<string>(size).fill("OK"))
  }
}

describe("what a client sets", () => {
  it("variables of the environment, each with another name: the agent gets those that a pinentry knows", async () => {
    await using agent = await startFakeAgent()
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await inRounds(client, 10, (number) => `OPTION putenv=NAME${number}=${"x".repeat(50)}`)
    await assertTalk(client, ["OPTION putenv=GTK_IM_MODULE=ibus", "OK"], ["OPTION putenv=GTK_IM_MODULE=fcitx", "OK"])
    await assertTalk(client, [`SIGKEY ${grips.plain.primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "OK"])
    const options = agent.commands().filter((line) => line.startsWith("OPTION"))
    assert.deepStrictEqual(options, ["OPTION putenv=GTK_IM_MODULE=fcitx"])
  })

  it("forty thousand options, keys and descriptions in one session: it holds the last of each", async () => {
    await using agent = await startFakeAgent()
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    const lines = [
      (number: number) => `OPTION putenv=N${number}=${"x".repeat(60)}`,
      (number: number) => `OPTION display=:${number}`,
      (number: number) => `SETKEYDESC ${"d".repeat(60)}${number}`,
      (number: number) => `SIGKEY ${number.toString(16).padStart(40, "0")}`
    ]
    await inRounds(client, 5, (number) => lines[number % lines.length]!(number))
    const before = await heldMemory()
    await inRounds(client, 100, (number) => lines[number % lines.length]!(number))
    // the client itself keeps the 120 kB of replies
    assert.isBelow(await heldMemory() - before, MiB)
  })
})

describe("what a client asks", () => {
  it("GETINFO cmd_has_option with another word each time: what gpg asks is remembered, and not everything is", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    const asked = () => agent.commands().filter((line) => line.startsWith("GETINFO cmd_has_option")).length
    // the gate knows the agent's version once the session has a connection
    await assertTalk(client, ["GETINFO pid", "OK"])
    const words = (from: number) => (number: number) => `GETINFO cmd_has_option GET_PASSPHRASE o${from + number}`
    for (let i = 0; i < 3; i++) await assertTalk(client, ["GETINFO cmd_has_option GET_PASSPHRASE repeat", "OK"])
    assert.strictEqual(asked(), 1)
    await inRounds(client, 1, words(0))
    await inRounds(client, 1, words(0))
    assert.isAbove(asked(), 1 + 400 + 300, "of 400 words most are asked again")
    await assertTalk(client, ["GETINFO cmd_has_option GET_PASSPHRASE repeat", "OK"])
    assert.strictEqual(asked(), agent.commands().filter((line) => / o\d+$/.test(line)).length + 1)
  })
})
