// What the owner can do about grants with tokens, with an issuer that only records; and how such grants are told.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { NotAsked, type PassphraseAsker } from "../../src/approve/passphrase-asker.ts"
import type { RequestOf } from "../../src/control/message/request.ts"
import type { Waiting } from "../../src/control/server.ts"
import { showTokenGrant } from "../../src/control/show.ts"
import { NotIssued, type Passphrases } from "../../src/grant/issue.ts"
import type { TokenGrant } from "../../src/grant/token-grant.ts"
import { A, B } from "../grant/place.ts"
import { issuing, planned, policy, tokenGrant } from "./issuing.ts"

const peer = { socket: "/run/control", chain: [], uid: 1000 }
const by = (through: string) => ({ through, uid: 1000 })

const waiting = (passphrases: Passphrases = new Map(), gone: Effect.Effect<void> = Effect.never): Waiting => ({
  peer,
  passphrases,
  gone
})

const given = waiting(new Map([[A, Buffer.from("abc")]]))

const request = (more: Partial<RequestOf<"grant">> = {}): RequestOf<"grant"> => ({
  verb: "grant",
  app: "mail",
  keys: [A, B],
  seal: true,
  passphrases: "given",
  ...more
})

/** An asker at which somebody types this. */
const typing = (text: string): PassphraseAsker => ({
  ask: (_, keys, check) =>
    check(new Map(keys.filter(({ sealed }) => sealed).map(({ info }) => [info.keygrip, Buffer.from(text)])))
})

describe("plan", () => {
  it.effect("tells what a grant would be, and what another token of one would", () =>
    Effect.gen(function*() {
      const { calls, verbs } = issuing()
      const told = {
        app: "mail",
        operations: ["sign"],
        keys: [
          {
            keygrip: A,
            keyId: "A".repeat(16),
            userId: "Alice <alice@example.org>",
            protection: "protected",
            sealed: true
          },
          { keygrip: B, keyId: "B".repeat(16), userId: "Alice <alice@example.org>", protection: "clear", sealed: false }
        ],
        notes: ["a note"]
      }
      const wish = { app: "mail", keys: ["alice@example.org"], operations: ["sign" as const], seal: true }
      assert.deepStrictEqual(yield* verbs.plan({ verb: "plan", what: wish }, peer), told as never)
      assert.deepStrictEqual(yield* verbs.plan({ verb: "plan", what: { id: "ab23" } }, peer), told as never)
      assert.deepStrictEqual(calls, [["plan", wish], ["planRotation", "AB23"]])
      const none = yield* Effect.flip(verbs.plan({ verb: "plan", what: { id: "ZZ99" } }, peer))
      assert.deepStrictEqual(none, { fault: "refused", error: "there is no grant ZZ99" })
    }))

  it.effect("knows the apps of the policy, and which one was meant", () =>
    Effect.gen(function*() {
      const { calls, verbs } = issuing()
      const unknown = (app: string) =>
        Effect.flip(verbs.plan({ verb: "plan", what: { app, keys: ["*"], seal: true } }, peer))
      const error = (app: string, hint: string) => ({ fault: "usage", error: `the policy has no app "${app}"`, hint })
      assert.deepStrictEqual(yield* unknown("mial"), error("mial", "did you mean \"mail\"?") as never)
      assert.deepStrictEqual(yield* unknown("backup"), error("backup", "known here are mail") as never)
      assert.deepStrictEqual(calls, [])
    }))
})

