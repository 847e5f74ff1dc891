// A harness for tests of OpenPGP programs: a throw-away homedir with keys, a real agent behind a gate, a scripted pinentry, an
// agent that goes wrong by a script, and the transcript of every byte between the program and the gate and between the gate and
// the agent. Folder harness/ has the parts; what a test of another project imports is index.ts.
import { readFileSync } from "node:fs"
import { rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { makeClientHome } from "./client-home.ts"
import { startGate } from "./gate-process.ts"
import { type AgentFaults, parseAgentFaults } from "./harness/agent-faults.ts"
import { startFaultyAgent } from "./harness/behind.ts"
import { addKey, type HarnessKey } from "./harness/keys.ts"
import { parsePinentryScript } from "./harness/pinentry-script.ts"
import { startRecorder } from "./harness/recorder.ts"
import { startTap } from "./harness/tap.ts"
import { type HarnessTranscript, transcriptOf } from "./harness/transcript.ts"
import { startWatchdog } from "./harness/watchdog.ts"
import { makeHomedir } from "./homedir.ts"
import type { TestKey } from "./keys.ts"
import { type PinentryAnswer, type PinentryScript } from "./pinentry.ts"
import { connectRaw, type RawClient } from "./raw-client.ts"
import { run, type RunOptions, type RunResult } from "./run.ts"

export interface HarnessOptions {
  /** `["alice"]` where it is left out. */
  readonly keys?: ReadonlyArray<HarnessKey>
  /** What the person at the pinentry does; he cancels where it is left out. */
  readonly pinentry?: PinentryScript | ReadonlyArray<PinentryAnswer>
  /** What the agent does wrong. The keys are in a real one all the same. */
  readonly agentFaults?: AgentFaults
  /** The text of a policy file; everything is allowed where it is left out. */
  readonly policy?: string
  /** The app of the policy that the program is. By nothing else can it be known: the gate's client is the recorder. */
  readonly app?: string
  /** Lines for gpg-agent.conf and the program's gpg.conf. */
  readonly agentConf?: ReadonlyArray<string>
  readonly gpgConf?: ReadonlyArray<string>
  /** The script that is run as `gripgate`; that of the installed package where it is left out. */
  readonly program?: string
}

export interface Harness extends AsyncDisposable {
  /** The program's GNUPGHOME: public keys, and the way to the gate. */
  readonly homedir: string
  /** The whole environment for a program under test. */
  readonly env: Readonly<Record<string, string>>
  /** The program's side of the recorder, where `connect` goes. */
  readonly socket: string
  /** The real agent's own socket: what is said there passes neither the gate nor the recorder. */
  readonly agentSocket: string
  /** Files by which a program in another language steers it; docs/testkit.md. */
  readonly control: string
  /** In the order of `keys`. */
  readonly keys: ReadonlyArray<TestKey>
  readonly transcript: HarnessTranscript
  /** How often the person was asked for a pin or a confirmation. */
  prompts(): Promise<number>
  /** Puts another script in the place of what is left of the present one. */
  setPinentry(script: PinentryScript | ReadonlyArray<PinentryAnswer>): Promise<void>
  /** The same for the agent's faults; only where the harness was started with some. */
  setAgentFaults(faults: AgentFaults): Promise<void>
  /** The lines of the gate's log. */
  gateLog(): ReadonlyArray<string>
  /** Runs a program to its end; `env` is added to that of the harness. Rejects only where it cannot be started. */
  run(argv: ReadonlyArray<string>, options?: RunOptions): Promise<RunResult>
  /** A connection to the gate, as a program makes it; the greeting is its first reply. */
  connect(): Promise<RawClient>
  /**
   * The transcript once nothing comes any more: it stops the gate, and waits a second for connections to end. After that there is
   * only `close`.
   */
  finish(): Promise<string>
  /** Ends every process and removes every file. Closing twice does no harm. */
  close(): Promise<void>
}

// Whoever writes JavaScript has no compiler that reads his scripts: they are held to the same rules as those in files.
const scriptOf = (given: PinentryScript | ReadonlyArray<PinentryAnswer>): PinentryScript =>
  parsePinentryScript(JSON.stringify(given), "pinentry")
const faultsOf = (given: AgentFaults): AgentFaults => parseAgentFaults(JSON.stringify(given), "agentFaults")

/** Writes a file in one step: somebody may be reading it. */
const put = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.next`, text, { mode: 0o600 })
  await rename(`${file}.next`, file)
}

/** The faults in a file, parsed anew when it has changed. A file that cannot be used keeps the last good ones, and says so. */
const faultsIn = (file: string, first: AgentFaults, complain: (what: string) => void) => {
  let known = ""
  let faults = first
  return (): AgentFaults => {
    const text = readFileSync(file, "utf8")
    if (text === known) return faults
    known = text
    try {
      faults = parseAgentFaults(text, "agent-faults.json")
    } catch (error) {
      complain(String(error))
    }
    return faults
  }
}

/** Starts everything; the gate serves when the promise is fulfilled. Where that fails, nothing is left. */
export const startHarness = async (options: HarnessOptions = {}): Promise<Harness> => {
  const closers: Array<() => Promise<unknown>> = []
  let closing: Promise<void> | undefined
  const close = () =>
    closing ??= (async () => {
      const errors: Array<unknown> = []
      for (const closer of closers.toReversed()) await closer().catch((error: unknown) => errors.push(error))
      if (errors.length > 0) throw errors[0]
    })()
  try {
    return { ...await build(options, (closer) => void closers.push(closer)), close, [Symbol.asyncDispose]: close }
  } catch (error) {
    // why it failed is what counts, and closing may fail of the same
    await close().catch(() => {})
    throw error
  }
}

/** What `startHarness` starts; each part gives `opened` what closes it, and the last is closed first. */
const build = async (
  options: HarnessOptions,
  opened: (closer: () => Promise<unknown>) => void
): Promise<Omit<Harness, "close" | typeof Symbol.asyncDispose>> => {
  const { app, gpgConf = [], policy } = options
  const agentFaults = options.agentFaults === undefined ? undefined : faultsOf(options.agentFaults)
  const pinentry = options.pinentry === undefined ? undefined : scriptOf(options.pinentry)
  const watchdog = startWatchdog()
  opened(watchdog.close)
  const owner = await makeHomedir({
    agentConf: ["disable-scdaemon", ...options.agentConf ?? []],
    control: "control",
    ...pinentry !== undefined && { pinentry }
  })
  watchdog.add(owner.path)
  opened(owner.close)
  const real = await owner.agentSocket()
  if (dirname(real) !== owner.path) watchdog.add(dirname(real))
  const keys: Array<TestKey> = []
  for (const key of options.keys ?? ["alice"]) keys.push(await addKey(owner, key))
  await owner.launchAgent()

  const control = join(owner.path, "control")
  const recorder = startRecorder(join(control, "transcript"))
  opened(async () => recorder.close())
  let upstream = real
  const faultsFile = join(control, "agent-faults.json")
  if (agentFaults !== undefined) {
    await put(faultsFile, JSON.stringify(agentFaults))
    const complain = (what: string) => recorder.note("gate", 0, "=", what)
    const socket = join(owner.path, "faulty.sock")
    const faulty = await startFaultyAgent({ real, socket, faults: faultsIn(faultsFile, agentFaults, complain) })
    opened(faulty.close)
    upstream = socket
  }
  const agentTap = await startTap({ listen: join(owner.path, "a.sock"), to: upstream, place: "agent", recorder })
  opened(agentTap.close)

  const args = ["--upstream", agentTap.socket, "--state", join(owner.path, "state"), "--control", join(control, "gate")]
  if (policy !== undefined) {
    await writeFile(join(control, "policy.toml"), policy, { mode: 0o600 })
    args.push("--policy", join(control, "policy.toml"))
  } else args.push("--default", "allow")
  const appSocket = join(owner.path, "app.sock")
  if (app !== undefined) args.push("--listen", `${app}=${appSocket}`)
  // what it says at its start is for the owner of a desktop
  let serves = false
  const gate = await startGate({
    home: owner,
    args,
    onLog: (line) => serves && recorder.note("gate", 0, "=", Buffer.from(line)),
    ...options.program !== undefined && { program: options.program }
  })
  opened(gate.close)
  serves = true
  const programTap = await startTap({
    listen: join(owner.path, "p.sock"),
    to: app === undefined ? gate.socket : appSocket,
    place: "program",
    recorder
  })
  opened(programTap.close)
  const client = await makeClientHome({ owner, socket: programTap.socket, gpgConf })
  watchdog.add(client.path)
  opened(client.close)
  const transcript = transcriptOf(recorder.file)
  return {
    homedir: client.path,
    env: client.env,
    socket: programTap.socket,
    agentSocket: real,
    control,
    keys,
    transcript,
    prompts: owner.pinentry.questions,
    setPinentry: (script) => owner.pinentry.script(scriptOf(script)),
    setAgentFaults: async (faults) => {
      if (agentFaults === undefined) {
        throw new Error("this harness was started without agentFaults: its agent is the real one")
      }
      await put(faultsFile, JSON.stringify(faultsOf(faults)))
    },
    gateLog: gate.log,
    run: (argv, runOptions) => run(argv, { ...runOptions, env: { ...client.env, ...runOptions?.env } }),
    connect: () => connectRaw(programTap.socket),
    finish: async () => {
      await gate.stop()
      for (const tap of [programTap, agentTap]) await tap.idle(1_000)
      recorder.check()
      return transcript.text()
    }
  }
}
