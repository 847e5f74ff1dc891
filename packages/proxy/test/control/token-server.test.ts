// Passphrases behind a request and a token behind a reply, over a real socket.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as net from "node:net"
import { join } from "node:path"
import { askControl, askForToken } from "../../src/control/client.ts"
import type { GrantedEntry } from "../../src/control/message/granted.ts"
import type { RequestOf } from "../../src/control/message/request.ts"
import { refused } from "../../src/control/problem.ts"
import { type ControlVerbs, serveControl, type Waiting } from "../../src/control/server.ts"
import { secretSlab } from "../../src/grant/token.ts"
import { A, B } from "../grant/place.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { options, status, verbs } from "../support/status.ts"

const entry: GrantedEntry = {
  id: "AB23",
  app: "mail",
  session: null,
  keys: [],
  operations: ["sign"],
  answer: "yes",
  token: true,
  madeAt: "2026-02-03T04:05:06.789Z",
  madeBy: { through: "grant", uid: 1000 },
  expiresAt: null,
  revokedAt: null,
  uses: 0,
  usesLeft: null,
  limit: null,
  lastUsedAt: null,
  previousUntil: null,
  effective: true,
  reason: null
}

const slab = (text: string | Buffer): Buffer => {
  const secret = secretSlab(Buffer.byteLength(text))
  secret.set(Buffer.from(text as string))
  return secret
}

const TOKEN = "gg1-AB23-SECRET-CHECK"

const request: RequestOf<"grant"> = { verb: "grant", app: "mail", keys: [A], seal: true, passphrases: "given" }

/** A gate that notes what it was given, and answers with a token; `grant` says what comes first. */
const tokenGate = Effect.fnUntraced(function*(
  grant: (waiting: Waiting) => Effect.Effect<void> = () => Effect.void
) {
  const path = join(yield* scratch, "control")
  const seen: Array<Readonly<Record<string, string>>> = []
  const secrets: Array<Buffer> = []
  const lost: Array<string> = []
  const make: ControlVerbs["grant"] = (_, waiting) =>
    Effect.gen(function*() {
      seen.push(Object.fromEntries([...waiting.passphrases].map(([key, bytes]) => [key, bytes.toString("latin1")])))
      secrets.push(...waiting.passphrases.values())
      yield* grant(waiting)
      const token = slab(TOKEN)
      secrets.push(token)
      return { result: { grant: entry }, token, lost: Effect.sync(() => void lost.push(entry.id)) }
    })
  const all = verbs({ grant: make, rotate: (_, waiting) => make(request, waiting) })
  yield* Effect.provide(serveControl(options(path, { verbs: all })), recordingLog().layer)
  return { path, seen, secrets, lost }
})

/** Everything that comes until the gate closes. */
const converse = (path: string, send: (socket: net.Socket) => void) =>
  Effect.callback<Buffer>((resume) => {
    const chunks: Array<Buffer> = []
    const socket = net.connect(path, () => send(socket))
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(Buffer.concat(chunks))))
    return Effect.sync(() => socket.destroy())
  })

const lineOf = (fields: object) => `${JSON.stringify({ v: 1, ...request, ...fields })}\n`

const until = (condition: () => boolean) =>
  Effect.promise(async () => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
  })

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

