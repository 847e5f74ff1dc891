// What is accepted, whatever it is: written anew it is one line of known form in which the agent, by its own way of looking,
// sees exactly what was parsed.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Command } from "../src/grammar/command.ts"
import { parseRequest, writeOption, writeRequest } from "../src/request.ts"
import { commands } from "../src/table/index.ts"
import { agentSees, knownOptions, optionSeen } from "./agent-model.ts"
import {
  anyCommand,
  cardCommandOf,
  commandOf,
  optionNames,
  optionValueOf,
  plainSpecs,
  scdCommands
} from "./generate.ts"
import { command, latin1, plain, request, valueText } from "./plain.ts"

/** Everything that must hold for a command that was accepted. Gives back the line that was written. */
const assertSafe = (parsed: Command): string => {
  const bytes = writeRequest(parsed)
  if (bytes === undefined) return ""
  assert.isAtMost(bytes.length, 1001)
  const written = bytes.toString("latin1")
  assert.match(written, /^[^\0\r\n]+\n$/)
  const line = written.slice(0, -1)
  const used = parsed.inner ?? parsed
  const name = parsed.inner === undefined ? parsed.spec.name : `SCD ${parsed.inner.spec.name}`
  assert.isTrue(line === name || line.startsWith(`${name} `), line)
  assert.isFalse(/^(?:INPUT|OUTPUT)\b/.test(parsed.inner === undefined ? line : parsed.inner.spec.name))
  for (const value of [...used.options.values(), ...used.args]) {
    // text is text; whatever else there is are bytes, and stand where the description says so
    if (typeof value === "string") assert.match(value, /^[!-~]*$/)
  }

  const seen = agentSees(line)
  assert.strictEqual(seen.name, parsed.spec.name)
  assert.strictEqual(seen.inner, parsed.inner?.spec.name)
  const options = Object.fromEntries([...used.options].map(([option, value]) => [option, valueText(value)]))
  assert.deepStrictEqual(seen.options, options, line)
  assert.strictEqual(seen.rest, used.args.map(valueText).join(" "), line)

  const again = parseRequest(latin1(line))
  assert.strictEqual(again.kind, "command", line)
  if (again.kind === "command") assert.deepStrictEqual(plain(again.command), plain(parsed))
  return line
}

