// Runs one and the same flow twice, from equal starting points: once with a client that is led to gpg-agent itself, once with
// one that is led to a gate whose policy allows everything. What both have seen must be the same.
import { assert, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { type fixtureKeys, importKey } from "@gripgate/testkit/keys"
import type { PinentryEvent, PinentryScript } from "@gripgate/testkit/pinentry"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { run, type RunOptions, type RunResult } from "@gripgate/testkit/run"
import { join } from "node:path"
import { isKnown, makeNormaliser, normaliseAll } from "./normalise.ts"

export type Way = "directly" | "through the gate"

/** Where a flow runs: an owner with keys and agent, and a client without keys. */
export interface Place {
  readonly way: Way
  readonly owner: Homedir
  readonly client: Homedir
  /** Where the client's programs are led to: the agent's socket, or the gate's. */
  readonly socket: string
  /** Runs a program as the client does, a moment before or after what is compared. */
  readonly quietly: (argv: ReadonlyArray<string>, options?: RunOptions) => Promise<RunResult>
  /** Runs a program as the client does; exit code and messages are compared. */
  readonly run: (argv: ReadonlyArray<string>, options?: RunOptions) => Promise<RunResult>
  /** `gpg` with its status lines among its messages. */
  readonly gpg: (args: ReadonlyArray<string>, options?: RunOptions) => Promise<RunResult>
  /** Asks the owner's agent itself, past the gate. */
  readonly askAgent: (command: string) => Promise<ReadonlyArray<string>>
}

export interface Flow {
  readonly name: string
  /** The owner's keys; `plain` (Alice, without a passphrase) where left out. */
  readonly keys?: ReadonlyArray<keyof typeof fixtureKeys>
  readonly pinentry?: PinentryScript
  /** Lines for gpg-agent.conf; `disable-scdaemon` where left out, so that it does not matter whether there is one. */
  readonly agentConf?: ReadonlyArray<string>
  /** What both runs are given, made once: a ciphertext, an exported key. The homedir is a third one with the same keys. */
  readonly given?: (home: Homedir) => Promise<Buffer>
  /** What is done before, and not compared. */
  readonly prepare?: (place: Place, given: Buffer) => Promise<unknown>
  readonly command: (place: Place, given: Buffer) => Promise<RunResult>
  /** The exit code of each program that the command runs; one 0 where left out. */
  readonly exits?: ReadonlyArray<number>
  /** A message that tells that the flow ended as its name says; needed where it ends with an error. */
  readonly says?: RegExp
  /** Judges the output of the last program, and returns what must be the same both ways. */
  readonly compare?: (place: Place, result: RunResult, given: Buffer) => Promise<unknown>
  /** What the gate has to say beyond what it permits, in order; nothing where left out. */
  readonly refusals?: ReadonlyArray<RegExp>
}

const none = Buffer.alloc(0)

/** Which keys the agent has, how they are protected, and which of them it has unlocked. */
const keysOf = async (place: Place): Promise<unknown> => {
  if (await place.owner.agentPid() === undefined) return "no agent"
  const lines = await place.askAgent("KEYINFO --list")
  // new ones have grips of chance, which would decide about the order
  const named = lines.map((line) => line.replace(/[0-9A-F]{40}/, (grip) => isKnown(grip) ? grip : "<new>"))
  return named.filter((line) => line.startsWith("S ")).toSorted()
}

/** What the person at the pinentry saw; when it was started, by which arguments and in which display. */
const prompts = (events: ReadonlyArray<PinentryEvent>): ReadonlyArray<unknown> =>
  events.map((entry) => {
    if (entry.event === "line") return entry.line
    if (entry.event === "question") return { question: entry.question }
    const env = Object.entries(entry.env).filter(([name]) => !["PATH", "_assuan_pipe_connect_pid"].includes(name))
    return { start: entry.argv, env: Object.fromEntries(env) }
  })

const openPlace = async (flow: Flow, way: Way, stack: AsyncDisposableStack) => {
  const owner = stack.use(
    await makeHomedir({
      agentConf: flow.agentConf ?? ["disable-scdaemon"],
      ...flow.pinentry !== undefined && { pinentry: flow.pinentry }
    })
  )
  for (const key of flow.keys ?? ["plain"]) await importKey(owner, key)
  // without a key there would be no file that a client's ownertrust can be taken from
  if (flow.keys?.length === 0) await owner.gpg(["--import-ownertrust"], { input: "" })
  await owner.launchAgent()
  let gate: Gate | undefined
  if (way === "through the gate") {
    const own = ["--state", join(owner.path, "state"), "--control", join(owner.path, "control")]
    gate = stack.use(await startGate({ home: owner, args: ["--default", "allow", ...own] }))
  }
  const agentSocket = await owner.agentSocket()
  const socket = gate?.socket ?? agentSocket
  const client = stack.use(await makeClientHome({ owner, socket }))
  const results: Array<RunResult> = []
  const quietly: Place["quietly"] = (argv, options) =>
    run(argv, { cwd: client.path, ...options, env: { ...client.env, ...options?.env } })
  const runAndNote: Place["run"] = async (argv, options) => {
    const result = await quietly(argv, options)
    results.push(result)
    return result
  }
  const place: Place = {
    way,
    owner,
    client,
    socket,
    quietly,
    run: runAndNote,
    gpg: (args, options) => runAndNote(["gpg", "--status-fd", "2", ...args], options),
    askAgent: async (command) => {
      await using agent = await connectRaw(await owner.agentSocket())
      await agent.readReply()
      return (await agent.command(command)).lines.map((line) => line.toString("latin1"))
    }
  }
  const names = new Map([
    [owner.path, "<owner>"],
    [client.path, "<client>"],
    [agentSocket, "<agent's socket>"],
    [socket, "<agent's socket>"]
  ])
  return { place, results, gate, normalise: makeNormaliser(names) }
}

const runOnce = async (flow: Flow, way: Way, given: Buffer) => {
  await using stack = new AsyncDisposableStack()
  const { gate, normalise, place, results } = await openPlace(flow, way, stack)
  await flow.prepare?.(place, given)
  results.length = 0
  const before = (await place.owner.pinentry.log()).length
  const result = await flow.command(place, given)
  const said = results.map(({ stderr }) => stderr).join("")
  assert.deepEqual(results.map(({ code }) => code), [...flow.exits ?? [0]], `${way}:\n${said}`)
  if (flow.says !== undefined) assert.match(said, flow.says, way)
  else assert.deepEqual(results.filter(({ code }) => code !== 0), [], "a flow that fails tells how")
  const asked = prompts((await place.owner.pinentry.log()).slice(before))
  const keys = await keysOf(place)
  const compared = await flow.compare?.(place, result, given)
  if (gate !== undefined) {
    assert.deepEqual(await gate.stop(), { code: 0, signal: null }, "the gate ends in order")
    const loud = gate.log().filter((line) => /^gripgate: (?!allowed |listening|serving|policy:|stopping)/.test(line))
    const expected = flow.refusals ?? []
    assert.strictEqual(loud.length, expected.length, loud.join("\n"))
    for (const [i, pattern] of expected.entries()) assert.match(loud[i]!, pattern)
  }
  // how long the search for a prime takes is a matter of chance; that it is shown is not
  const messages = results.map(({ stderr }) => stderr.replace(/(?:(\[GNUPG:\] PROGRESS primegen ).*\n)+/g, "$1...\n"))
  const seen = { messages: messages.map((text) => text.split("\n")), prompts: asked, keys, compared }
  return normaliseAll(seen, normalise)
}

/** Runs a flow both ways at once and compares. */
const compareBothWays = async (flow: Flow): Promise<void> => {
  let given: Buffer = none
  if (flow.given !== undefined) {
    await using home = await makeHomedir()
    for (const key of flow.keys ?? ["plain"]) await importKey(home, key)
    given = await flow.given(home)
  }
  const [direct, gated] = await Promise.all([
    runOnce(flow, "directly", given),
    runOnce(flow, "through the gate", given)
  ])
  assert.deepEqual(gated, direct)
}

/** A test for each flow. */
export const sameBothWays = (flows: ReadonlyArray<Flow>): void => {
  for (const flow of flows) it(flow.name, () => compareBothWays(flow))
}
