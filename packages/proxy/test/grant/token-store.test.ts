// The store of grants with tokens against a model of it: no use beyond the number, and what a restart finds is what was in memory.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import fc from "fast-check"
import { AcceptedToken } from "../../src/grant/accepted.ts"
import { type GrantRecord, readGrantRecord } from "../../src/grant/grant-record.ts"
import { makeProof } from "../../src/grant/seal.ts"
import type { TokenGrant, TokenPart } from "../../src/grant/token-grant.ts"
import { draftToken, makeTokenStore } from "../../src/grant/token-store.ts"
import { ShortIds } from "../../src/short-id.ts"
import { A, B, by } from "./place.ts"

interface Written {
  readonly record: GrantRecord
  readonly at: number
}

const day = 86_400_000

/** A store over a list of records, and a clock that the test turns. */
class Place {
  readonly written: Array<Written> = []
  now = 1_700_000_000_000
  /** Records are durable when this is done. */
  disk: Promise<void> | undefined
  store = this.open()

  /** What a restart finds in the records, as they stand on a disk. */
  open() {
    const store = makeTokenStore({
      clocks: { wall: () => this.now, steady: () => this.now },
      ids: new ShortIds(),
      write: (record) =>
        Effect.suspend(() => {
          const written = { n: this.append(record), at: this.now }
          return this.disk === undefined
            ? Effect.succeed(written)
            : Effect.promise(() => this.disk!.then(() => written))
        }),
      begin: (record) => {
        const n = this.append(record)
        return { isWritten: () => true, written: Effect.succeed(true), number: () => n }
      },
      tell: () => Effect.void
    })
    for (const { at, record } of this.written) {
      const read = Result.getOrThrow(readGrantRecord(JSON.parse(JSON.stringify(record))))
      if (read.op !== "granted" && read.op !== "begun") store.replay(read, at)
    }
    return store
  }

  private append(record: GrantRecord): number {
    return this.written.push({ record, at: this.now })
  }
}

const newToken = (id: string): { readonly token: Buffer; readonly part: TokenPart } => {
  const { secret, token } = draftToken(id)
  return { token, part: { proof: makeProof(secret), seals: new Map() } }
}

/** What matters of a grant. How often one without a number was used is for people, and not kept. */
const stateOf = (store: Place["store"], { id }: { readonly id: string }) => {
  const grant = store.get(id)
  assert.isDefined(grant)
  const { expiresAt, keygrips, madeAt, maxUses, operations, previous, revokedAt, stale, token, uses } = grant!
  return {
    expiresAt,
    keygrips,
    madeAt,
    maxUses,
    operations: [...operations],
    previous: previous && { proof: previous.proof, until: previous.until },
    revokedAt,
    stale: [...stale],
    proof: token.proof,
    uses: maxUses === undefined ? undefined : uses,
    isLive: store.isLive(grant!)
  }
}

type Act =
  | { readonly act: "give"; readonly maxUses: number | undefined; readonly time: number | undefined }
  | { readonly act: "use" | "revoke" | "stale"; readonly which: number }
  | { readonly act: "rotate"; readonly which: number; readonly overlap: number | undefined }
  | {
    readonly act: "renew"
    readonly which: number
    readonly maxUses: number | undefined
    readonly time: number | undefined
  }
  | { readonly act: "wait"; readonly time: number }
  | { readonly act: "restart" }

const optional = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })
const time = fc.constantFrom(1, 1_000, day)
const which = fc.nat(3)
const count = fc.integer({ min: 1, max: 4 })
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ act: fc.constant("give" as const), maxUses: optional(count), time: optional(time) }),
  { weight: 5, arbitrary: fc.record({ act: fc.constant("use" as const), which }) },
  fc.record({ act: fc.constantFrom("revoke" as const, "stale" as const), which }),
  fc.record({ act: fc.constant("rotate" as const), which, overlap: optional(time) }),
  fc.record({ act: fc.constant("renew" as const), which, maxUses: optional(count), time: optional(time) }),
  fc.record({ act: fc.constant("wait" as const), time }),
  fc.record({ act: fc.constant("restart" as const) })
)

/** What the test knows of a grant: its newest token, and how many uses are left of those that were promised. */
interface Model {
  readonly id: string
  token: Buffer
  left: number
  ended: boolean
}

