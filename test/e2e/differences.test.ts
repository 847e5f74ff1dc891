// Where a gate that allows everything differs from the agent all the same: docs/differences.md, held against both. Each line
// is sent by a raw client, directly and through the gate; stock programs send none of them in their ordinary work.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type Harness, startHarness } from "@gripgate/testkit/harness"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { writeFile } from "node:fs/promises"

const grip = fixtureKeys.plain.keygrips.primary
const digest = "ab".repeat(32)

interface Difference {
  readonly name: string
  readonly before?: ReadonlyArray<string>
  readonly line: string
  /** How the last line of the reply begins. */
  readonly direct: string
  readonly gate: string
}

const differences: ReadonlyArray<Difference> = [
  {
    name: "INPUT is never sent: the agent would close one of its own files",
    line: "INPUT FD=77",
    direct: "OK",
    gate: "ERR 67109115 Forbidden"
  },
  {
    name: "OUTPUT is never sent",
    line: "OUTPUT FD=77",
    direct: "OK",
    gate: "ERR 67109115 Forbidden"
  },
  {
    name: "an option of a command that GnuPG does not have is refused, not skipped",
    line: `KEYINFO --something ${grip}`,
    direct: "OK",
    gate: "ERR 67109144 IPC parameter error <GPG Agent> - KEYINFO has no such option"
  },
  {
    name: "a word too many is refused, not passed over",
    line: `SIGKEY ${grip} something`,
    direct: "OK",
    gate: "ERR 67109144 IPC parameter error <GPG Agent> - SIGKEY: more words than it takes"
  },
  {
    name: "an option's value that is none is refused, not taken for 0",
    line: "OPTION use-cache-for-signing=maybe",
    direct: "OK",
    gate: "ERR 67108919 Invalid value"
  },
  {
    name: "a blank at the end of a word of GETINFO is no part of it",
    line: "GETINFO version ",
    direct: "ERR 67109144 IPC parameter error",
    gate: "OK"
  },
  {
    name: "a signature needs a hash: without one the agent signs nothing at all",
    before: [`SIGKEY ${grip}`],
    line: "PKSIGN",
    direct: "OK",
    gate: "ERR 67108922 No data"
  },
  {
    name: "a refused hash takes the one before with it",
    before: [`SIGKEY ${grip}`, `SETHASH 8 ${digest}`, `SETHASH 8 ${digest}00`],
    line: "PKSIGN",
    direct: "OK",
    gate: "ERR 67108922 No data"
  },
  {
    name: "a refused key takes the one before with it",
    before: [`SIGKEY ${grip}`, `SETHASH 8 ${digest}`, "SIGKEY something"],
    line: "PKSIGN",
    direct: "OK",
    gate: "ERR 67108881 No secret key"
  },
  {
    name: "HELP lists commands and explains none",
    line: "HELP PKSIGN",
    direct: "OK",
    gate: "ERR 67108891 Not found"
  },
  {
    name: "a line of 1001 bytes, which libassuan reads and does not write",
    line: `SETKEYDESC ${"x".repeat(990)}`,
    direct: "OK",
    gate: "ERR 67109127 Line passed to IPC too long"
  },
  {
    name: "a NUL ends the session; the agent overlooks it and what follows",
    line: "GETINFO version\0 pid",
    direct: "OK",
    gate: "ERR 67109140 IPC syntax error"
  }
]

let harness: Harness
beforeAll(async () => {
  harness = await startHarness({ keys: ["alice", "bob"] })
})
afterAll(() => harness.close())

const connect = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}

const lastReply = async (socket: string, { before = [], line }: Difference): Promise<string> => {
  await using client = await connect(socket)
  for (const one of before) await client.command(one)
  return (await client.command(line)).last
}

