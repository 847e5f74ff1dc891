// The names of OPTION (GnuPG agent/command.c option_handler, 2.2.40 to 2.5.12).
import { assert, describe, it } from "@effect/vitest"
import { optionName, optionNames } from "../../src/table/option.ts"

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)
const sorted = (list: Iterable<string>): ReadonlyArray<string> => [...list].toSorted()

describe("the names of OPTION", () => {
  it("are those of the agent, each once", () => {
    const names = words(
      `agent-awareness putenv display ttyname ttytype lc-ctype lc-messages xauthority pinentry-user-data
      use-cache-for-signing allow-pinentry-notify pinentry-mode cache-ttl-opt-preset s2k-count pretend-request-origin
      ephemeral`
    )
    assert.deepStrictEqual(sorted(optionNames.map(({ name }) => name)), sorted(names))
    assert.deepStrictEqual(
      optionNames.filter(({ since }) => since !== undefined).map(({ name, since }) => [name, since]),
      [
        ["ephemeral", "2.4.4"]
      ]
    )
  })

  it("are environment where they steer a prompt, and need `prompt` then", () => {
    const environment = "display lc-ctype lc-messages pinentry-user-data putenv ttyname ttytype xauthority"
    assert.deepStrictEqual(
      sorted(optionNames.filter(({ fate }) => fate === "environment").map(({ name }) => name)),
      words(environment)
    )
    for (const { fate, is, name } of optionNames) {
      assert.strictEqual(is.includes("prompt"), fate === "environment", name)
    }
  })

  it("need `admin` where they change what the connection is, and nothing where they are harmless", () => {
    const of = (name: string) => [optionName(name)?.fate, optionName(name)?.is.join(" ")]
    assert.deepStrictEqual(of("pretend-request-origin"), ["agent", "admin"])
    assert.deepStrictEqual(of("ephemeral"), ["agent", "admin"])
    assert.deepStrictEqual(of("pinentry-mode"), ["mode", ""])
    for (
      const name of words("agent-awareness allow-pinentry-notify use-cache-for-signing cache-ttl-opt-preset s2k-count")
    ) {
      assert.deepStrictEqual(of(name), ["session", ""], name)
    }
  })

  it("have a secret for a value in one case", () => {
    assert.deepStrictEqual(optionNames.filter(({ secret }) => secret === true).map(({ name }) => name), [
      "pinentry-user-data"
    ])
    // a pattern would make a string of it, which cannot be wiped
    assert.isUndefined(optionName("pinentry-user-data")!.value)
  })

  it("are known in their own case only", () => {
    for (const name of ["Display", "DISPLAY", "", "display ", "--display", "constructor", "__proto__"]) {
      assert.isUndefined(optionName(name), name)
    }
  })
})