describe("grant", () => {
  it.effect("plans anew and issues with what was sent, and hands on the token", () =>
    Effect.gen(function*() {
      const { calls, log, tokens, verbs } = issuing()
      const wanted = request({ operations: ["sign"], forMs: 90_000, uses: 5, limit: "60/hour" })
      const { result, token } = yield* verbs.grant(wanted, given)
      assert.deepStrictEqual(calls, [
        ["plan", { app: "mail", keys: [A, B], seal: true, operations: ["sign"] }],
        ["issue", { time: 90_000, maxUses: 5, rate: { count: 60, per: 3_600_000 } }, { [A]: "abc" }, by("grant")]
      ])
      assert.deepInclude(result.grant, { id: "AB23", app: "mail", token: true, effective: true })
      assert.strictEqual(token, tokens[0])
      assert.notInclude(JSON.stringify([result, log]), token.toString())
    }))

  it.effect("has no bounds where none were named", () =>
    Effect.gen(function*() {
      const { calls, verbs } = issuing()
      yield* verbs.grant(request(), given)
      assert.deepStrictEqual(calls.at(-1), ["issue", {}, { [A]: "abc" }, by("grant")])
    }))

  it.effect("is refused without a passphrase that it needs, for an app that there is not, and with a rate that is none", () =>
    Effect.gen(function*() {
      const { calls, verbs } = issuing()
      const lacking = yield* Effect.flip(verbs.grant(request(), waiting()))
      assert.strictEqual(lacking.error, `the passphrase of ${"A".repeat(16)} is needed, and was not given`)
      assert.deepInclude(yield* Effect.flip(verbs.grant(request({ app: "mial" }), given)), { fault: "usage" })
      const rate = yield* Effect.flip(verbs.grant(request({ limit: "often" }), given))
      assert.deepInclude(rate, { fault: "usage", error: "expected a rate, got \"often\"" })
      assert.notInclude(calls.map(([name]) => name), "issue")
    }))

  it.effect("says which passphrases were wrong", () =>
    Effect.gen(function*() {
      const wrong = new NotIssued({ message: "that was not the passphrase", hint: "try again", wrong: [A] })
      const { verbs } = issuing({ making: Effect.fail(wrong) })
      assert.deepStrictEqual(yield* Effect.flip(verbs.grant(request(), given)), {
        fault: "refused",
        error: "that was not the passphrase",
        hint: "try again",
        wrong: [A]
      })
    }))

  it.effect("is taken back where its token reaches nobody, and the log has it", () =>
    Effect.gen(function*() {
      const { calls, log, verbs } = issuing()
      const { lost } = yield* verbs.grant(request(), given)
      assert.notInclude(calls.map(([name]) => name), "revoke")
      yield* lost
      assert.deepStrictEqual(calls.at(-1), ["revoke", ["AB23"], { through: "gripgate" }])
      assert.include(log, "the token of the grant AB23 could not be handed over, so the grant is taken back")
    }))
})

