// `gripgate demo`: builds the stage, plays the scenes, and takes everything down again whatever happens. What is started
// here is a gate as anybody would start it, this very program in a process of its own.
import { makeClientHome } from "@gripgate/testkit/client-home"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { isAlive } from "@gripgate/testkit/processes"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, quietly } from "../../failure.ts"
import { print, readerGone } from "../../output.ts"
import { signalCode, stopSignal } from "../../signals.ts"
import { key, policy, type Scene, scenes, type Stage } from "./scenes.ts"
import { show, type Shown, title } from "./stage.ts"

/** Plays the demo. Ends with 0 if every scene went as it should, with 1 otherwise, and as the signal says after one. */
export const demo: Effect.Effect<void, Failure> = Effect.suspend(() => {
  const signal = stopSignal(["SIGINT", "SIGTERM", "SIGHUP"])
  const stopped = Effect.flatMap(signal, (name) => Effect.fail(quietly(signalCode[name])))
  const unread = Effect.andThen(readerGone, Effect.fail(quietly(exitCode.failed)))
  return Effect.raceFirst(all, Effect.raceFirst(stopped, unread))
})

const all = Effect.gen(function*() {
  const started = performance.now()
  const { left, wrong } = yield* Effect.scoped(play)
  const remains = left()
  if (remains.length > 0) return yield* failure(exitCode.failed, `the demo left behind: ${remains.join(", ")}`)
  if (wrong > 0) return yield* failure(exitCode.failed, `${wrong} of ${scenes.length} scenes did not go as they should`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  yield* print(title(`All ${scenes.length} went as they should, in ${seconds} s. Nothing is left behind.`).trimEnd())
})

const play = Effect.gen(function*() {
  const stage = yield* build
  const agent = yield* step(() => stage.owner.agentPid())
  yield* print(introduction(stage))
  let wrong = 0
  for (const [i, scene] of scenes.entries()) {
    yield* print(title(`${i + 1}. ${scene.title}`))
    if (!(yield* step(() => playScene(scene, stage)))) wrong++
  }
  const folders = [stage.owner.path, stage.client.path]
  const processes = [stage.gate.pid, ...agent === undefined ? [] : [agent]]
  const left = () => [...folders.filter(existsSync), ...processes.filter(isAlive).map((pid) => `process ${pid}`)]
  return { wrong, left }
})

/**
 * One step of the work. It is not interrupted half-way: a gpg that is still running when its agent is taken away starts
 * another one, and that would be left behind. Each is bounded by its own limits.
 */
const step = <A>(work: () => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.uninterruptible(Effect.tryPromise({
    try: work,
    catch: (error) => {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT"
      const hint = missing ? "the demo needs gpg and gpg-agent (Debian: apt-get install gpg gpg-agent)" : undefined
      return failure(
        exitCode.failed,
        `the demo cannot go on: ${error instanceof Error ? error.message : String(error)}`,
        hint
      )
    }
  }))

const opened = <A extends AsyncDisposable>(open: () => Promise<A>): Effect.Effect<A, Failure, Scope.Scope> =>
  Effect.acquireDisposable(step(open))

const build = Effect.gen(function*() {
  const owner = yield* opened(() => makeHomedir({ pinentry: { answers: [], default: { pin: key.passphrase } } }))
  yield* step(() => importKey(owner, "protected"))
  const gate = yield* opened(() => startGate({ home: owner, policy, program: process.argv[1]! }))
  const client = yield* opened(() => makeClientHome({ owner, socket: gate.socket }))
  // or gpg would speak of it in the midst of the first scene
  yield* step(() => client.gpg(["--check-trustdb"]))
  const stage: Stage = { owner, client, gate, print: (shown: Shown) => void process.stdout.write(`${show(shown)}\n`) }
  return stage
})

const introduction = ({ client, gate, owner }: Stage): string =>
  [
    title("Stock gpg, a gate, and stock gpg-agent").trim(),
    "",
    `  owner    ${owner.path}: a key with a passphrase, and its agent`,
    `  gate     gripgate serve --homedir ${owner.path} \\`,
    `             --listen ${gate.socket} --policy policy.toml`,
    ...policy.trimEnd().split("\n").map((line, i) => `  ${i === 0 ? "policy " : "       "}  ${line}`.trimEnd()),
    `  client   GNUPGHOME=${client.path}`,
    "           public keys, and a redirect file that leads gpg to the gate"
  ].join("\n")

const playScene = async (scene: Scene, stage: Stage): Promise<boolean> => {
  if (scene.about !== "") stage.print({ kind: "text", text: scene.about })
  const before = stage.gate.log().length
  const { ok, text } = await scene.play(stage)
  const logged = await stage.gate.waitForLog(scene.log, 3_000).then(() => true, () => false)
  stage.print({ kind: "log", lines: stage.gate.log().slice(before) })
  stage.print({
    kind: "verdict",
    ok: ok && logged,
    text: logged ? text : `${ok ? "" : `${text}; `}the gate logged nothing of it`
  })
  return ok && logged
}