describe("a request with passphrases", () => {
  it.live("is understood whole and byte by byte, whatever the passphrases are made of", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate()
      const odd = Buffer.from([0, 10, 13, 37, 123, 255])
      const line = Buffer.from(lineOf({ secrets: [{ key: A, bytes: odd.length }, { key: B, bytes: 3 }] }))
      const bytes = Buffer.concat([line, odd, Buffer.from("abc")])
      const drip = (socket: net.Socket) =>
        void [...bytes].reduce((before, byte) =>
          before.then(() =>
            new Promise((resolve) => {
              socket.write(Buffer.from([byte]))
              setImmediate(resolve)
            })
          ), Promise.resolve<unknown>(undefined))
      const whole = yield* converse(gate.path, (socket) => socket.write(bytes))
      assert.deepStrictEqual(yield* converse(gate.path, drip), whole)
      const seen = { [A]: odd.toString("latin1"), [B]: "abc" }
      assert.deepStrictEqual(gate.seen, [seen, seen])
      const reply = `${JSON.stringify({ v: 1, ok: true, result: { grant: entry }, secretBytes: TOKEN.length })}\n`
      assert.strictEqual(whole.toString("latin1"), `${reply}${TOKEN}`)
      yield* until(() => gate.secrets.every(isWiped))
      assert.deepStrictEqual(gate.lost, [])
    }))

  it.live("is refused unread where there are too many, too long or no bytes of them, or two for one key", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate()
      const keys = Array.from({ length: 65 }, (_, i) => i.toString(16).toUpperCase().padStart(40, "0"))
      const cases: ReadonlyArray<object> = [
        { secrets: [{ key: A, bytes: 256 }] },
        { secrets: [{ key: A, bytes: 0 }] },
        { secrets: [{ key: A, bytes: -1 }] },
        { secrets: [{ key: A, bytes: 3 }, { key: A, bytes: 3 }] },
        { secrets: [{ key: "alice", bytes: 3 }] },
        { secrets: keys.map((key) => ({ key, bytes: 1 })) },
        { secrets: [{ key: A, bytes: 3 }], passphrases: "pinentry" }
      ]
      for (const fields of cases) {
        const reply = yield* converse(gate.path, (socket) => socket.write(`${lineOf(fields)}hunter2`))
        assert.deepStrictEqual(JSON.parse(reply.toString()), {
          v: 1,
          ok: false,
          fault: "refused",
          error: "the verb \"grant\" does not have these fields"
        })
      }
      assert.deepStrictEqual(gate.seen, [])
    }))

  it.live("that ends before they have all come is none, and none of them is told back", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate()
      const line = lineOf({ secrets: [{ key: A, bytes: 20 }] })
      const reply = yield* converse(gate.path, (socket) => socket.end(`${line}hunter2`))
      assert.include(reply.toString(), "the connection was closed before all of a secret had come")
      assert.notInclude(reply.toString(), "hunter2")
      assert.deepStrictEqual(gate.seen, [])
    }))

  it.effect("has 5 s in all", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate()
      const connected = Promise.withResolvers<void>()
      const asking = yield* Effect.forkChild(converse(gate.path, (socket) => {
        socket.write(`${lineOf({ secrets: [{ key: A, bytes: 20 }] })}hunter2`)
        connected.resolve()
      }))
      yield* Effect.promise(() => connected.promise)
      // it is heard by the time that another one is
      yield* askControl(gate.path, { verb: "status" })
      yield* TestClock.adjust(5_000)
      assert.include((yield* Fiber.join(asking)).toString(), "no request came within 5 s")
      assert.deepStrictEqual(gate.seen, [])
    }))
})

