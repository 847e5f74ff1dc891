// The key directory of a running gate: the owner's keys as they were last read, and the policy in force, resolved against
// them. Keys are read in the background; a session only looks up what is there.
import type { Wrong } from "@gripgate/policy/file/problem"
import { parseSelector } from "@gripgate/policy/file/selector"
import { type Known, makeKeyIndex } from "@gripgate/policy/keys/key-index"
import type { Certificate } from "@gripgate/policy/keys/keyring"
import { type KeyNote, needsKeyring, type Pins, type Resolved, resolveKeys } from "@gripgate/policy/keys/resolve"
import { sameKeys } from "@gripgate/policy/keys/same-keys"
import { standFor } from "@gripgate/policy/keys/stand-for"
import type { World } from "@gripgate/policy/keys/world"
import { formatPlace, type Policy } from "@gripgate/policy/policy"
import { sees, visible } from "@gripgate/policy/visible"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { LogService, type Priority } from "../log.ts"
import { PolicyProblems } from "../policy-file.ts"
import { reasonOf } from "../reason.ts"
import type { AgentConnection, NoAgent } from "../upstream/agent.ts"
import type { KeyDirectory, KeyInfo } from "./key-directory.ts"
import { readKeyring } from "./keyring.ts"
import { type MadeKeysError, openMadeKeys } from "./made-keys.ts"
import { readSecretKeys, secretFiles, type SecretKeys } from "./secret-keys.ts"
import { watchKeys } from "./watch-keys.ts"

export interface DirectorySettings {
  /** GnuPG's homedir; without one there is no keyring. */
  readonly homedir: string | undefined
  /** The gate's state directory, which it has locked. */
  readonly state: string
  /** A connection to the agent if one runs: asking for keys is no reason to start it. */
  readonly agent: Effect.Effect<AgentConnection, NoAgent>
  /** Whether the agent is that of the homedir, so that the files there tell its keys while it does not run. */
  readonly ownAgent: boolean
  /** Where sessions find the policy: `adopt` and every change of keys set it. */
  readonly policy: { current: Policy; generation: number }
}

/** The directory, and how a policy gets into it. */
export interface Directory extends Lookup {
  /**
   * Puts a policy in force, resolved against the keys as they are now: addresses are pinned. Waits for keys that are being
   * read, 3 s at most and only if the policy needs them; what comes later takes effect later. Fails, and the policy before
   * stays, where a selector cannot stand for what it says.
   */
  readonly adopt: (policy: Policy) => Effect.Effect<void, PolicyProblems>
  /** Waits until the keys that there are have been read, for at most 3 s: what is not read yet is not found by name. */
  readonly settled: Effect.Effect<void>
  /** The secret keys that a selector of the policy file, or a keygrip, stands for now; fails with what is wrong with it. */
  readonly named: (text: string) => Result.Result<ReadonlyArray<Keygrip>, Wrong>
}

type Lookup = KeyDirectory["Service"]

/** Milliseconds without a further change after which GnuPG is taken to be done. */
const SETTLE = 200
/** Where changes do not end, keys are read all the same after this many times of waiting. */
const UNREST = 10
/** Milliseconds for which a policy waits for keys. */
const PATIENCE = 3_000
/** Lines about a policy's selectors in the log at once. */
const MAX_TOLD = 20

