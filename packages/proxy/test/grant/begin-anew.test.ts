// The grants of a state directory from which the owner has moved them aside: they begin anew, and an old copy that is put back
// later is known for one.
import { assert, describe, it } from "@effect/vitest"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { copyFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { GRANTS, type GrantStore, openGrants } from "../../src/grant/grant-store.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { A, alwaysFor, B, inForce } from "./place.ts"

const files = [GRANTS, `${GRANTS}.head`]

/** Opens them as a gate does whose journal knows of so many records; what is logged. */
const opened = <A>(state: string, atLeast: number, use: (grants: GrantStore["Service"]) => Effect.Effect<A, unknown>) =>
  Effect.suspend(() => {
    const { layer, lines } = recordingLog()
    const open = Effect.provide(openGrants({ state, atLeast }), Layer.merge(layer, layerWebCrypto))
    return Effect.map(Effect.scoped(Effect.flatMap(open, use)), (result) => ({ result, lines }))
  })
const found = (state: string, atLeast: number) => opened(state, atLeast, (grants) => Effect.succeed(inForce(grants)))

describe("grants that were moved aside", () => {
  it.live("begin anew with none, say so, and are kept from then on", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      yield* opened(state, 0, (grants) => grants.give([alwaysFor(A), alwaysFor(B)], undefined))
      assert.strictEqual((yield* found(state, 2)).result, "AB")
      for (const file of files) rmSync(join(state, file))
      const anew = yield* opened(state, 2, (grants) => Effect.sync(() => inForce(grants)))
      assert.strictEqual(anew.result, "")
      assert.match(String(anew.lines.map(([, text]) => text)), /grants\.jsonl begins anew: nothing is granted/)
      yield* opened(state, 2, (grants) => grants.give([alwaysFor(B)], undefined))
      const next = yield* found(state, 4)
      assert.strictEqual(next.result, "B")
      assert.deepStrictEqual(next.lines, [])
    }))

  it.live("are not taken from an old copy, neither one of before nor one of after", () =>
    Effect.gen(function*() {
      const [state, before, after] = [yield* scratch, yield* scratch, yield* scratch]
      const copy = (from: string, to: string) => {
        for (const file of files) copyFileSync(join(from, file), join(to, file))
      }
      yield* opened(state, 0, (grants) => grants.give([alwaysFor(A), alwaysFor(A), alwaysFor(A)], undefined))
      copy(state, before)
      for (const file of files) rmSync(join(state, file))
      yield* opened(state, 3, (grants) => grants.give([alwaysFor(B)], undefined))
      copy(state, after)
      yield* opened(state, 5, (grants) => grants.revoke(grants.all(), { through: "test" }))
      for (const old of [before, after]) {
        copy(old, state)
        const { hint, message } = yield* Effect.flip(openIn(state, 6))
        assert.match(message, /the journal knows of 6: an old copy was put back$/)
        assert.include(hint, "move both aside, and grant anew")
      }
      // and what the hint says helps
      for (const file of files) rmSync(join(state, file))
      assert.strictEqual((yield* found(state, 6)).result, "")
    }))
})

const openIn = (state: string, atLeast: number) =>
  Effect.scoped(Effect.provide(openGrants({ state, atLeast }), Layer.merge(recordingLog().layer, layerWebCrypto)))
