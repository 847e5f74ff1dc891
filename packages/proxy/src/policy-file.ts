// The policy as a gate has it: read from its file, held where sessions find it, read again when the file changes. What a
// policy means is judged in @gripgate/policy; what a changed one does to sockets is the gate's own matter.
import { builtin } from "@gripgate/policy/builtin"
import { MAX_POLICY_BYTES, parsePolicy } from "@gripgate/policy/file/parse"
import { formatPlace, type Place, type Policy } from "@gripgate/policy/policy"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { isUtf8 } from "node:buffer"
import { constants, type FSWatcher, watch } from "node:fs"
import { open, realpath, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { LogService } from "./log.ts"
import { reasonOf } from "./reason.ts"
import type { PolicySource } from "./settings.ts"

/** One reason why a policy cannot be used. Without a place it is about the file as a whole. */
export interface PolicyProblem {
  readonly place?: Place
  readonly message: string
  readonly hint?: string
}

/** A policy that cannot be used, with everything that is wrong with it; there is at least one problem. Exit code 78. */
export class PolicyProblems extends Data.TaggedError("PolicyProblems")<{
  readonly file: string
  readonly problems: ReadonlyArray<PolicyProblem>
}> {
  override get message(): string {
    return this.problems.map((problem) => problemText(this.file, problem)).join("\n")
  }
}

/** `FILE:LINE:COLUMN: message`, or `FILE: message` for what is about the whole file. The hint is not in it. */
export const problemText = (file: string, { message, place }: PolicyProblem): string =>
  `${place === undefined ? file : formatPlace(place)}: ${message}`

/** The policy in force. Plain and mutable, because every command reads it; `generation` counts the changes. */
export class PolicyRef extends Context.Service<PolicyRef, { current: Policy; generation: number }>()(
  "gripgate/proxy/PolicyRef"
) {}

/**
 * The policy that a source names. A file must be a regular one of at most 1 MiB, in UTF-8; a FIFO or a device is refused
 * without being read.
 */
export const loadPolicy = (source: PolicySource): Effect.Effect<Policy, PolicyProblems> =>
  source.kind === "default"
    ? Effect.succeed(builtin(source.verdict))
    : Effect.flatMap(readText(source.file), (text) => Effect.fromResult(parse(text, source.file)))

/** Milliseconds without a further event after which a file is taken to be written to its end. */
const SETTLE = 50
/** A folder in which something happens all the time is looked at all the same, after this many times of waiting. */
const UNREST = 20

/**
 * Looks after a policy file until the scope ends. `onChange` gets each new policy, which it may refuse, and once at the start what the file says
 * then, because it may have changed since it was loaded. A policy that cannot be used is told in the log and the one before
 * stays in force, as it does when the file is gone. `reload` reads the file at once and says in the log what came of it,
 * changed or not (SIGHUP).
 */
export const watchPolicy = Effect.fnUntraced(function*(
  source: PolicySource,
  onChange: (policy: Policy) => Effect.Effect<void, PolicyProblems>
): Effect.fn.Return<{ readonly reload: Effect.Effect<void> }, never, Scope.Scope | LogService> {
  const log = yield* LogService
  if (source.kind === "default") {
    const message = `nothing to read again: the policy is built in, default = "${source.verdict}"`
    return { reload: Effect.sync(() => log.write(5, message)) }
  }
  const { file } = source
  const events = yield* Queue.sliding<"event">(1)
  const folders = yield* watchFolders((error, folder) => {
    log.write(4, `changes of the policy are not noticed, send SIGHUP after one: ${folder}: ${reasonOf(error)}`)
  }, () => Queue.offerUnsafe(events, "event"))

  // What the file said when it was last looked at, or why it could not be read, so that each is told once.
  let seen: string | undefined
  const look = Effect.fnUntraced(function*(asked: boolean) {
    // First watch, then read: a change between the two is an event.
    yield* folders.watch(file)
    const text = yield* Effect.result(readText(file))
    const now = Result.isSuccess(text) ? text.success : text.failure.message
    const first = seen === undefined
    if (now === seen && !asked) return
    seen = now
    const policy = Result.flatMap(
      text,
      (text) => text === "" && !first ? Result.fail(emptied(file)) : parse(text, file)
    )
    const taken = yield* Effect.result(Effect.flatMap(Effect.fromResult(policy), onChange))
    if (Result.isFailure(taken)) {
      log.write(3, `the policy is not read again, the one before stays in force: ${file}`)
      for (const problem of taken.failure.problems) log.write(3, lineOf(file, problem))
      return
    }
    if (!first) log.write(5, `the policy has been read again: ${file}`)
  })

  const turn = yield* Semaphore.make(1)
  const settle = Effect.fnUntraced(function*() {
    yield* Queue.take(events)
    for (let i = 0; i < UNREST; i++) {
      yield* Effect.sleep(SETTLE)
      if ((yield* Queue.clear(events)).length === 0) return
    }
  })
  yield* turn.withPermit(look(false))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(settle(), turn.withPermit(look(false)))))
  return { reload: turn.withPermit(look(true)) }
})

