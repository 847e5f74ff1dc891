// A gate under `ask` before a real agent, for stock gpg: the bundle in a process of its own, with state and sockets of its own in the
// owner's homedir, so that one owner serves many tests.
import { assert } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import type { Homedir } from "@gripgate/testkit/homedir"
import type { PinentryScript } from "@gripgate/testkit/pinentry"
import type { RunResult } from "@gripgate/testkit/run"
import { join } from "node:path"
import { commandLine } from "./command-line.ts"
import { type Control, controlOf } from "./control.ts"

/** A policy that asks whoever is no app for everything; lines that follow belong to `[approve]`. */
export const askPolicy = (...approve: ReadonlyArray<string>): string =>
  ["default = \"ask\"", "[anyone]", "keys = [\"*\"]", "[approve]", "pause = \"1ms\"", ...approve, ""].join("\n")

export interface AskingGate {
  readonly gate: Gate
  readonly client: Homedir
  /** Where state and sockets lie. */
  readonly folder: string
  readonly control: Control
  readonly gripgate: ReturnType<typeof commandLine>["gripgate"]
}

export interface AskingOptions {
  readonly policy: string
  readonly script?: PinentryScript
  readonly env?: Readonly<Record<string, string>>
}

let number = 0

/** Starts a gate and makes a client for it; both go with the stack, the owner stays. */
export const startAsking = async (
  using: AsyncDisposableStack,
  owner: Homedir,
  { env = {}, policy, script }: AskingOptions
): Promise<AskingGate> => {
  if (script !== undefined) await owner.pinentry.script(script)
  const folder = join(owner.path, `g${number++}`)
  const args = ["--state", join(folder, "state"), "--control", join(folder, "control")]
  const gate = using.use(await startGate({ home: owner, policy, listen: `${folder}.sock`, args, env }))
  const client = using.use(await makeClientHome({ owner, socket: gate.socket }))
  return { gate, client, folder, control: controlOf(join(folder, "control")), ...commandLine(owner, folder) }
}

/** gpg without a terminal, whose status lines stand among its messages. */
export const gpgBatch = (
  client: Homedir,
  args: ReadonlyArray<string>,
  input: Uint8Array | string = "a text\n"
): Promise<RunResult> => client.run(["gpg", "--batch", "--status-fd", "2", ...args], { input })

export const assertSigned = ({ code, stderr, stdout }: RunResult): void => {
  assert.strictEqual(code, 0, stderr)
  assert.include(stdout.toString(), "BEGIN PGP SIGNATURE")
}

/** Numbers that gpg-agent would give, by what gpg makes of them (libgpg-error, source 4). */
export const outcomes = {
  "Operation cancelled": 67108963,
  Timeout: 67108926,
  Forbidden: 67109115,
  "No agent running": 67108941,
  "Bad passphrase": 67108875
} as const

/** gpg says why, exits with 2, tells programs the number, and makes nothing. */
export const assertNotSigned = ({ code, stderr, stdout }: RunResult, words: keyof typeof outcomes): void => {
  assert.strictEqual(code, 2, stderr)
  assert.include(stderr, `gpg: signing failed: ${words}\n`)
  assert.include(stderr, `[GNUPG:] FAILURE sign ${outcomes[words]}\n`)
  assert.notInclude(stdout.toString(), "BEGIN PGP SIGNATURE")
}
