// What the output of gpg proves, told by somebody who has no part in the flow: the owner's gpg, which needs no agent for it.
import { assert } from "@effect/vitest"
import type { Homedir } from "@gripgate/testkit/homedir"
import type { RunResult } from "@gripgate/testkit/run"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Place } from "./both-ways.ts"

const statusOf = ({ stdout }: RunResult): ReadonlyArray<string> =>
  stdout.toString().split("\n").filter((line) => line.startsWith("[GNUPG:] "))

/** The fingerprints whose good signatures gpg finds, of a signed message or, where `data` is given, of a detached one. */
export const signers = async (home: Homedir, signature: Uint8Array, data?: string): Promise<ReadonlyArray<string>> => {
  const detached = data === undefined ? [] : [join(home.path, "signature"), "-"]
  if (data !== undefined) await writeFile(detached[0]!, signature)
  const result = await home.run(["gpg", "--batch", "--status-fd", "1", "--verify", ...detached], {
    input: data ?? signature
  })
  assert.strictEqual(result.code, 0, result.stderr)
  return statusOf(result).flatMap((line) => /^\[GNUPG:\] VALIDSIG ([0-9A-F]{40}) /.exec(line)?.[1] ?? [])
}

/** Asserts who signed; what both runs must have in common are the kinds of packets. */
export const assertSigned = async (
  { owner }: Place,
  signature: Uint8Array,
  by: ReadonlyArray<string>,
  data?: string
): Promise<ReadonlyArray<string>> => {
  assert.deepEqual([...await signers(owner, signature, data)], [...by])
  return packets(owner, signature)
}

/** The packets of a message by kind, algorithm and length, without what is of chance or of time. */
export const packets = async (home: Homedir, message: Uint8Array): Promise<ReadonlyArray<string>> => {
  const { stdout } = await home.run(["gpg", "--batch", "--list-packets", "--list-only"], { input: message })
  return stdout.toString().split("\n").flatMap((line) => /^:[^:]+:(?: .*keyid [0-9A-F]+)?/.exec(line)?.[0] ?? [])
}