const obey = (place: Place, models: Array<Model>, one: Act): void => {
  if (one.act === "wait") {
    place.now += one.time
    return
  }
  if (one.act === "restart") {
    place.store = place.open()
    return
  }
  const { store } = place
  if (one.act === "give") {
    const id = store.nextId()
    const { part, token } = newToken(id)
    const grant: TokenGrant = {
      id,
      app: "git",
      definition: "socket=git",
      keygrips: [A, B],
      operations: new Set(["sign", "decrypt"]),
      ...one.time !== undefined && { expiresAt: place.now + one.time },
      ...one.maxUses !== undefined && { maxUses: one.maxUses },
      token: part,
      by,
      madeAt: place.now,
      stale: new Map(),
      uses: 0
    }
    Effect.runSync(store.give(grant))
    models.push({ id, token, left: one.maxUses ?? Infinity, ended: false })
    return
  }
  const model = models[one.which]
  if (model === undefined) return
  const grant = store.get(model.id)!
  switch (one.act) {
    case "use": {
      const accepted = store.present(Buffer.from(model.token), "git", "socket=git")
      if (!(accepted instanceof AcceptedToken)) {
        assert.isFalse(store.isLive(grant), "the newest token of a live grant is accepted")
        return
      }
      assert.isFalse(model.ended, "nothing is used after it was revoked")
      if (store.hinders(accepted, A) !== undefined) return
      store.use([accepted])
      model.left--
      assert.isAtLeast(model.left, 0, "no use beyond the number")
      return
    }
    case "revoke":
      Effect.runSync(store.revoke([grant], by))
      model.ended = true
      return
    case "stale": {
      const accepted = store.present(Buffer.from(model.token), "git", "socket=git")
      if (!(accepted instanceof AcceptedToken)) return
      Effect.runSync(store.stale(accepted, A))
      assert.isDefined(store.hinders(accepted, A))
      return
    }
    case "rotate": {
      const { part, token } = newToken(model.id)
      const until = one.overlap === undefined ? undefined : place.now + one.overlap
      Effect.runSync(store.rotate(grant, part, until, by))
      model.token = token
      return
    }
    case "renew": {
      const used = grant.maxUses === undefined ? 0 : grant.uses
      const all = one.maxUses === undefined ? undefined : one.maxUses + used
      Effect.runSync(store.renew(grant, one.time === undefined ? undefined : place.now + one.time, all, by))
      if (one.maxUses !== undefined) model.left = one.maxUses
    }
  }
}

describe("a store of grants with tokens", () => {
  it("gives no use beyond the number, and a restart finds what was in memory, whatever happens in which order", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const place = new Place()
        const models: Array<Model> = []
        for (const one of acts) {
          obey(place, models, one)
          const again = place.open()
          for (const model of models) assert.deepStrictEqual(stateOf(place.store, model), stateOf(again, model))
        }
      }),
      { numRuns: 300 }
    )
  })

  it("is not stale after a restart by a seal that a rotation was about to replace", async () => {
    const place = new Place()
    const models: Array<Model> = []
    obey(place, models, { act: "give", maxUses: undefined, time: undefined })
    const [model] = models as [Model]
    const grant = place.store.get(model.id)!
    const accepted = place.store.present(Buffer.from(model.token), "git", "socket=git")
    if (!(accepted instanceof AcceptedToken)) throw new Error(accepted.rejected)
    const disk = Promise.withResolvers<void>()
    place.disk = disk.promise
    const rotated = Effect.runPromise(place.store.rotate(grant, newToken(model.id).part, undefined, by))
    const stale = Effect.runPromise(place.store.stale(accepted, A))
    disk.resolve()
    await Promise.all([rotated, stale])
    assert.deepStrictEqual(place.written.map(({ record }) => record.op), ["tokenGranted", "rotated", "stale"])
    assert.deepStrictEqual(stateOf(place.store, model), stateOf(place.open(), model))
    assert.deepStrictEqual([...grant.stale], [])
  })

  it("takes the token before a rotation as long as it overlaps, and its successor from the start", () => {
    const place = new Place()
    const models: Array<Model> = []
    obey(place, models, { act: "give", maxUses: undefined, time: undefined })
    const old = models[0]!.token
    obey(place, models, { act: "rotate", which: 0, overlap: 1_000 })
    const isAccepted = (token: Buffer) =>
      place.store.present(Buffer.from(token), "git", "socket=git") instanceof AcceptedToken
    for (const restart of [false, true]) {
      if (restart) place.store = place.open()
      assert.deepStrictEqual([isAccepted(old), isAccepted(models[0]!.token)], [true, true])
    }
    place.now += 1_000
    assert.deepStrictEqual([isAccepted(old), isAccepted(models[0]!.token)], [false, true])
  })
})
