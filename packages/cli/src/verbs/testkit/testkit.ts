// `gripgate testkit`: the harness of @gripgate/testkit around a command of somebody else's, whose exit code it hands on.
import { reasonOf } from "@gripgate/proxy/reason"
import { type Harness, startHarness } from "@gripgate/testkit/harness"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { renameSync, writeFileSync } from "node:fs"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, quietly } from "../../failure.ts"
import { jsonText } from "../../output.ts"
import { signalCode } from "../../signals.ts"
import { quoted } from "../../usage.ts"
import { catchSignals, runChild } from "./child.ts"
import { type Inputs, readInputs } from "./inputs.ts"

export interface TestkitOptions {
  readonly command: ReadonlyArray<string>
  readonly key: ReadonlyArray<string>
  readonly passphraseFd: number | undefined
  readonly pinentry: string | undefined
  readonly agentFaults: string | undefined
  readonly policy: string | undefined
  readonly app: string | undefined
  readonly transcript: string | undefined
  readonly json: boolean
}

/** Runs the command; ends with its exit code. */
export const testkit = Effect.fnUntraced(function*(
  options: TestkitOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const inputs = yield* readInputs(options)
  const signals = catchSignals()
  const harness = yield* started(inputs, options)
  const used = Effect.gen(function*() {
    if (signals.first !== undefined) return yield* quietly(signalCode[signals.first])
    const [program = "", ...args] = options.command
    const end = yield* Effect.promise(() => runChild([program, ...args], environment(harness), signals))
    if ("message" in end) return yield* failure(end.code, `cannot start ${quoted(program)}: ${end.message}`)
    if (options.transcript !== undefined) yield* write(options.transcript, options.json, harness)
    if (end.code !== 0) return yield* quietly(end.code)
  })
  const close = attempt(() => harness.close(), "something is left behind")
  // why the command failed is told before what was left of it
  const result = yield* Effect.exit(used)
  const closed = yield* Effect.exit(close)
  yield* result
  yield* closed
})

/** Something that has no other way to fail than that the system does not let it. */
const attempt = <A>(work: () => Promise<A>, what: string): Effect.Effect<A, Failure> =>
  Effect.tryPromise({ try: work, catch: (error) => failure(exitCode.failed, `${what}: ${reasonOf(error)}`) })

const started = ({ agentFaults, keys, pinentry, policy }: Inputs, { app }: TestkitOptions) =>
  Effect.tryPromise({
    try: () =>
      startHarness({
        keys,
        program: process.argv[1]!,
        ...pinentry !== undefined && { pinentry },
        ...agentFaults !== undefined && { agentFaults },
        ...policy !== undefined && { policy },
        ...app !== undefined && { app }
      }),
    catch: (error) => {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT"
      const hint = missing ? "the testkit needs gpg and gpg-agent (Debian: apt-get install gpg gpg-agent)" : undefined
      return failure(exitCode.failed, `the testkit cannot start: ${reasonOf(error)}`, hint)
    }
  })

/** The caller's own environment, but for what would lead a program past the gate, or a token of his to it. */
const environment = ({ control, homedir, transcript }: Harness): Readonly<Record<string, string | undefined>> => {
  const { GPG_AGENT_INFO: _agent, PINENTRY_USER_DATA: _data, ...rest } = process.env
  return {
    ...rest,
    GNUPGHOME: homedir,
    GRIPGATE_TESTKIT_TRANSCRIPT: transcript.file,
    GRIPGATE_TESTKIT_CONTROL: control
  }
}

/** Writes the transcript in one step, for nobody else to read. */
const write = (file: string, json: boolean, harness: Harness): Effect.Effect<void, Failure> =>
  attempt(async () => {
    const text = await harness.finish()
    const temporary = `${file}.${process.pid}.new`
    writeFileSync(temporary, json ? `${jsonText(harness.transcript.toJSON(), 2)}\n` : text, { mode: 0o600 })
    renameSync(temporary, file)
  }, `${file} cannot be written`)
