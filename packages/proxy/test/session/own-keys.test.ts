// Which public keys are one: what is taken for the key of an app becomes its own, so nothing else may be taken for it.
import { assert, describe, it } from "@effect/vitest"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Sexp } from "@gripgate/protocol/sexp/sexp"
import { writeCanonical } from "@gripgate/protocol/sexp/write-canonical"
import * as Effect from "effect/Effect"
import { keyWith, publicKey } from "../../src/session/own-keys.ts"
import type { AgentConnection } from "../../src/upstream/agent.ts"
import { Collector } from "../../src/upstream/collector.ts"

const word = (text: string): Buffer => Buffer.from(text)

/** A list of two, as the parts of a key are. */
type Part = readonly [name: string, value: Uint8Array]

const sexpOf = (family: string, ...parts: ReadonlyArray<Part>): Array<Sexp> => [
  word("public-key"),
  [word(family), ...parts.map(([name, value]) => [word(name), value])]
]
const bytesOf = (family: string, ...parts: ReadonlyArray<Part>): Buffer => writeCanonical(sexpOf(family, ...parts))
const keyOf = (family: string, ...parts: ReadonlyArray<Part>) => publicKey(bytesOf(family, ...parts))

const n: Part = ["n", Buffer.alloc(33, 0x8f).fill(0, 0, 1)]
const e: Part = ["e", Buffer.from([1, 0, 1])]
const curve: Part = ["curve", word("Ed25519")]
const flags: Part = ["flags", word("eddsa")]
const q: Part = ["q", Buffer.alloc(33, 0x40)]
const [p, g, y] = ["p", "g", "y"].map((name, at): Part => [name, Buffer.from([at + 5])]) as [Part, Part, Part]

/** The same bytes under another name. */
const named = (name: string, [, value]: Part): Part => [name, value]

describe("publicKey", () => {
  it("takes the parts that make a key, and leaves the others", () => {
    const bytes = (...parts: ReadonlyArray<Part>) => new Map(parts)
    assert.deepStrictEqual(keyOf("rsa", n, e), { family: "rsa", parts: bytes(n, e) })
    assert.deepStrictEqual(keyOf("ecc", curve, flags, q), { family: "ecc", parts: bytes(q) })
    assert.deepStrictEqual(keyOf("dsa", p, q, g, y), { family: "dsa", parts: bytes(p, q, g, y) })
    assert.deepStrictEqual(keyOf("elg", p, g, y), { family: "elg", parts: bytes(p, g, y) })
    const created = [...sexpOf("rsa", n, e), [word("created-at"), word("1700000000")]]
    assert.deepStrictEqual(publicKey(writeCanonical(created)), keyOf("rsa", n, e))
  })

  it("knows a family by all its names", () => {
    for (const name of ["ecdsa", "ecdh", "eddsa"]) assert.deepStrictEqual(keyOf(name, q), keyOf("ecc", q), name)
    assert.deepStrictEqual(keyOf("openpgp-rsa", n, e), keyOf("rsa", n, e))
    assert.deepStrictEqual(keyOf("openpgp-elg", p, g, y), keyOf("elg", p, g, y))
  })

  it("takes all parts of a family that it does not know, whatever its name", () => {
    for (const name of ["kyber", "constructor", "__proto__", "toString"]) {
      assert.deepStrictEqual(keyOf(name, p, y), { family: name, parts: new Map([p, y]) }, name)
    }
    assert.isUndefined(keyOf("kyber"))
  })

  it("takes one NUL at the end for none, and no other byte", () => {
    const bytes = bytesOf("ecc", curve, q)
    assert.deepStrictEqual(publicKey(Buffer.concat([bytes, Buffer.alloc(1)])), publicKey(bytes))
    assert.isDefined(publicKey(bytes))
    for (const more of [Buffer.alloc(2), word("x"), word(" "), bytes]) {
      assert.isUndefined(publicKey(Buffer.concat([bytes, more])))
    }
    for (let end = 0; end < bytes.length; end++) assert.isUndefined(publicKey(bytes.subarray(0, end)), `${end} bytes`)
  })

  it("is none where a part is missing", () => {
    const whole: Readonly<Record<string, ReadonlyArray<Part>>> = {
      rsa: [n, e],
      ecc: [q],
      dsa: [p, q, g, y],
      elg: [p, g, y]
    }
    for (const [family, parts] of Object.entries(whole)) {
      assert.isDefined(keyOf(family, ...parts), family)
      for (const missing of parts) {
        assert.isUndefined(
          keyOf(family, ...parts.filter((part) => part !== missing)),
          `${family} without ${missing[0]}`
        )
      }
    }
  })

  it("is none where a part is there twice, has no value, two of them, or a list for one", () => {
    assert.isUndefined(keyOf("rsa", n, e, n))
    assert.isUndefined(keyOf("rsa", n, e, named("n", e)))
    assert.isUndefined(keyOf("ecc", q, curve, named("q", n)))
    assert.isUndefined(keyOf("kyber", p, p))
    for (const odd of [[word("n")], [word("n"), n[1], n[1]], [word("n"), [n[1]]]]) {
      assert.isUndefined(publicKey(writeCanonical([word("public-key"), [word("rsa"), odd, [word("e"), e[1]]]])))
    }
  })

  it("is none where it is a secret key, none at all, or two", () => {
    const [head, key] = sexpOf("rsa", n, e)
    for (
      const other of [
        [word("private-key"), key!],
        [key!],
        [head!],
        [head!, word("rsa")],
        [],
        [head!, key!, sexpOf("rsa", n, e)]
      ]
    ) assert.isUndefined(publicKey(writeCanonical(other)))
    for (const text of ["", "\0", "public-key", "(public-key (rsa (n #00#)(e #03#)))"]) {
      assert.isUndefined(publicKey(word(text)), text)
    }
  })
})