// A file of no bytes is what is left of one that is being written, or that a full disk did not take; as a policy it would
// allow everything. At the start of a gate it may be meant, and is what `lint` warns of.
const emptied = (file: string): PolicyProblems => {
  const hint = "a policy that allows everything says default = \"allow\""
  return new PolicyProblems({ file, problems: [{ message: "the file is empty now", hint }] })
}

const lineOf = (file: string, problem: PolicyProblem): string =>
  problem.hint === undefined ? problemText(file, problem) : `${problemText(file, problem)} (${problem.hint})`

/** Watches of folders that live as long as the scope; `watch` sets them on those that a file depends on at present. */
const watchFolders = (failed: (error: unknown, folder: string) => void, happened: () => void) => {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>()
  const drop = (folder: string) => {
    watchers.get(folder)?.watcher.close()
    watchers.delete(folder)
  }
  const set = async (folder: string) => {
    const fail = (error: unknown) => {
      drop(folder)
      failed(error, folder)
    }
    try {
      // A folder that was removed and made anew has the same name, and its old watch never says anything again.
      const { dev, ino } = await stat(folder)
      const inode = `${dev} ${ino}`
      if (watchers.get(folder)?.inode === inode) return
      drop(folder)
      // Not persistent: a watch is no reason for a process to live.
      const watcher = watch(folder, { persistent: false }, happened).on("error", fail)
      watchers.set(folder, { watcher, inode })
    } catch (error) {
      fail(error)
    }
  }
  /** The folder and not the file: an editor puts a new file in its place. Where it is a link, that of the target too. */
  const watchFile = async (file: string) => {
    const folders = new Set([dirname(file), dirname(await realpath(file).catch(() => file))])
    for (const folder of watchers.keys()) if (!folders.has(folder)) drop(folder)
    for (const folder of folders) await set(folder)
  }
  return Effect.acquireRelease(
    Effect.succeed({ watch: (file: string) => Effect.promise(() => watchFile(file)) }),
    () => Effect.sync(() => [...watchers.keys()].forEach(drop))
  )
}

const parse = (text: string, file: string): Result.Result<Policy, PolicyProblems> =>
  Result.mapError(parsePolicy(text, file), (problems) => new PolicyProblems({ file, problems }))

const readText = (file: string): Effect.Effect<string, PolicyProblems> => {
  const unusable = (message: string) => new PolicyProblems({ file, problems: [{ message }] })
  return Effect.tryPromise({
    try: async () => {
      // O_NONBLOCK: to open a FIFO would wait for its writer.
      await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
      const found = await handle.stat()
      if (found.isDirectory()) throw unusable("expected a policy file, found a directory")
      if (!found.isFile()) throw unusable("expected a policy file, found something that is no regular file")
      const bytes = Buffer.alloc(MAX_POLICY_BYTES + 1)
      let length = 0
      for (;;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      if (length > MAX_POLICY_BYTES) throw unusable(`the policy is larger than 1 MiB (${MAX_POLICY_BYTES} bytes)`)
      const text = bytes.subarray(0, length)
      if (!isUtf8(text)) throw notUtf8(text, file)
      return text.toString("utf8")
    },
    catch: (error) =>
      error instanceof PolicyProblems ? error : unusable(`the policy cannot be read: ${reasonOf(error)}`)
  })
}

const notUtf8 = (bytes: Buffer, file: string): PolicyProblems => {
  const lines = bytes.toString("latin1").split("\n")
  const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, "latin1"))) + 1
  const hint = "save the file as UTF-8"
  const problem = { place: { file, line, column: 1 }, message: "this line is not UTF-8", hint }
  return new PolicyProblems({ file, problems: [problem] })
}
