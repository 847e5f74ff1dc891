import { assert, describe, it } from "@effect/vitest"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { join } from "node:path"
import { gripgate, MAIN, makeFolder } from "../support/cli.ts"

describe("gripgate status", () => {
  it("tells how a running gate is, for people and as JSON", async () => {
    await using home = await makeHomedir()
    await using gate = await startGate({ home, program: MAIN, policy: "default = \"forbid\"\n" })
    await using client = await connectRaw(gate.socket)
    await client.readReply()
    const { code, stderr, stdout } = await gripgate(["status"], home.path)
    assert.deepStrictEqual([code, stderr], [0, ""])
    const upstream = await home.agentSocket()
    const lines = stdout.split("\n")
    assert.match(lines[0]!, new RegExp(`^gate {7}gripgate 0\\.1\\.0, pid ${gate.pid}, up \\d+s, since \\d{4}-\\d\\d-`))
    assert.isTrue(lines[1]!.startsWith(`agent      ${upstream}`))
    const text = lines.join("\n")
    assert.include(text.replaceAll(/\n +/g, " "), `\npolicy     default = "forbid", ${gate.policyFile}, read `)
    assert.include(text, `\nlistening  ${gate.socket}, 1 open\n`)
    assert.match(text, /\nsessions {3}1 open, \d+ served\n {11}\(no app\), for \d+s, pid \d+, /)
    assert.match(text, /\nquestions {2}0 open\ngrants {5}0 in force\nrefused {4}0\n$/)

    const { v, ...status } = JSON.parse((await gripgate(["status", "--json"], home.path)).stdout)
    assert.strictEqual(v, 1)
    assert.strictEqual(status.pid, gate.pid)
    assert.deepStrictEqual(status.listen, [
      { path: gate.socket, app: null, door: null, sessions: 1 },
      { path: join(home.path, ".local/state/gripgate/run/connect"), app: null, door: "connect", sessions: 0 }
    ])
    assert.strictEqual(status.upstream.socket, upstream)
    assert.strictEqual(status.sessions.open, 1)
  })

  it("ends with 69 where no gate answers", async () => {
    const home = makeFolder()
    const socket = `${home}/.local/state/gripgate/run/control`
    assert.deepStrictEqual(await gripgate(["status"], home), {
      code: 69,
      stdout: "",
      stderr: `gripgate: error: no gate runs at ${socket}\ngripgate: hint: start one with: gripgate serve\n`
    })
    assert.strictEqual((await gripgate(["status", "--control", "nothing"], home)).code, 69)
  })
})