describe("a token", () => {
  it.live("comes to whoever asked for it, in memory of its own, and his passphrases are his to wipe", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate()
      const passphrase = slab("abc")
      const { result, token } = yield* askForToken(gate.path, request, new Map([[A, passphrase], [B, passphrase]]))
      assert.deepStrictEqual(gate.seen, [{ [A]: "abc", [B]: "abc" }])
      assert.deepStrictEqual([result, token.toString(), passphrase.toString()], [{ grant: entry }, TOKEN, "abc"])
      assert.isAtLeast(token.buffer.byteLength, 4096)
    }))

  it.live("that nobody waits for any more is not left in force, and is wiped", () =>
    Effect.gen(function*() {
      const goes = Promise.withResolvers<net.Socket>()
      const gate = yield* tokenGate(({ gone }) =>
        Effect.gen(function*() {
          const socket = yield* Effect.promise(() => goes.promise)
          socket.destroy()
          yield* gone
        })
      )
      yield* converse(gate.path, (socket) => socket.write(lineOf({}), () => goes.resolve(socket)))
      yield* until(() => gate.lost.length > 0)
      assert.deepStrictEqual(gate.lost, ["AB23"])
      assert.isTrue(gate.secrets.every(isWiped))
    }))

  it.live("is not left in force for one who closes his end: he has gone", () =>
    Effect.gen(function*() {
      const gate = yield* tokenGate(({ gone }) => gone)
      const reply = yield* converse(gate.path, (socket) => socket.end(lineOf({})))
      assert.notInclude(reply.toString(), TOKEN)
      yield* until(() => gate.lost.length > 0)
    }))

  it.live("is not made where a passphrase was wrong, and the keys are named", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const wrong = { ...refused("the passphrase is not the right one", "try again"), wrong: [A] }
      yield* serveControl(options(path, { verbs: verbs({ grant: () => Effect.fail(wrong) }) }))
      const error = yield* Effect.flip(askForToken(path, request, new Map([[A, slab("abc")]])))
      assert.deepInclude(error, { reason: "refused", message: wrong.error, hint: "try again" })
      assert.deepStrictEqual(error.wrong, [A])
    }).pipe(Effect.provide(recordingLog().layer)))

  it.effect("is waited for as long as the owner takes where he is asked", () =>
    Effect.gen(function*() {
      const answer = Promise.withResolvers<void>()
      const gate = yield* tokenGate(() => Effect.promise(() => answer.promise))
      const asking = yield* Effect.forkChild(askForToken(gate.path, { ...request, passphrases: "pinentry" }))
      yield* until(() => gate.seen.length > 0)
      yield* TestClock.adjust(3_600_000)
      assert.isUndefined(asking.pollUnsafe())
      answer.resolve()
      assert.strictEqual((yield* Fiber.join(asking)).token.toString(), TOKEN)
    }))

  it.effect("is waited for 30 s, and 5 s for each passphrase, where he is not", () =>
    Effect.gen(function*() {
      const never = Promise.withResolvers<void>()
      const gate = yield* tokenGate(() => Effect.promise(() => never.promise))
      const given = new Map([[A, slab("abc")], [B, slab("abc")]])
      const asking = yield* Effect.forkChild(Effect.flip(askForToken(gate.path, request, given)))
      yield* until(() => gate.seen.length > 0)
      yield* TestClock.adjust(39_999)
      assert.isUndefined(asking.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.include((yield* Fiber.join(asking)).message, "nothing came within 40 s")
      never.resolve()
    }))
})

describe("a reply", () => {
  const other = (answer: string) =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      yield* Effect.acquireRelease(
        Effect.callback<net.Server>((resume) => {
          const server = net.createServer((socket) => socket.on("error", () => {}).end(answer))
          server.listen(path, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      return path
    })

  const good = JSON.stringify({ v: 1, ok: true, result: { grant: entry }, secretBytes: TOKEN.length })

  it.live("without a token, or with half of one, is not understood", () =>
    Effect.gen(function*() {
      const half = yield* Effect.flip(askForToken(yield* other(`${good}\n${TOKEN.slice(0, -1)}`), request))
      assert.include(half.message, "the connection was closed before all of a secret had come")
      assert.notInclude(half.message, "SECRET")
      for (const bytes of [256, 0, -1, undefined]) {
        const path = yield* other(`${JSON.stringify({ ...JSON.parse(good), secretBytes: bytes })}\n${"x".repeat(300)}`)
        assert.strictEqual((yield* Effect.flip(askForToken(path, request))).reason, "misunderstood")
      }
    }))

  it.live("with a token that nobody asked for is not understood", () =>
    Effect.gen(function*() {
      const path = yield* other(`${JSON.stringify({ v: 1, ok: true, result: status, secretBytes: 3 })}\nabc`)
      assert.strictEqual((yield* Effect.flip(askControl(path, { verb: "status" }))).reason, "misunderstood")
    }))
})
