// Writing is tested through trees made up here: what is written reads as the same tree, whatever the spelling that the
// tree came from. The parsers' own cases are in their own tests; what holds for both at once is here too.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { parseAdvanced } from "../../src/sexp/parse-advanced.ts"
import { parseCanonical } from "../../src/sexp/parse-canonical.ts"
import { isAtom, type List, type Sexp } from "../../src/sexp/sexp.ts"
import { writeCanonical } from "../../src/sexp/write-canonical.ts"

type Text = string | ReadonlyArray<Text>

const text = (sexp: Sexp): Text => isAtom(sexp) ? Buffer.from(sexp).toString("latin1") : sexp.map(text)

const parsers = { parseCanonical, parseAdvanced }

const atoms = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc.constantFrom("enc-val", "a", "3072", "4:3072", "()", "\"", "#", "\\", "\0", "\n").map((name) => Buffer.from(name))
)

const { list: lists } = fc.letrec<{ list: List; item: Sexp }>((tie) => ({
  list: fc.array(tie("item"), { maxLength: 5 }),
  item: fc.oneof({ maxDepth: 8, withCrossShrink: true }, atoms, tie("list"))
}))

const expressions = lists.filter((list) => list.length > 0)

/** Spells an atom in one of the ways that the advanced form has, picked by `choice`. */
const spell = (atom: Uint8Array, choice: number): string => {
  const bytes = Buffer.from(atom)
  const plain = bytes.toString("latin1")
  const escaped = (byte: number): string =>
    choice & 8 ? `\\x${byte.toString(16).padStart(2, "0")}` : `\\${byte.toString(8).padStart(3, "0")}`
  const quoted = [...bytes]
    .map((byte) => choice & 4 || byte === 0x22 || byte === 0x5c ? escaped(byte) : String.fromCharCode(byte))
    .join("")
  switch (choice & 3) {
    case 0:
      return `${bytes.length}:${plain}`
    case 1:
      return `${choice & 4 ? bytes.length : ""}#${bytes.toString("hex").replaceAll(/../g, choice & 8 ? "$& " : "$&")}#`
    case 2:
      return `${choice & 16 ? bytes.length : ""}"${quoted}"`
    default:
      return /^[a-zA-Z./_:*+=-][a-zA-Z0-9./_:*+=-]*$/.test(plain) ? plain : `"${quoted}"`
  }
}

const spellAll = (sexp: Sexp, choices: () => number): string => {
  if (isAtom(sexp)) return spell(sexp, choices())
  const blanks = [" ", "\n", "\t \r\n", "  "]
  return `(${sexp.map((item) => spellAll(item, choices) + blanks[choices() & 3]!).join("")})`
}

describe("writeCanonical", () => {
  it("writes lengths in decimal, and nothing between atoms", () => {
    const tree = [Buffer.from("genkey"), [Buffer.from("rsa"), [Buffer.from("nbits"), Buffer.from("3072")], []]]
    assert.strictEqual(writeCanonical(tree).toString("latin1"), "(6:genkey(3:rsa(5:nbits4:3072)()))")
  })

  it("gives bytes of its own", () => {
    const bytes = Buffer.from("(3:abc)")
    const written = writeCanonical(Result.getOrThrow(parseCanonical(bytes)))
    bytes.fill(0)
    assert.strictEqual(written.toString("latin1"), "(3:abc)")
  })

  for (const [name, parse] of Object.entries(parsers)) {
    it(`writes what ${name} reads as the same tree`, () => {
      fc.assert(
        fc.property(expressions, (tree) => {
          assert.deepStrictEqual(text(Result.getOrThrow(parse(writeCanonical(tree)))), text(tree))
        }),
        { seed: 1, numRuns: 500 }
      )
    })
  }

  it("writes the same bytes for every spelling of a tree", () => {
    fc.assert(
      fc.property(expressions, fc.infiniteStream(fc.nat(31)), (tree, stream) => {
        const spelling = Buffer.from(spellAll(tree, () => stream.next().value), "latin1")
        const written = writeCanonical(Result.getOrThrow(parseAdvanced(spelling)))
        assert.strictEqual(written.toString("latin1"), writeCanonical(tree).toString("latin1"))
      }),
      { seed: 2, numRuns: 500 }
    )
  })
})

describe("both parsers", () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: fc.constantFrom(...Buffer.from("()[]|#\"\\:019ax \n\0").toString("latin1")), maxLength: 60 })
      .map((bytes) => new Uint8Array(Buffer.from(`(${bytes}`, "latin1")))
  )

  for (const [name, parse] of Object.entries(parsers)) {
    it(`${name} never throws, and fails at an offset within the bytes or at their end`, () => {
      fc.assert(
        fc.property(anyBytes, (bytes) => {
          const result = parse(bytes)
          if (Result.isSuccess(result)) return
          assert.isAtLeast(result.failure.offset, 0)
          assert.isAtMost(result.failure.offset, bytes.length)
        }),
        { seed: 3, numRuns: 3000 }
      )
    })

    it(`${name} looks at each byte a few times at most, however the bytes are made`, () => {
      const size = 20_000
      const unfinished = ["(", "1", "9", "a", "\"", "\"\\\n", "\\", "#", "# ", " ", "0", "\0"]
      for (const unit of [...unfinished, "()", "1:a", "a ", "\"a\"", "#61#"]) {
        const bytes = Buffer.from("(" + unit.repeat(size / unit.length))
        let looks = 0
        const counted = new Proxy(bytes, {
          get: (target, key) => {
            if (typeof key === "string" && /^\d+$/.test(key)) looks++
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === "function" ? value.bind(target) : value
          }
        })
        parse(counted)
        assert.isAbove(looks, 0)
        assert.isAtMost(looks, 6 * bytes.length, unit)
      }
    })
  }
})