describe("a grant for which the owner is asked", () => {
  const asked = request({ passphrases: "pinentry" })

  it.effect("is made with what he types, and he is told what it is", () =>
    Effect.gen(function*() {
      const lines: Array<ReadonlyArray<string>> = []
      const asker: PassphraseAsker = {
        ask: (told, keys, check) => {
          lines.push(told)
          return typing("typed").ask(told, keys, check)
        }
      }
      const { calls, verbs } = issuing({ asker })
      yield* verbs.grant({ ...asked, forMs: 60_000 }, waiting())
      assert.deepStrictEqual(calls.at(-1), ["issue", { time: 60_000 }, { [A]: "typed" }, by("grant")])
      const text = lines[0]!.join(" ").replaceAll(" .. ", " ")
      assert.include(text, "the app \"mail\", which may sign")
      assert.include(text, "Until: 1970-01-01T00:01:10.000Z")
    }))

  it.effect("is none where he does not want to, or cannot be asked", () =>
    Effect.gen(function*() {
      for (const why of ["cancelled", "timeout", "unavailable"] as const) {
        const { calls, verbs } = issuing({
          asker: { ask: () => Effect.fail(new NotAsked({ why, message: `it was ${why}` })) }
        })
        const problem = yield* Effect.flip(verbs.grant(asked, waiting()))
        assert.deepStrictEqual(problem, { fault: "refused", error: `it was ${why}` })
        assert.deepStrictEqual(calls.map(([name]) => name), ["plan"])
      }
    }))

  it.effect("is none for one who has gone, and his dialog goes with him", () =>
    Effect.gen(function*() {
      let open = 0
      const asker: PassphraseAsker = {
        ask: () =>
          Effect.acquireUseRelease(Effect.sync(() => open++), () => Effect.never, () => Effect.sync(() => open--))
      }
      const { calls, verbs } = issuing({ asker })
      const leave = Promise.withResolvers<void>()
      const asking = yield* Effect.forkChild(
        Effect.uninterruptible(
          Effect.flip(verbs.grant(asked, waiting(new Map(), Effect.promise(() => leave.promise))))
        )
      )
      while (open === 0) yield* Effect.yieldNow
      leave.resolve()
      assert.strictEqual((yield* Fiber.join(asking)).error, "whoever asked for it has gone")
      assert.strictEqual(open, 0)
      assert.deepStrictEqual(calls.map(([name]) => name), ["plan"])
    }))

  it.effect("is none for one who has gone, where an agent hangs over its plan or a passphrase that was sent along", () =>
    Effect.gen(function*() {
      for (const where of ["planning", "making"] as const) {
        let busy = 0
        const hang = Effect.acquireUseRelease(
          Effect.sync(() => busy++),
          () => Effect.never,
          () => Effect.sync(() => busy--)
        )
        // the issuer itself says where it can be interrupted
        const { grants, verbs } = issuing({ [where]: Effect.interruptible(hang) })
        const leave = Promise.withResolvers<void>()
        const gone = Effect.promise(() => leave.promise)
        const asking = yield* Effect.forkChild(
          Effect.uninterruptible(Effect.flip(verbs.grant(request(), { ...given, gone })))
        )
        while (busy === 0) yield* Effect.yieldNow
        leave.resolve()
        assert.strictEqual((yield* Fiber.join(asking)).error, "whoever asked for it has gone")
        assert.strictEqual(busy, 0)
        assert.deepStrictEqual(grants, [])
      }
    }))

  it.effect("that is being made when he goes is handed on, so that it is taken back, and not forgotten", () =>
    Effect.gen(function*() {
      const [leave, write] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const { calls, verbs } = issuing({ asker: typing("typed"), making: Effect.promise(() => write.promise) })
      const asking = yield* Effect.forkChild(
        Effect.uninterruptible(verbs.grant(asked, waiting(new Map(), Effect.promise(() => leave.promise))))
      )
      while (calls.length < 2) yield* Effect.yieldNow
      leave.resolve()
      yield* Effect.promise(() => leave.promise)
      yield* Effect.yieldNow
      write.resolve()
      yield* (yield* Fiber.join(asking)).lost
      assert.deepStrictEqual(calls.at(-1)?.slice(0, 2), ["revoke", ["AB23"]])
    }))

  it.effect("that is being made when the gate stops is taken back, and its token wiped", () =>
    Effect.gen(function*() {
      const write = Promise.withResolvers<void>()
      const { calls, tokens, verbs } = issuing({ asker: typing("typed"), making: Effect.promise(() => write.promise) })
      const asking = yield* Effect.forkChild(Effect.uninterruptible(verbs.grant(asked, waiting())))
      while (calls.length < 2) yield* Effect.yieldNow
      const stopping = yield* Effect.forkChild(Fiber.interrupt(asking))
      yield* Effect.yieldNow
      write.resolve()
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(calls.at(-1)?.slice(0, 2), ["revoke", ["AB23"]])
      assert.isTrue(tokens[0]?.every((byte) => byte === 0))
    }))
})

describe("rotate and renew", () => {
  it.effect("give another token, and leave the grant where that reaches nobody", () =>
    Effect.gen(function*() {
      const { calls, log, verbs } = issuing()
      const { lost, token } = yield* verbs.rotate(
        { verb: "rotate", id: "ab23", overlapMs: 3_600_000, passphrases: "given" },
        given
      )
      assert.deepStrictEqual(calls, [
        ["planRotation", "AB23"],
        ["rotate", "AB23", 3_600_000, { [A]: "abc" }, by("rotate")]
      ])
      assert.isAbove(token.length, 0)
      yield* lost
      assert.lengthOf(calls, 2)
      assert.include(log.at(-1), "the new token of the grant AB23 could not be handed over")
    }))

  it.effect("set the time and the uses anew", () =>
    Effect.gen(function*() {
      const { calls, verbs } = issuing()
      const { grant } = yield* verbs.renew({ verb: "renew", id: "ab23", forMs: 60_000, uses: 3 }, peer)
      yield* verbs.renew({ verb: "renew", id: "ab23", forMs: null }, peer)
      assert.deepStrictEqual(calls, [
        ["renew", "AB23", { time: 60_000, maxUses: 3 }, by("renew")],
        ["renew", "AB23", {}, by("renew")]
      ])
      assert.strictEqual(grant.id, "AB23")
    }))
})

