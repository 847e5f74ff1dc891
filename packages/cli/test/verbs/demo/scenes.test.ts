// The scenes without a gate: played directly with the agent, what is forbidden goes through, and a scene that did not notice
// would be worth nothing.
import { assert, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import type { Gate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { key, scenes } from "../../../src/verbs/demo/scenes.ts"

it("tell what is allowed from what is forbidden, and a hanging agent from one that answers", async () => {
  await using owner = await makeHomedir({ pinentry: { answers: [], default: { pin: key.passphrase } } })
  await importKey(owner, "protected")
  await owner.launchAgent()
  const socket = await owner.agentSocket()
  await using client = await makeClientHome({ owner, socket })
  const stage = { owner, client, gate: { socket } as Gate, print: () => {} }
  const outcomes: Array<readonly [boolean, string]> = []
  for (const scene of scenes) {
    const { ok, text } = await scene.play(stage)
    outcomes.push([ok, text])
  }
  assert.deepStrictEqual(outcomes, [
    [true, "the signature is good, and the pinentry asked for the passphrase"],
    [true, "the text came out"],
    [false, "gpg ended with exit code 0, not 2; gpg does not say that it is forbidden; there is a signature"],
    [false, "gpg ended with exit code 0, not 2; gpg does not say that it is forbidden; the secret key came out"],
    [false, "the line was not refused"]
  ])
})