/** An agent that has these keys, the first as the keygrip of forty `0`, the next of forty `1`. */
const agentWith = (keys: ReadonlyArray<Buffer>): AgentConnection => {
  const collected = new Collector(1 << 16)
  const listing = keys.map((_, at) => `S KEYINFO ${`${at}`.repeat(40)} D - - - C - - -\n`).join("")
  const escaped = (bytes: Buffer): Buffer =>
    Buffer.from(
      bytes.toString("latin1").replace(/[\r\n%]/g, (char) => `%${Buffer.from(char).toString("hex").toUpperCase()}`),
      "latin1"
    )
  return {
    version: "2.2.40",
    restricted: false,
    closed: false,
    applied: new Map(),
    another: false,
    collected,
    exchange: ([line]) =>
      Effect.sync(() => {
        const at = /^READKEY (\d)/.exec(String(line))?.[1]
        if (at === undefined) collected.append(word(listing))
        else collected.append(Buffer.concat([word("D "), escaped(keys[Number(at)]!), word("\n")]))
        return { kind: "done", ok: true, finalAt: 0 } as const
      }),
    ahead: () => {},
    answer: () => Effect.die("expected no answer to an inquiry"),
    close: () => {}
  }
}

describe("keyWith", () => {
  /** Which of the agent's keys is taken for this one. */
  const found = (wanted: Buffer, keys: ReadonlyArray<Buffer>): number | undefined => {
    const key = publicKey(wanted)
    if (key === undefined) throw new Error("expected a public key")
    const grip = Effect.runSync(Effect.gen(() => keyWith(agentWith(keys), key, (grips) => grips)))
    const at = keys.findIndex((_, index) => grip === parseKeygrip(`${index}`.repeat(40)))
    return grip === undefined ? undefined : at
  }

  it("finds a key among others, in any spelling", () => {
    const keys = [bytesOf("rsa", n, e), bytesOf("ecc", curve, flags, q), bytesOf("dsa", p, q, g, y)]
    assert.strictEqual(found(bytesOf("openpgp-rsa", e, n), keys), 0)
    assert.strictEqual(found(bytesOf("ecdsa", q), keys), 1)
    assert.strictEqual(found(bytesOf("dsa", y, g, q, p), keys), 2)
    assert.isUndefined(found(bytesOf("elg", p, g, y), keys))
  })

  it("takes no key for another that shares a value with it", () => {
    const victims = [bytesOf("rsa", n, e), bytesOf("ecc", curve, flags, q), bytesOf("elg", p, g, y)]
    const [, modulus] = n
    const [, ofPoint] = q
    const forged = [
      // what an app can make of what it reads: a group in which a value is the power of a known number
      ...[modulus, ofPoint].flatMap((value): ReadonlyArray<Buffer> => [
        bytesOf("elg", p, ["g", value], ["y", value]),
        bytesOf("dsa", p, q, ["g", value], ["y", value]),
        bytesOf("dsa", p, ["q", value], g, y),
        bytesOf("ecc", curve, ["q", modulus]),
        bytesOf("rsa", ["n", ofPoint], e),
        bytesOf("kyber", ["n", value], e),
        bytesOf("kyber", ["q", value])
      ]),
      bytesOf("rsa", n, ["e", Buffer.from([3])]),
      bytesOf("rsa", named("n", e), named("e", n)),
      bytesOf("rsa", ["n", modulus.subarray(1)], e),
      bytesOf("elg", p, ["g", Buffer.from([9])], y),
      bytesOf("elg", ["p", Buffer.from([9])], g, y),
      bytesOf("dsa", p, q, g, y),
      bytesOf("ecc", curve, ["q", Buffer.concat([ofPoint, Buffer.alloc(1)])])
    ]
    for (const bytes of forged) assert.isUndefined(found(bytes, victims), bytes.toString("latin1"))
    victims.forEach((victim, at) => assert.strictEqual(found(victim, victims), at))
  })
})
