import { assert, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"
import { decide, names } from "@gripgate/policy/decide"
import type { Policy } from "@gripgate/policy/policy"
import type { Verdict } from "@gripgate/policy/verdict"
import { type Operation, operations } from "@gripgate/protocol/operation"
import { grip, policyOf } from "./read.ts"

const git = ["[apps.git]", "socket = \"git\"", "keys = [\"*\"]"]

const holds = (policy: Policy, app: string | undefined, operation: Operation): readonly [Verdict, string] => {
  const { entry, verdict } = decide(policy, { app, operation })
  assert.strictEqual(entry.verdict, verdict)
  return [verdict, entry.text]
}

/** What the defaults mean for what nothing names; everything not listed here is as the default says. */
const exceptions: Record<"allow" | "ask" | "forbid", Partial<Record<Operation, readonly [Verdict, string]>>> = {
  allow: {},
  ask: {
    list: ["allow", "default = \"ask\" allows list, on visible keys"],
    prompt: ["forbid", "default = \"ask\" keeps prompt from the agent"],
    admin: ["forbid", "default = \"ask\" refuses admin"]
  },
  forbid: { list: ["allow", "default = \"forbid\" allows list, on visible keys"] }
}

describe("decide: one entry, at each level", () => {
  for (const byDefault of ["allow", "ask", "forbid"] as const) {
    it(`gives every operation what default = "${byDefault}" means for it`, () => {
      const expected = (operation: Operation) =>
        exceptions[byDefault][operation] ?? [byDefault, `default = "${byDefault}"`]
      const policy = policyOf(`default = "${byDefault}"`, ...git)
      for (const operation of operations) {
        assert.deepStrictEqual(holds(policy, "git", operation), expected(operation))
        assert.deepStrictEqual(holds(policy, undefined, operation), expected(operation))
        assert.deepStrictEqual(holds(builtin(byDefault), undefined, operation), expected(operation))
      }
    })

    for (const verdict of ["allow", "ask", "token", "forbid"] as const) {
      it(`lets "${verdict}" in any table hold over default = "${byDefault}", for every operation`, () => {
        for (const operation of operations) {
          const line = `${operation} = "${verdict}"`
          const shared = policyOf(`default = "${byDefault}"`, ...git, "[operations]", line)
          assert.deepStrictEqual(holds(shared, "git", operation), [verdict, `[operations] ${line}`])
          assert.deepStrictEqual(holds(shared, undefined, operation), [verdict, `[operations] ${line}`])
          const own = policyOf(`default = "${byDefault}"`, ...git, line)
          const otherwise = exceptions[byDefault][operation] ?? [byDefault, `default = "${byDefault}"`]
          assert.deepStrictEqual(holds(own, "git", operation), [verdict, `[apps.git] ${line}`])
          assert.deepStrictEqual(holds(own, undefined, operation), otherwise)
          const anyone = policyOf(`default = "${byDefault}"`, ...git, "[anyone]", line)
          assert.deepStrictEqual(holds(anyone, undefined, operation), [verdict, `[anyone] ${line}`])
          assert.deepStrictEqual(holds(anyone, "git", operation), otherwise)
        }
      })
    }
  }
})

describe("decide: entries at several levels", () => {
  for (const own of ["allow", "ask", "token", "forbid"] as const) {
    for (const shared of ["allow", "ask", "token", "forbid"] as const) {
      it(`lets the app's "${own}" hold over "${shared}" in [operations], stricter or not`, () => {
        for (const operation of operations) {
          const policy = policyOf(
            "default = \"ask\"",
            "[operations]",
            `${operation} = "${shared}"`,
            ...git,
            `${operation} = "${own}"`,
            "[anyone]",
            `${operation} = "${own}"`
          )
          assert.deepStrictEqual(holds(policy, "git", operation), [own, `[apps.git] ${operation} = "${own}"`])
          assert.deepStrictEqual(holds(policy, undefined, operation), [own, `[anyone] ${operation} = "${own}"`])
        }
      })
    }
  }

  it("keeps one app's entries from another", () => {
    const policy = policyOf(
      "default = \"forbid\"",
      ...git,
      "sign = \"allow\"",
      "[apps.mail]",
      "socket = \"mail\"",
      "keys = [\"*\"]"
    )
    assert.deepStrictEqual(holds(policy, "git", "sign"), ["allow", "[apps.git] sign = \"allow\""])
    assert.deepStrictEqual(holds(policy, "mail", "sign"), ["forbid", "default = \"forbid\""])
  })

  for (const follower of ["certify", "authenticate"] as const) {
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string>, Verdict, string]> = [
      ["the app's sign", ["sign = \"token\""], [], "token", "[apps.git] sign = \"token\""],
      ["the shared sign", [], ["sign = \"allow\""], "allow", "[operations] sign = \"allow\""],
      ["the app's of two signs", ["sign = \"ask\""], ["sign = \"allow\""], "ask", "[apps.git] sign = \"ask\""],
      ["its own entry", [`${follower} = "ask"`, "sign = \"allow\""], [], "ask", `[apps.git] ${follower} = "ask"`],
      [
        "its own shared entry, before the app's sign",
        ["sign = \"allow\""],
        [`${follower} = "token"`],
        "token",
        `[operations] ${follower} = "token"`
      ],
      [
        "its own entry, before the shared one",
        [`${follower} = "allow"`],
        [`${follower} = "token"`, "sign = \"ask\""],
        "allow",
        `[apps.git] ${follower} = "allow"`
      ],
      ["the default without any", [], [], "forbid", "default = \"forbid\""]
    ]
    for (const [what, own, shared, verdict, reason] of cases) {
      it(`judges ${follower} by ${what}`, () => {
        const policy = policyOf("default = \"forbid\"", "[operations]", ...shared, ...git, ...own)
        assert.deepStrictEqual(holds(policy, "git", follower), [verdict, reason])
      })
    }
  }

  it("never lets sign follow certify or authenticate", () => {
    const policy = policyOf("default = \"ask\"", ...git, "certify = \"allow\"", "authenticate = \"allow\"")
    assert.deepStrictEqual(holds(policy, "git", "sign"), ["ask", "default = \"ask\""])
  })
})

