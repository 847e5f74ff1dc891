// A policy that changes while the gate runs, felt by stock gpg and by a session that is open.
import { assert, describe, it } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { isAlive } from "@gripgate/testkit/processes"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { rm, writeFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { assertSigns, setUp, sign } from "./set-up.ts"

describe("a policy that changes", () => {
  const forbids = "default = \"allow\"\n\n[operations]\nsign = \"forbid\"\n"
  const allows = "default = \"allow\"\n"

  for (const signal of [true, false]) {
    it(`is felt by the next gpg ${signal ? "after SIGHUP" : "without being told of"}, and by a session that is open`, async () => {
      await using stack = new AsyncDisposableStack()
      const { client, gate } = await setUp(stack, { policy: allows })
      await using open = await connectRaw(gate.socket)
      await open.readReply()
      const pksign = async () => {
        await open.command(`SIGKEY ${fixtureKeys.plain.keygrips.primary}`)
        await open.command(`SETHASH 8 ${"ab".repeat(32)}`)
        return (await open.command("PKSIGN")).last
      }
      await assertSigns(client)
      assert.strictEqual(await pksign(), "OK")
      await writeFile(gate.policyFile!, forbids)
      if (signal) process.kill(gate.pid, "SIGHUP")
      await gate.waitForLog(/the policy has been read again/)
      const result = await sign(client)
      assert.strictEqual(result.code, 2)
      assert.include(result.stderr, "gpg: signing failed: Forbidden\n")
      await gate.waitForLog(new RegExp(`refused sign .*\\[operations\\] sign = "forbid" \\(${gate.policyFile}:4:1\\)$`))
      assert.match(await pksign(), /^ERR 67109115 Forbidden/)
      await writeFile(gate.policyFile!, allows)
      if (signal) process.kill(gate.pid, "SIGHUP")
      for (let tries = 0; tries < 100 && (await pksign()) !== "OK"; tries++) {
        await sleep(20)
      }
      await assertSigns(client)
    })
  }

  it("for the worse keeps the old one, and says so at the top of the log's voice", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, gate } = await setUp(stack, { policy: forbids })
    await writeFile(gate.policyFile!, "default = \"allow\"\n\n[operations]\nsing = \"forbid\"\nexport = \"never\"\n")
    process.kill(gate.pid, "SIGHUP")
    await gate.waitForLog(/the policy is not read again, the one before stays in force: /)
    await gate.waitForLog(new RegExp(`${gate.policyFile}:4:1: .*sing.*sign`))
    await gate.waitForLog(new RegExp(`${gate.policyFile}:5:10: `))
    assert.include((await sign(client)).stderr, "gpg: signing failed: Forbidden\n")
    await rm(gate.policyFile!)
    await gate.waitForLog(/cannot be read: no such file or directory/)
    assert.include((await sign(client)).stderr, "gpg: signing failed: Forbidden\n")
    assert.isTrue(isAlive(gate.pid))
  })
})