describe("a difference on purpose", () => {
  for (const difference of differences) {
    it(difference.name, async () => {
      const direct = await lastReply(harness.agentSocket, difference)
      assert.isTrue(direct.startsWith(difference.direct), `directly: ${direct}`)
      const gated = await lastReply(harness.socket, difference)
      assert.isTrue(gated.startsWith(difference.gate), `through the gate: ${gated}`)
    })
  }

  it("the greeting names no process", async () => {
    await using direct = await connectRaw(harness.agentSocket)
    assert.match((await direct.readReply()).last, /^OK Pleased to meet you, process \d+$/)
    await using gated = await connectRaw(harness.socket)
    assert.strictEqual((await gated.readReply()).last, "OK Pleased to meet you, this is gripgate")
  })

  it("an answer ahead of its question is not taken for one: it waits until it is its turn", async () => {
    const ahead = `SETKEY ${fixtureKeys.plain.keygrips.encryption}\nPKDECRYPT\nCAN\nNOP\n`
    for (const socket of [harness.agentSocket, harness.socket]) {
      await using client = await connect(socket)
      client.send(ahead)
      assert.strictEqual((await client.readReply()).last, "OK")
      assert.match((await client.readReply()).last, /^INQUIRE CIPHERTEXT/)
      assert.match((await client.readReply()).last, /^ERR 67109141 /)
      assert.strictEqual((await client.readReply()).last, "OK")
    }
  })

  it("what is neither data nor END nor CAN inside an inquiry ends the session", async () => {
    for (const [socket, after] of [[harness.agentSocket, "OK"], [harness.socket, "closed"]] as const) {
      await using client = await connect(socket)
      await client.command(`SETKEY ${fixtureKeys.plain.keygrips.encryption}`)
      assert.match((await client.command("PKDECRYPT")).last, /^INQUIRE CIPHERTEXT/)
      assert.match((await client.command("NOP")).last, /^ERR 67109138 Unexpected IPC command/)
      const next = await client.command("NOP").then(({ last }) => last, () => "closed")
      assert.strictEqual(next, after)
    }
  })

  it("a percent sign that ends a D line is refused, where the agent would hang for ever", async () => {
    await using client = await connect(harness.socket)
    await client.command(`SETKEY ${fixtureKeys.plain.keygrips.encryption}`)
    await client.command("PKDECRYPT")
    client.send("D abc%4\nEND\n")
    assert.match((await client.readReply()).last, /^ERR 67109140 IPC syntax error/)
    assert.strictEqual(await client.closed, "end")
    await using agent = await connect(harness.agentSocket)
    assert.strictEqual((await agent.command("NOP")).last, "OK", "the agent answers")
  })

  it("loopback that the agent refuses is refused for the use of the key too, where gpg would go on and ask", async () => {
    await using strict = await startHarness({
      keys: ["bob"],
      pinentry: [{ pin: "abc" }],
      agentConf: ["no-allow-loopback-pinentry"]
    })
    const place = (await strict.run(["gpgconf", "--list-dirs", "agent-socket"])).stdout.toString().trim()
    for (const [socket, goesOn] of [[strict.agentSocket, true], [strict.socket, false]] as const) {
      await writeFile(place, `%Assuan%\nsocket=${socket}\n`)
      const loopback = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "abc"]
      const result = await strict.run(["gpg", ...loopback, "--clearsign"], { input: "text\n" })
      assert.strictEqual(result.code, 2, "gpg counts the refusal as an error both ways")
      assert.strictEqual(result.stdout.toString().includes("BEGIN PGP SIGNATURE"), goesOn, result.stderr)
    }
  })

  it("a nonce is good for the client that was given it, and for nobody else", async () => {
    const bob = fixtureKeys.protected.keygrips.primary
    const answers = [[harness.agentSocket, "OK"], [harness.socket, "INQUIRE PASSPHRASE"]] as const
    for (const [socket, forOthers] of answers) {
      await using given = await connect(socket)
      await using other = await connect(socket)
      for (const client of [given, other]) {
        await client.command("OPTION pinentry-mode=loopback")
        await client.command("OPTION use-cache-for-signing=0")
        await client.command(`SIGKEY ${bob}`)
        await client.command(`SETHASH 8 ${digest}`)
      }
      assert.match((await given.command(`PASSWD ${bob}`)).last, /^INQUIRE PASSPHRASE/)
      assert.match((await given.answer(Buffer.from("abc"))).last, /^INQUIRE NEW_PASSPHRASE/)
      const { last, status } = await given.answer(Buffer.from("abc"))
      assert.strictEqual(last, "OK")
      const nonce = status.flatMap((line) => /^CACHE_NONCE (\S+)$/.exec(line)?.[1] ?? [])[0]
      assert.strictEqual((await other.command(`PKSIGN -- ${nonce}`)).last, forOthers)
      assert.strictEqual((await given.command(`PKSIGN -- ${nonce}`)).last, "OK")
    }
  })
})
