// Ways around a rule that lead past the command it was made for: the card daemon's commands, options that outlive a
// refusal, passphrases that are left in the cache, an agent that restricts by itself.
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "@gripgate/protocol/gpg-error"
import { parseRequest } from "@gripgate/protocol/request"
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { join } from "node:path"
import { startTestGate } from "../support/gate.ts"

const A = "A".repeat(40)
const B = "B".repeat(40)

const outcome = async (client: RawClient, line: string): Promise<string> =>
  (await client.command(line)).lines.map(String).at(-1)!.split(" ").slice(0, 2).join(" ")

const err = (error: { readonly value: number }): string => `ERR ${error.value}`

/** Runs commands of one client through a gate with a policy, and gives what a fake agent got of the last one. */
const assertThrough = async (policy: string, lines: ReadonlyArray<readonly [line: string, outcome: string]>) => {
  const folder = await makeFolder("gb")
  try {
    await using agent = await startFakeAgent({ socket: join(folder, "agent") })
    await using gate = await startTestGate({ agent: join(folder, "agent"), policy })
    const client = await gate.client()
    for (const [line, expected] of lines) assert.strictEqual(await outcome(client, line), expected, line)
    client.destroy()
    return agent.commands().map(String)
  } finally {
    await removeFolder(folder)
  }
}

describe("around a rule", () => {
  for (const verdict of ["ask", "token", "forbid"]) {
    it(`a PIN in band needs loopback for the card's commands too: "${verdict}"`, async () => {
      const option = verdict === "forbid" ? err(gpgError.FORBIDDEN) : "OK"
      const sent = await assertThrough(`default = "allow"\n[operations]\nloopback = "${verdict}"\n`, [
        ["OPTION pinentry-mode=loopback", option],
        ["SCD PKSIGN OPENPGP.1", err(gpgError.FORBIDDEN)],
        ["SCD CHECKPIN X", err(gpgError.FORBIDDEN)]
      ])
      assert.isFalse(sent.some((line) => line.startsWith("SCD")), sent.join("|"))
    })
  }

  it("a client that sees some keys reaches none through the card daemon, and overwrites none", async () => {
    const sent = await assertThrough(`default = "allow"\n[anyone]\nkeys = ["grip:${A}"]\n`, [
      [`SCD PKSIGN ${B}`, err(gpgError.NO_SECKEY)],
      [`SCD PKDECRYPT OPENPGP.2`, err(gpgError.NO_SECKEY)],
      ["SCD LEARN --force", err(gpgError.NO_SECKEY)],
      ["LEARN --sendinfo", err(gpgError.NO_SECKEY)],
      ["READKEY --card OPENPGP.1", err(gpgError.NO_SECKEY)],
      ["IMPORT_KEY --force", err(gpgError.FORBIDDEN)]
    ])
    assert.deepStrictEqual(sent.filter((line) => /^(SCD|LEARN|READKEY|IMPORT)/.test(line)), [])
  })

  it("a refused option of another kind does not lift the refusal of loopback", async () => {
    await assertThrough("default = \"allow\"\n[operations]\nloopback = \"forbid\"\n", [
      ["OPTION pinentry-mode=loopback", err(gpgError.FORBIDDEN)],
      ["OPTION pinentry-mode=nonsense", err(gpgError.INV_VALUE)],
      [`SIGKEY ${A}`, "OK"],
      [`SETHASH 8 ${"00".repeat(32)}`, "OK"],
      ["PKSIGN", err(gpgError.FORBIDDEN)]
    ])
  })

  it("--preset leaves a passphrase that the cache gives out, and needs its verdict", async () => {
    const sent = await assertThrough("default = \"allow\"\n[operations]\ncache = \"forbid\"\n", [
      ["GENKEY --preset", err(gpgError.FORBIDDEN)],
      [`PASSWD --preset ${A}`, err(gpgError.FORBIDDEN)]
    ])
    assert.isFalse(sent.some((line) => /^(GENKEY|PASSWD)/.test(line)))
  })

  it("a token in a variable of the pinentry stays with the gate like one in its own option", async () => {
    const sent = await assertThrough("default = \"allow\"\n", [
      ["OPTION putenv=PINENTRY_USER_DATA=gripgate:gg1-x", "OK"],
      ["OPTION pinentry-user-data=gripgate:gg1-x", "OK"],
      [`SIGKEY ${A}`, "OK"],
      [`SETHASH 8 ${"00".repeat(32)}`, "OK"],
      ["PKSIGN", "OK"]
    ])
    assert.isFalse(sent.some((line) => line.includes("gripgate:")))
  })

  it("iterations that would keep the agent busy for hours are no value", () => {
    for (const count of ["-1", "4294967295", "999999999"]) {
      const request = parseRequest(Buffer.from(`OPTION s2k-count=${count}`))
      assert.strictEqual(request.kind === "refused" ? request.error : undefined, gpgError.INV_VALUE, count)
    }
    assert.strictEqual(parseRequest(Buffer.from("OPTION s2k-count=65011712")).kind, "option")
  })

  it("an agent that restricts by itself, on its extra socket, signs through the gate as it does directly", async () => {
    await using home = await makeHomedir({})
    const { keygrips } = await importKey(home, "plain")
    await home.launchAgent()
    await using gate = await startTestGate({ agent: `${await home.agentSocket()}.extra` })
    const client = await gate.client()
    for (
      const [line, expected] of [
        ["OPTION ttyname=/dev/null", "OK"],
        ["OPTION allow-pinentry-notify", "OK"],
        [`SIGKEY ${keygrips.primary}`, "OK"],
        [`SETHASH 8 ${"00".repeat(32)}`, "OK"],
        ["PKSIGN", "OK"],
        ["GETINFO restricted", "OK"],
        [`EXPORT_KEY ${keygrips.primary}`, err(gpgError.FORBIDDEN)]
      ] as const
    ) {
      assert.strictEqual(await outcome(client, line), expected, line)
    }
    client.destroy()
  })
})
