// Tokens that end, and clocks that are set back; and a token before a rotation whose seal is stale. Two clocks, as there are: that of
// the wall, which anybody may set, and one that nobody can.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { AcceptedToken } from "../../src/grant/accepted.ts"
import { type GrantRecord, readGrantRecord } from "../../src/grant/grant-record.ts"
import { makeProof } from "../../src/grant/seal.ts"
import type { TokenGrant, TokenPart } from "../../src/grant/token-grant.ts"
import { draftToken, makeTokenStore } from "../../src/grant/token-store.ts"
import { ShortIds } from "../../src/short-id.ts"
import { A, B, by } from "./place.ts"

/** Milliseconds for which a grant or the token before a rotation is good. */
const TIME = 10_000

class Place {
  private readonly written: Array<{ readonly record: GrantRecord; readonly at: number }> = []
  wall = 1_700_000_000_000
  steady = 5_000
  store = this.open()

  /** What a restart finds in the records, as they stand on a disk. */
  open() {
    const append = (record: GrantRecord) => this.written.push({ record, at: this.wall })
    const store = makeTokenStore({
      clocks: { wall: () => this.wall, steady: () => this.steady },
      ids: new ShortIds(),
      write: (record) => Effect.sync(() => ({ n: append(record), at: this.wall })),
      begin: (record) => {
        const n = append(record)
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

  pass(time: number): void {
    this.wall += time
    this.steady += time
  }

  give(expiresAt?: number): { readonly grant: TokenGrant; readonly token: Buffer } {
    const id = this.store.nextId()
    const { part, token } = newToken(id)
    const grant: TokenGrant = {
      id,
      app: "git",
      definition: "socket=git",
      keygrips: [A, B],
      operations: new Set(["sign"]),
      ...expiresAt !== undefined && { expiresAt },
      token: part,
      by,
      madeAt: this.wall,
      stale: new Map(),
      uses: 0
    }
    Effect.runSync(this.store.give(grant))
    return { grant, token }
  }

  /** Another token; the one before is good for a while. */
  rotate(grant: TokenGrant): Buffer {
    const { part, token } = newToken(grant.id)
    Effect.runSync(this.store.rotate(grant, part, this.wall + TIME, by))
    return token
  }

  present(token: Buffer) {
    return this.store.present(Buffer.from(token), "git", "socket=git")
  }

  accept(token: Buffer): AcceptedToken {
    const presented = this.present(token)
    if (!(presented instanceof AcceptedToken)) throw new Error(presented.rejected)
    return presented
  }
}

const newToken = (id: string): { readonly token: Buffer; readonly part: TokenPart } => {
  const { secret, token } = draftToken(id)
  return { token, part: { proof: makeProof(secret), seals: new Map() } }
}

describe("a clock that is set back", () => {
  /** A token that was good for a while: of a grant that ends, or before a rotation. */
  const ways: Readonly<Record<string, (place: Place) => Buffer>> = {
    "an expired grant": (place) => place.give(place.wall + TIME).token,
    "the token before a rotation": (place) => {
      const { grant, token } = place.give()
      place.rotate(grant)
      return token
    }
  }
  for (const [what, make] of Object.entries(ways)) {
    it(`does not revive ${what}`, () => {
      const place = new Place()
      const token = make(place)
      const accepted = place.accept(token)
      place.pass(TIME - 1)
      assert.isTrue(place.store.holds(accepted), "its time is not up")
      place.pass(1)
      for (const back of [0, 1, TIME, 10 * TIME]) {
        place.wall -= back
        assert.isFalse(place.present(token) instanceof AcceptedToken, `set back by ${back}`)
        assert.isFalse(place.store.holds(accepted), `set back by ${back}`)
        assert.isDefined(place.store.hinders(accepted, A), `set back by ${back}`)
      }
    })

    it(`does not prolong it, and one that is set forward ends it: ${what}`, () => {
      const place = new Place()
      const accepted = place.accept(make(place))
      place.wall -= TIME
      place.pass(TIME - 1)
      assert.isTrue(place.store.holds(accepted))
      place.pass(1)
      assert.isFalse(place.store.holds(accepted))
      const another = new Place()
      const early = another.accept(make(another))
      another.wall += TIME
      assert.isFalse(another.store.holds(early))
    })
  }
})

describe("the token before a rotation, with a seal that is stale", () => {
  for (const restart of [false, true]) {
    it(`is out of force from then on, and its successor is not stale${restart ? ", after a restart too" : ""}`, () => {
      const place = new Place()
      const { grant, token } = place.give()
      const old = place.accept(token)
      const next = place.rotate(grant)
      assert.isUndefined(place.store.hinders(old, A), "it overlaps")
      Effect.runSync(place.store.stale(old, A))
      assert.isFalse(place.store.holds(old))
      for (const key of [A, B]) assert.isDefined(place.store.hinders(old, key))
      if (restart) place.store = place.open()
      assert.isFalse(place.present(token) instanceof AcceptedToken)
      const successor = place.accept(next)
      assert.isTrue(place.store.holds(successor))
      for (const key of [A, B]) assert.isUndefined(place.store.hinders(successor, key))
    })
  }

  it("and the stale seal of the newest is still that", () => {
    const place = new Place()
    const { grant, token } = place.give()
    const next = place.accept(place.rotate(grant))
    Effect.runSync(place.store.stale(next, A))
    assert.isDefined(place.store.hinders(next, A))
    assert.isUndefined(place.store.hinders(next, B))
    place.store = place.open()
    assert.deepStrictEqual([...place.store.get(grant.id)!.stale.keys()], [A])
    assert.isTrue(place.present(token) instanceof AcceptedToken, "one that overlaps has another seal")
  })
})