/** The same for one line of a client; whether it was accepted. */
const assertSafeLine = (bytes: Buffer): boolean => {
  const line = bytes.toString("latin1")
  const parsed = parseRequest(bytes)
  if (parsed.kind === "command") {
    assertSafe(parsed.command)
    return true
  }
  if (parsed.kind === "option") {
    const written = writeOption(parsed.option.name, parsed.value).toString("latin1")
    assert.isAtMost(written.length, 1001)
    assert.match(written, /^OPTION [^\0\r\n]+\n$/)
    const value = parsed.value.toString("latin1")
    assert.deepStrictEqual(optionSeen(written.slice(0, -1)), [parsed.option.name, value])
    const asSpelt = optionSeen(line)
    assert.deepStrictEqual(typeof asSpelt === "string" ? asSpelt : [asSpelt[0], asSpelt[1].trimEnd()], [
      parsed.option.name,
      value.trimEnd()
    ])
    return true
  }
  if (parsed.kind === "ignore") assert.match(line, /^(?:#|$)/)
  else {
    assert.match(parsed.reason, /^[ -~]+$/)
    assert.notStrictEqual(parsed.error.value, 0)
  }
  return false
}

describe("every command of the table", () => {
  for (const spec of plainSpecs) {
    it(`${spec.name}: what is generated from its description is written and read back the same`, () => {
      fc.assert(
        fc.property(commandOf(spec), (made) => {
          const line = assertSafe(made)
          assert.deepStrictEqual(plain(command(line)), plain(made))
        }),
        { seed: 2240, numRuns: 100 }
      )
    })
  }

  for (const spec of scdCommands) {
    it(`SCD ${spec.name}: the same`, () => {
      fc.assert(
        fc.property(cardCommandOf(spec), (made) => {
          const line = assertSafe(made)
          assert.deepStrictEqual(plain(command(line)), plain(made))
        }),
        { seed: 2240, numRuns: 100 }
      )
    })
  }

  for (const option of optionNames) {
    it(`OPTION ${option.name}: the same`, () => {
      fc.assert(
        fc.property(optionValueOf(option), (value) => {
          const written = writeOption(option.name, value)
          const parsed = parseRequest(written.subarray(0, -1))
          assert.strictEqual(parsed.kind, "option")
          if (parsed.kind !== "option") return
          assert.strictEqual(parsed.option, option)
          assert.strictEqual(parsed.value.toString("latin1"), value.toString("latin1"))
          assertSafeLine(written.subarray(0, -1))
        }),
        { seed: 2240, numRuns: 100 }
      )
    })
  }

  it("has no option that the receiver does not look for, and none is missing", () => {
    const described = (prefix: string, specs: typeof commands) =>
      specs.filter(({ options }) => options.length > 0).map(({ name, options }) =>
        [`${prefix}${name}`, options.map((option) => option.name).toSorted()] as const
      )
    const ours = [...described("", commands), ...described("SCD ", scdCommands)]
    const theirs = [...knownOptions].map(([name, options]) => [name, [...options].toSorted()])
    assert.deepStrictEqual(Object.fromEntries(ours), Object.fromEntries(theirs))
  })
})

const specs = [...commands, ...scdCommands]
const optionTexts = specs.flatMap(({ options }) => options.map(({ name }) => name))
const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"
const caseOf = (word: string): fc.Arbitrary<string> =>
  fc.constantFrom(word, word, word, word.toLowerCase(), word[0] + word.slice(1).toLowerCase())
const word = fc.oneof(
  fc.constantFrom(
    grip,
    grip.toLowerCase(),
    "8",
    "10",
    "-1",
    "X",
    "S",
    "P",
    "sha256",
    "--",
    "loopback",
    "20261123T055141"
  ),
  fc.constantFrom(
    "A".repeat(40),
    "AB".repeat(32),
    "616263",
    "Link:",
    "version",
    "OPENPGP.1",
    "a--b",
    "x--force",
    "=",
    ""
  ),
  fc.constantFrom(...optionTexts),
  fc.tuple(
    fc.constantFrom(...optionTexts),
    fc.constantFrom("=", "X", "=1", "=x--verify", "=x--force", "=sha1", "=a b", " 1")
  )
    .map(([option, more]) => option + more),
  fc.string({ maxLength: 6 }),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString("latin1"))
)
const gap = fc.constantFrom(" ", " ", " ", " ", "  ", "\t")
const names = [...commands.map(({ name }) => name), ...scdCommands.map(({ name }) => `SCD ${name}`)]

/** Lines that look like commands: a name, and words with something wrong here and there. */
const commandLike = fc.tuple(
  fc.constantFrom(...names).chain(caseOf),
  fc.array(fc.tuple(gap, word), { maxLength: 6 })
).map(([name, words]) => name + words.flat().join(""))

/** A command's own options, alone and hidden in each other: `--a`, `--a=x--b`, `--a=--b`, `--a--b`. */
const spellings = (spec: typeof specs[number]): ReadonlyArray<string> => {
  const own = spec.options.map(({ name }) => name)
  return spec.options.flatMap(({ name, value }) => {
    const hidden = own.flatMap((other) => [`${name}=x${other}`, `${name}=${other}`, `${name}${other}`])
    // the name of a kind of word is mostly such a word itself, and that of a choice begins with one
    return value === undefined ? [name, ...hidden] : [name, `${name}=${value.names.split("|")[0]}`, ...hidden]
  })
}

/** The words of good commands of a description, without its options. */
const goodArguments = (spec: typeof specs[number]): ReadonlyArray<string> =>
  fc.sample(commandOf({ ...spec, options: [] }), { seed: 7, numRuns: 1 }).map((made) =>
    writeRequest(made)!.toString("latin1").slice(spec.name.length, -1)
  )

describe("whatever comes in", () => {
  it("is no command, or one in which the agent sees what was parsed: any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        assertSafeLine(Buffer.from(bytes))
      }),
      { seed: 1, numRuns: 3000 }
    )
  })

  it("the same: lines that look like commands", () => {
    let accepted = 0
    fc.assert(
      fc.property(commandLike, (line) => {
        if (assertSafeLine(latin1(line))) accepted++
      }),
      { seed: 2, numRuns: 10_000 }
    )
    assert.isAbove(accepted, 500)
  })

  it("the same: every two options of a command, alone and hidden in each other, before good words", () => {
    const accepted = new Set<string>()
    for (const spec of [...plainSpecs, ...scdCommands].filter(({ options }) => options.length > 0)) {
      const name = scdCommands.includes(spec) ? `SCD ${spec.name}` : spec.name
      const words = spellings(spec)
      // what goes together is left to the parser: without options or arguments few descriptions agree
      const { check: _, ...unchecked } = spec
      for (const behind of ["", ...goodArguments(unchecked)]) {
        for (const first of words) {
          for (const second of ["", ...words.map((word) => ` ${word}`)]) {
            if (assertSafeLine(latin1(`${name} ${first}${second}${behind}`))) accepted.add(name)
          }
        }
      }
    }
    assert.deepStrictEqual([...accepted].toSorted(), [...knownOptions.keys()].toSorted())
  })

  it("the same: good commands with one byte more, less, or another", () => {
    let accepted = 0
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom("insert", "delete", "replace"))
    fc.assert(
      fc.property(anyCommand, change, (made, [place, byte, how]) => {
        const line = writeRequest(made)!.subarray(0, -1)
        const at = place % line.length
        const middle = how === "delete" ? [] : [byte]
        const changed = Buffer.concat([
          line.subarray(0, at),
          Buffer.from(middle),
          line.subarray(how === "insert" ? at : at + 1)
        ])
        if (assertSafeLine(changed)) accepted++
      }),
      { seed: 4, numRuns: 5000 }
    )
    assert.isAbove(accepted, 400)
  })

  it("the same: OPTION lines of every spelling, which libassuan reads alike", () => {
    let accepted = 0
    const option = fc.constantFrom(...optionNames.map(({ name }) => name), "nosuch", "Display", "")
    const dashes = fc.constantFrom("", "", "", "--", "-", "---")
    const blanks = fc.constantFrom("", " ", "\t", "  ")
    const value = fc.constantFrom("", "loopback", "1", "ask", "a=b", "=", "=x", "x y", "--x", "x  ", "\xff", "xterm ")
    fc.assert(
      fc.property(
        fc.tuple(blanks, dashes, option, blanks, fc.constantFrom("=", ""), blanks, value, blanks),
        (parts) => {
          if (assertSafeLine(latin1(`OPTION ${parts.join("")}`))) accepted++
        }
      ),
      { seed: 5, numRuns: 5000 }
    )
    assert.isAbove(accepted, 500)
  })

  it("is refused without a word of the client's own in the reason", () => {
    const secret = "Correct1Horse2Battery3"
    for (const { name } of commands) {
      for (
        const line of [`${name} --${secret}`, `${name} ${secret} ${secret} ${secret}`, `${name} --data=${secret} X`]
      ) {
        const parsed = request(line)
        if (parsed.kind === "refused") assert.notInclude(`${parsed.name} ${parsed.reason}`, secret, name)
      }
    }
    const unknown = request(`${secret} x`)
    assert.notInclude(JSON.stringify(unknown), secret)
  })
})
