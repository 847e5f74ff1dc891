// GRIPGATE, the gate's own command: what it takes, and that nothing of it is a command of an agent.
import { assert, describe, it } from "@effect/vitest"
import { parseRequest } from "../../src/request.ts"
import { commandSpec, gripgateSpec, scdSpec } from "../../src/table/index.ts"
import { command } from "../plain.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"
const refusal = (line: string): string => {
  const request = parseRequest(Buffer.from(line))
  return request.kind === "refused" ? request.reason : request.kind
}

describe("GRIPGATE", () => {
  it("has a word behind it, in any case, and is nothing without", () => {
    for (const line of ["GRIPGATE WHOAMI", "gripgate whoami", "GRIPGATE  WHOAMI "]) {
      assert.strictEqual(command(line).inner?.spec.name, "WHOAMI", line)
    }
    for (const line of ["GRIPGATE", "GRIPGATE ", "GRIPGATE PKSIGN", "GRIPGATE SCD SERIALNO", "GRIPGATE GRIPGATE"]) {
      assert.strictEqual(refusal(line), "GRIPGATE: a command that is not known", line)
    }
    for (const word of ["WHOAMI", "REQUEST", "RETURN"]) {
      assert.isUndefined(commandSpec(word), word)
      assert.isUndefined(scdSpec(word), word)
      assert.strictEqual(gripgateSpec(word)?.fate, "gate", word)
    }
  })

  it("WHOAMI takes keygrips, or none", () => {
    assert.deepStrictEqual(command(`GRIPGATE WHOAMI ${grip.toLowerCase()} ${grip}`).inner?.args, [grip, grip])
    assert.match(refusal("GRIPGATE WHOAMI alice@example.org"), /WHOAMI needs KEYGRIP/)
  })

  it("REQUEST takes options, then at least one key as the policy names it", () => {
    const line =
      "GRIPGATE REQUEST --operations=sign,decrypt --for=90d --uses=5 --limit=60/hour --no-seal a@b.example grip:X"
    const { args, options } = command(line).inner!
    assert.deepStrictEqual([...options.keys()], ["--operations", "--for", "--uses", "--limit", "--no-seal"])
    assert.deepStrictEqual(args, ["a@b.example", "grip:X"])
    for (
      const wrong of [
        "",
        "--for=90d",
        "--for=90 days a",
        "--for=0d a",
        "--for=x a",
        "--uses=-1 a",
        "--limit=60 a",
        "--operations=export a",
        "--operations= a",
        "--operations=sign,sign,sign,sign,sign,sign a",
        "--seal a",
        "a --no-seal",
        "a b\tc --for=1d"
      ]
    ) assert.notStrictEqual(refusal(`GRIPGATE REQUEST ${wrong}`), "command", wrong)
  })

  it("RETURN takes one name", () => {
    assert.deepStrictEqual(command("GRIPGATE RETURN 7KQ2").inner?.args, ["7KQ2"])
    for (const line of ["GRIPGATE RETURN", "GRIPGATE RETURN a b"]) assert.match(refusal(line), /RETURN/)
  })
})