describe("grants and revoke", () => {
  it.effect("have those with a token among them", () =>
    Effect.gen(function*() {
      const grants = [tokenGrant(), tokenGrant({ id: "CD45", app: "old", madeAt: 900 })]
      const { calls, verbs } = issuing({ grants })
      assert.deepStrictEqual((yield* verbs.grants({ verb: "grants" }, peer)).map(({ id }) => id), ["CD45", "AB23"])
      assert.deepStrictEqual((yield* verbs.grants({ verb: "grants", id: "cd45" }, peer)).map(({ app }) => app), ["old"])
      const taken = yield* verbs.revoke({ verb: "revoke", what: { app: "mail" } }, peer)
      assert.deepStrictEqual(taken, { revoked: ["AB23"], standing: [] })
      assert.deepStrictEqual(yield* verbs.revoke({ verb: "revoke", what: { all: true } }, peer), {
        revoked: ["CD45"],
        standing: []
      })
      assert.deepStrictEqual(calls.map(([, ids]) => ids), [["AB23"], ["CD45"]])
      const again = yield* Effect.flip(verbs.revoke({ verb: "revoke", what: { id: "ab23" } }, peer))
      assert.strictEqual(again.error, "the grant AB23 is not in force any more")
      const none = yield* Effect.flip(verbs.revoke({ verb: "revoke", what: { id: "ZZ99" } }, peer))
      assert.strictEqual(none.error, "there is no grant \"ZZ99\"")
    }))

  it.effect("say where the disk does not take it, and take one back again that is not written", () =>
    Effect.gen(function*() {
      const grants = [tokenGrant({ revokedAt: 1, unwritten: true })]
      const { verbs } = issuing({ grants, revoke: () => Effect.fail("AB23: out of force now, no room") })
      const problem = yield* Effect.flip(verbs.revoke({ verb: "revoke", what: { id: "AB23" } }, peer))
      assert.deepStrictEqual(problem, {
        fault: "refused",
        error: "AB23: out of force now, no room",
        hint: "see to the disk, then revoke again"
      })
    }))
})

describe("a grant with a token is told", () => {
  const around = {
    policy,
    info: (keygrip: typeof A) => planned(keygrip).info,
    isLive: ({ expiresAt, revokedAt }: TokenGrant) => revokedAt === undefined && (expiresAt ?? 20_000) > 10_000,
    now: 10_000
  }
  const seal = { nonce: "00", box: "00" }
  const token = { proof: { salt: "00", verifier: "00" }, seals: new Map([[A, seal]]) }
  const changed = `the passphrase of ${"A".repeat(16)} was changed at 1970-01-01T00:00:02.000Z: `
    + "gripgate rotate AB23 gives it a new token"

  it("with its keys and seals, its uses, and the time of the token before", () => {
    const shown = showTokenGrant(
      tokenGrant({
        token,
        maxUses: 10,
        uses: 4,
        rate: { count: 60, per: 3_600_000 },
        previous: { ...token, until: 11_000, deadline: 11_000 }
      }),
      around
    )
    assert.deepStrictEqual(shown.keys.map(({ seal }) => seal), ["sealed", "none"])
    assert.deepInclude(shown, {
      usesLeft: 6,
      limit: "60/hour",
      previousUntil: "1970-01-01T00:00:11.000Z",
      effective: true,
      reason: null
    })
    assert.isNull(
      showTokenGrant(tokenGrant({ previous: { ...token, until: 10_000, deadline: 10_000 } }), around).previousUntil
    )
    assert.notInclude(JSON.stringify(shown), "verifier")
  })

  it("without effect for every reason that there is", () => {
    const cases: ReadonlyArray<readonly [Partial<TokenGrant>, string]> = [
      [{ revokedAt: 1 }, "it was revoked"],
      [{ revokedAt: 1, unwritten: true }, "it was revoked until a restart: revoke it again"],
      [{ maxUses: 3, uses: 3 }, "it is used up"],
      [{ expiresAt: 9_000 }, "its time is up"],
      [{ app: "gone" }, "the policy does not have this app"],
      [{ definition: "another" }, "the app is known by another match or socket now"],
      [{ keygrips: [A], stale: new Map([[A, 2_000]]) }, changed]
    ]
    for (const [more, reason] of cases) {
      assert.deepInclude(showTokenGrant(tokenGrant(more), around), { effective: false, reason })
    }
  })

  it("in force for its other keys where the passphrase of one was changed", () => {
    const shown = showTokenGrant(tokenGrant({ token, stale: new Map([[A, 2_000]]) }), around)
    assert.deepInclude(shown, { effective: true, reason: changed })
    assert.deepStrictEqual(shown.keys.map(({ seal }) => seal), ["stale", "none"])
  })
})