describe("decide: keys and apps", () => {
  it("forbids the use of a key that the app does not see, whatever its entries say", () => {
    const policy = policyOf(
      "default = \"allow\"",
      "[apps.git]",
      "socket = \"git\"",
      `keys = ["grip:${grip("A")}"]`,
      "sign = \"allow\""
    )
    assert.strictEqual(decide(policy, { app: "git", operation: "sign", keygrip: grip("A") }).verdict, "allow")
    const { entry, verdict } = decide(policy, { app: "git", operation: "sign", keygrip: grip("B") })
    assert.strictEqual(verdict, "forbid")
    assert.deepStrictEqual(entry, {
      verdict: "forbid",
      place: { file: "p.toml", line: 4, column: 1 },
      text: "[apps.git] keys does not name this key"
    })
    assert.strictEqual(decide(policy, { app: undefined, operation: "sign", keygrip: grip("B") }).verdict, "allow")
  })

  it("says why whoever is no app sees no key where nothing gives one", () => {
    const { entry, verdict } = decide(policyOf("default = \"ask\"", "[operations]", "sign = \"allow\""), {
      app: undefined,
      operation: "sign",
      keygrip: grip("A")
    })
    assert.strictEqual(verdict, "forbid")
    assert.strictEqual(entry.text, "[anyone] without keys sees none under default = \"ask\"")
  })

  it("lets an app that the policy does not have do nothing", () => {
    const policy = policyOf("default = \"allow\"", "[operations]", "sign = \"allow\"", "[anyone]", "sign = \"allow\"")
    for (const operation of operations) {
      assert.deepStrictEqual(holds(policy, "gone", operation), [
        "forbid",
        "an app that the policy does not have may do nothing"
      ])
    }
  })

  it("does not take words of JavaScript for apps", () => {
    for (const app of ["__proto__", "constructor", "toString", "anyone"]) {
      assert.strictEqual(decide(builtin("allow"), { app, operation: "sign" }).verdict, "forbid")
    }
  })

  it("finds the right one of 10,000 apps with an entry each", () => {
    const apps = Array.from({ length: 10_000 }, (_, i) => [
      `[apps.app${i}]`,
      `socket = "app${i}"`,
      "keys = [\"*\"]",
      `sign = "${i % 2 === 0 ? "allow" : "token"}"`
    ])
    const policy = policyOf("default = \"forbid\"", ...apps.flat())
    for (let i = 0; i < 10_000; i++) {
      const { entry, verdict } = decide(policy, { app: `app${i}`, operation: "sign", keygrip: grip("A") })
      assert.strictEqual(verdict, i % 2 === 0 ? "allow" : "token")
      assert.strictEqual(entry.place?.line, 5 + 4 * i)
    }
    assert.strictEqual(decide(policy, { app: "app77", operation: "decrypt" }).verdict, "forbid")
  })
})

describe("names", () => {
  it("is true for what the client's own table or [operations] names, and for nothing else", () => {
    const policy = policyOf(
      "default = \"ask\"",
      "[operations]",
      "decrypt = \"ask\"",
      ...git,
      "card = \"ask\"",
      "sign = \"allow\"",
      "[anyone]",
      "store = \"forbid\""
    )
    assert.isTrue(names(policy, "git", "card"))
    assert.isFalse(names(policy, undefined, "card"))
    assert.isTrue(names(policy, undefined, "store"))
    assert.isFalse(names(policy, "git", "store"))
    assert.isTrue(names(policy, "git", "decrypt"))
    assert.isTrue(names(policy, undefined, "decrypt"))
    assert.isFalse(names(policy, "git", "certify"))
    assert.isFalse(names(policy, "git", "list"))
  })
})
