// A question that is put to several agents at once: what each says, or the first yes.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { Listening } from "../agent.ts"
import type { Sub } from "./sub.ts"

/** Milliseconds for one agent to say what keys it has. */
export const LIST = 2_000

/** Milliseconds in which the others may still finish what they are saying once there is a yes: else their connections are closed. */
const GRACE = 5

const quiet: Listening = { status: [], live: () => {} }
const NO_AGENT = errLine(gpgError.NO_AGENT)

/** What one of them said; `undefined` where it could not be had, or took too long. */
export type Said = { readonly ok: boolean; readonly before: Buffer; readonly final: Buffer } | undefined

const saidBy = (sub: Sub, line: Buffer, listening: Listening): Effect.Effect<Said> =>
  Effect.map(sub.askInTime(LIST, line, listening), (answer): Said => {
    const collected = sub.connection?.collected
    if (answer?.kind !== "done" || collected === undefined) return void sub.drop()
    const bytes = Buffer.from(collected.bytes)
    collected.clear()
    return { ok: answer.ok, before: bytes.subarray(0, answer.finalAt), final: bytes.subarray(answer.finalAt) }
  })

/** What all of them say, in their order. */
export const everybody = (
  subs: ReadonlyArray<Sub>,
  line: Buffer,
  listening: Listening
): Effect.Effect<ReadonlyArray<Said>> =>
  Effect.forEach(subs, (sub) => saidBy(sub, line, listening), { concurrency: "unbounded" })

/** OK as soon as one says so, whoever is slow or hangs; else the line of the first that says anything. */
export const firstYes = (subs: ReadonlyArray<Sub>, line: Buffer): Effect.Effect<Buffer> =>
  Effect.scoped(Effect.gen(function*() {
    const answers = yield* Queue.unbounded<readonly [index: number, said: Said]>()
    for (const [index, sub] of subs.entries()) {
      yield* Effect.forkScoped(Effect.flatMap(saidBy(sub, line, quiet), (said) => Queue.offer(answers, [index, said])))
    }
    const finals = new Map<number, Buffer>()
    let yes = false
    for (let left = subs.length; left > 0; left--) {
      const next: Option.Option<readonly [number, Said]> = yes
        ? yield* Effect.timeoutOption(Queue.take(answers), GRACE)
        : Option.some(yield* Queue.take(answers))
      if (Option.isNone(next)) break
      const [index, said]: readonly [number, Said] = next.value
      yes ||= said?.ok === true
      if (said !== undefined) finals.set(index, said.final)
    }
    if (yes) return OK_LINE
    return finals.get(Math.min(...finals.keys())) ?? NO_AGENT
  }))