/** Makes the directory and begins to read keys; needs a lock on the state directory. */
export const makeDirectory = Effect.fnUntraced(function*(
  settings: DirectorySettings
): Effect.fn.Return<Directory, MadeKeysError, Scope.Scope | LogService> {
  const log = yield* LogService
  const { homedir, ownAgent, policy: ref } = settings
  const made = yield* openMadeKeys(settings.state)
  const events = yield* Queue.sliding<"event">(1)
  const upToDate = Latch.makeUnsafe(false)
  const changed = (): void => {
    upToDate.closeUnsafe()
    Queue.offerUnsafe(events, "event")
  }

  let certificates: ReadonlyArray<Certificate> | undefined
  let secrets: SecretKeys | undefined
  const world = (): World => ({ certificates, secret: secrets && new Set(secrets.keys()), made: made.grips })
  let known: (keygrip: Keygrip) => Known | undefined = () => undefined
  const infos = new Map<Keygrip, KeyInfo>()

  let adopted: { readonly policy: Policy; readonly pins: Pins } | undefined
  const tell = makeTell(log.write)
  const enforce = (policy: Policy, { notes, pins, policy: resolved }: Resolved): void => {
    adopted = { policy, pins }
    tell(notes)
    ref.current = resolved
    ref.generation++
  }

  const resolveAgain = (): void => {
    if (adopted === undefined) return
    const { pins, policy } = adopted
    const resolved = resolveKeys(policy, world(), pins)
    if (resolved.problems.length > 0) {
      const about = "the keys changed, and the policy cannot follow: what it named before stays in force"
      return tell(resolved.problems.map((problem) => ({ ...problem, level: "error" as const })), about)
    }
    if (!sameKeys(ref.current, resolved.policy)) return enforce(policy, resolved)
    adopted = { policy, pins: resolved.pins }
    tell(resolved.notes)
  }

  const readSecrets = Effect.gen(function*() {
    const asked = yield* Effect.result(
      Effect.acquireUseRelease(settings.agent, readSecretKeys, (connection) => Effect.sync(() => connection.close()))
    )
    // one that does not tell, or is gone in the middle, takes nothing back
    if (asked._tag === "Success") return asked.success ?? secrets
    const files = ownAgent && homedir !== undefined ? secretFiles(homedir) : undefined
    if (files === undefined) return secrets
    return new Map([...files].map((keygrip) => [keygrip, secrets?.get(keygrip)]))
  })

  const unwatched = new Set<string>()
  const watch = homedir === undefined ? undefined : yield* watchKeys(homedir, changed, (error, folder) => {
    if (unwatched.has(folder)) return
    unwatched.add(folder)
    log.write(4, `changes of keys are not noticed: ${folder}: ${reasonOf(error)}`)
  })
  const readOnce = Effect.gen(function*() {
    // first watch, then read: a change between the two is an event
    yield* Effect.sync(() => watch?.set())
    const [keyring, keys] = yield* Effect.all([
      homedir === undefined ? Effect.undefined : readKeyring(homedir),
      readSecrets
    ], { concurrency: 2 })
    // gpg replaces its keyring: for a moment there is none
    certificates = keyring ?? certificates
    secrets = keys
    known = makeKeyIndex(world()).known
    infos.clear()
    resolveAgain()
    if ((yield* Queue.size(events)) === 0) upToDate.openUnsafe()
  })
  const settle = Effect.gen(function*() {
    yield* Queue.take(events)
    for (let i = 0; i < UNREST; i++) {
      yield* Effect.sleep(SETTLE)
      if ((yield* Queue.clear(events)).length === 0) return
    }
  })
  yield* Effect.forkScoped(Effect.andThen(readOnce, Effect.forever(Effect.andThen(settle, readOnce))))

  const patiently = Effect.timeoutOption(upToDate.await, PATIENCE)
  const adopt = Effect.fnUntraced(function*(policy: Policy): Effect.fn.Return<void, PolicyProblems> {
    if (needsKeyring(policy) && Option.isNone(yield* patiently)) {
      const message = `keys are not read within ${PATIENCE / 1000} s: those that the policy names come in later`
      log.write(4, message)
    }
    const resolved = resolveKeys(policy, world())
    if (resolved.problems.length > 0) {
      return yield* new PolicyProblems({ file: policy.file ?? "the policy", problems: resolved.problems })
    }
    enforce(policy, resolved)
  })

  const named = (text: string): ReturnType<Directory["named"]> => {
    // forty digits are a fingerprint to gpg, and a keygrip to its agent
    const keygrip = parseKeygrip(text)
    const wanted = parseSelector(text)
    if (Result.isFailure(wanted)) return keygrip === undefined ? Result.fail(wanted.failure) : Result.succeed([keygrip])
    if (wanted.success.kind === "all") {
      return Result.fail({ message: "a grant is for keys by name", hint: "name each of them" })
    }
    const selector = { text, wanted: wanted.success, place: { file: "", line: 0, column: 0 } }
    const found = standFor(selector, makeKeyIndex(world()), undefined).keys.map((key) => key.keygrip)
    return Result.succeed(found.length === 0 && keygrip !== undefined ? [keygrip] : found)
  }

  const own = (app: string | undefined, keygrip: Keygrip): boolean => app !== undefined && made.own(app, keygrip)
  const info = (keygrip: Keygrip): KeyInfo => {
    const before = infos.get(keygrip)
    if (before !== undefined) return before
    const protection = secrets?.get(keygrip)
    const found: KeyInfo = {
      keygrip,
      capabilities: undefined,
      ...known(keygrip),
      ...(protection === undefined ? {} : { protection })
    }
    // a client can ask for any number of keys that do not exist
    if (infos.size >= MAX_INFOS) infos.clear()
    infos.set(keygrip, found)
    return found
  }
  return {
    adopt,
    changed,
    settled: Effect.asVoid(patiently),
    named,
    info,
    own,
    seesAll: (app) => sees(ref.current, app) === "all",
    visible: (app, keygrip) => visible(ref.current, app, keygrip) || own(app, keygrip),
    made: (app, keygrip, origin) => Effect.andThen(made.made(app, keygrip, origin), Effect.sync(changed)),
    gone: (keygrip) => Effect.andThen(made.gone(keygrip), Effect.sync(changed))
  }
})

/** Keys whose particulars are kept put together. */
const MAX_INFOS = 4096

type Told = Omit<KeyNote, "level"> & { readonly level: KeyNote["level"] | "error" }

const priorities: Record<Told["level"], Priority> = { error: 3, warning: 4, note: 5 }

/** Tells what was not told the last time, below a headline if there is one. */
const makeTell = (write: (priority: Priority, message: string) => void) => {
  let told: ReadonlySet<string> = new Set()
  return (remarks: ReadonlyArray<Told>, headline?: string): void => {
    const lines = new Map<string, Priority>()
    for (const { hint, level, message, place } of remarks) {
      lines.set(`${formatPlace(place)}: ${message}${hint === undefined ? "" : ` (${hint})`}`, priorities[level])
    }
    const fresh = [...lines].filter(([line]) => !told.has(line))
    told = new Set(lines.keys())
    if (headline !== undefined && fresh.length > 0) write(3, headline)
    for (const [line, priority] of fresh.slice(0, MAX_TOLD)) write(priority, line)
    if (fresh.length > MAX_TOLD) {
      write(4, `and ${fresh.length - MAX_TOLD} more like these: gripgate lint tells them all`)
    }
  }
}
