// A gate before an agent, as the tests of its life need it: owner, gate and client, and a signature to try it with.
import { assert } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, type GateOptions, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import type { RunResult } from "@gripgate/testkit/run"
import { join } from "node:path"

export const agentConf: ReadonlyArray<string> = ["disable-scdaemon"]
export const text = "a text\n"

/** Starts a gate that keeps everything of its own in the homedir, or in `folder`. */
export const gateOf = (
  home: Homedir,
  options: Partial<GateOptions> & { readonly folder?: string } = {}
): Promise<Gate> => {
  const { folder = home.path, ...rest } = options
  const own = ["--state", join(folder, "state"), "--control", join(folder, "control"), ...options.args ?? []]
  const listen = rest.standIn === true ? {} : { listen: join(folder, "gate.sock") }
  return startGate({ home, ...listen, ...rest, args: own })
}

/** An owner with two keys (Alice's without a passphrase, Bob's with one), a gate before the agent, and a client. */
export const setUp = async (stack: AsyncDisposableStack, options: Parameters<typeof gateOf>[1] = {}) => {
  const owner = stack.use(await makeHomedir({ agentConf }))
  return { owner, ...await setUpFor(stack, owner, options) }
}

/** The same for an owner that is there already. */
export const setUpFor = async (
  stack: AsyncDisposableStack,
  owner: Homedir,
  options: Parameters<typeof gateOf>[1] = {}
) => {
  for (const key of ["plain", "protected"] as const) await importKey(owner, key)
  const gate = stack.use(await gateOf(owner, options))
  const client = stack.use(await makeClientHome({ owner, socket: gate.socket }))
  return { gate, client }
}

/** Signs as the client, with Alice's key where none is named. */
export const sign = (client: Homedir, key: string = fixtureKeys.plain.fingerprint): Promise<RunResult> =>
  client.run(["gpg", "-u", key, "--clearsign"], { input: text })

export const assertSigns = async (client: Homedir, key?: string): Promise<void> => {
  const result = await sign(client, key)
  assert.strictEqual(result.code, 0, result.stderr)
  assert.include(result.stdout.toString(), "BEGIN PGP SIGNATURE")
}
