// What the gate remembers of HAVEKEY: a yes, for two seconds, and only to the very same question.
import { assert, describe, it } from "@effect/vitest"
import { parseRequest } from "@gripgate/protocol/request"
import { KnownKeys, MEMORY } from "../../src/keys/known-keys.ts"

const A = "A".repeat(40)
const B = "B".repeat(40)

const command = (line: string) => {
  const request = parseRequest(Buffer.from(line))
  if (request.kind !== "command") throw new Error(`${line}: ${request.kind}`)
  return request.command
}

describe("KnownKeys", () => {
  it("believes a yes for two seconds from when the agent said it, and not a moment longer", () => {
    let now = 1000
    const known = new KnownKeys(() => now)
    known.note(command(`HAVEKEY ${A}`))
    now += MEMORY - 1
    assert.isTrue(known.has(command(`havekey ${A.toLowerCase()}`)))
    now += 1
    assert.isFalse(known.has(command(`HAVEKEY ${A}`)))
  })

  it("answers no other question: one of several keys may be the only one that exists", () => {
    const known = new KnownKeys(() => 0)
    known.note(command(`HAVEKEY ${A} ${B}`))
    assert.isTrue(known.has(command(`HAVEKEY ${A} ${B}`)))
    for (const other of [`HAVEKEY ${A}`, `HAVEKEY ${B}`, `HAVEKEY ${B} ${A}`, "HAVEKEY --list", `KEYINFO ${A}`]) {
      assert.isFalse(known.has(command(other)), other)
    }
  })

  it("notes nothing but HAVEKEY with keygrips alone, and forgets all at once", () => {
    const known = new KnownKeys(() => 0)
    for (const line of ["HAVEKEY --list", `HAVEKEY --info ${A}`, `KEYINFO ${A}`]) {
      known.note(command(line))
      assert.isFalse(known.has(command(line)), line)
    }
    known.note(command(`HAVEKEY ${A}`))
    known.forget()
    assert.isFalse(known.has(command(`HAVEKEY ${A}`)))
  })

  it("does not grow with the questions of a client", () => {
    const known = new KnownKeys(() => 0)
    const first = command(`HAVEKEY ${A}`)
    known.note(first)
    for (let i = 0; i < 1000; i++) known.note(command(`HAVEKEY ${i.toString(16).padStart(40, "0")}`))
    assert.isFalse(known.has(first))
  })
})
