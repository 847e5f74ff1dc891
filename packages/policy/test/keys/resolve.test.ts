// What selectors stand for: the owner's own keys, and nothing that somebody else could slip in.
import { assert, describe, it } from "@effect/vitest"
import type { Certificate } from "@gripgate/policy/keys/keyring"
import { needsKeyring, resolveKeys } from "@gripgate/policy/keys/resolve"
import { sameKeys } from "@gripgate/policy/keys/same-keys"
import type { World } from "@gripgate/policy/keys/world"
import { formatPlace, type Policy } from "@gripgate/policy/policy"
import { grip, policyOf } from "../read.ts"
import { certificate, key, worldOf } from "./world.ts"

const git = (...keys: ReadonlyArray<string>) =>
  policyOf("[apps.git]", "socket = \"git\"", `keys = ${JSON.stringify(keys)}`)

/** The keys that the app git sees, by their digit. */
const seen = (policy: Policy): string => {
  const keys = policy.apps.get("git")?.keys ?? new Set()
  return keys === "all" ? "all" : [...keys].map((keygrip) => keygrip[0]).toSorted().join("")
}

/** What one selector gives to the app git in a world without problems. */
const given = (selector: string, world: World): string => {
  const { policy, problems } = resolveKeys(git(selector), world)
  assert.deepStrictEqual(problems, [])
  return seen(policy)
}

const ALICE = { userIds: ["Alice <alice@example.org>"] }
const alice = certificate("1", [key("2", "encrypt"), key("3", "sign")], ALICE)
const bob = certificate("5", [key("6", "encrypt")], { userIds: ["Bob <bob@example.org>"] })

describe("a selector", () => {
  const world = worldOf([alice, bob], "12356")

  it("\"*\" and \"grip:\" stand for the same in every world", () => {
    const nowhere: World = { certificates: undefined, secret: undefined, made: new Set() }
    for (const each of [world, nowhere]) {
      assert.strictEqual(given("*", each), "all")
      assert.strictEqual(given(`grip:${grip("7")}`, each), "7")
      assert.strictEqual(given(`grip:${grip("2")}`, each), "2")
    }
  })

  it("by fingerprint or key id stands for the whole certificate, with ! for this one key", () => {
    for (const digits of ["1".repeat(40), "2".repeat(40), "3".repeat(16)]) {
      assert.strictEqual(given(digits, world), "123")
      assert.strictEqual(given(`${digits}!`, world), digits[0])
    }
  })

  it("by address stands for all keys of the owner's certificates that have exactly this address", () => {
    assert.strictEqual(given("alice@example.org", world), "123")
    const second = certificate("7", [], { userIds: ["Work <ALICE@example.org>"] })
    assert.strictEqual(given("alice@example.org", worldOf([alice, second], "17")), "1237")
    for (const part of ["lice@example.org", "alice@example.or", "alice@example.org.net"]) {
      const { notes, policy } = resolveKeys(git(part), world)
      assert.strictEqual(seen(policy), "")
      assert.match(notes[0]!.message, /^no certificate of yours has the address/)
    }
  })

  it("by fingerprint takes what is named, also where it is not the owner's", () => {
    assert.strictEqual(given("1".repeat(40), worldOf([alice], "")), "123")
  })

  it("that matches nothing is told at its place, and its keys stay hidden", () => {
    const { notes, policy } = resolveKeys(git("9".repeat(40), `grip:${grip("2")}`), world)
    assert.strictEqual(seen(policy), "2")
    assert.deepStrictEqual(notes.map(({ level, place }) => [level, formatPlace(place)]), [["warning", "p.toml:3:9"]])
  })

  it("that needs a keyring is told where there is none", () => {
    for (const selector of ["alice@example.org", "1".repeat(40), "1".repeat(16)]) {
      const policy = git(selector)
      assert.isTrue(needsKeyring(policy))
      const { notes, policy: resolved } = resolveKeys(policy, { ...world, certificates: undefined })
      assert.strictEqual(seen(resolved), "")
      assert.match(notes[0]!.message, /^there is no public keyring/)
    }
    assert.isFalse(needsKeyring(git(`grip:${grip("2")}`)))
    assert.isFalse(needsKeyring(git("*")))
  })

  it("of [anyone] is resolved too", () => {
    const policy = policyOf("[anyone]", "keys = [\"alice@example.org\"]")
    assert.isTrue(needsKeyring(policy))
    const keys = resolveKeys(policy, world).policy.anyone?.keys
    assert.deepStrictEqual(keys, new Set([grip("1"), grip("2"), grip("3")]))
  })

  it("is listed with what it stands for, in the order of the file", () => {
    const { matches } = resolveKeys(git("bob@example.org", `grip:${grip("9")}`, "2".repeat(40) + "!"), world)
    assert.deepStrictEqual(matches.map(({ keys, selector }) => [selector.text, keys]), [
      ["bob@example.org", [
        { keygrip: grip("5"), fingerprint: "5".repeat(40), keyId: "5".repeat(16), userId: "Bob <bob@example.org>" },
        { keygrip: grip("6"), fingerprint: "6".repeat(40), keyId: "6".repeat(16), userId: "Bob <bob@example.org>" }
      ]],
      [`grip:${grip("9")}`, [{ keygrip: grip("9") }]],
      [`${"2".repeat(40)}!`, [
        { keygrip: grip("2"), fingerprint: "2".repeat(40), keyId: "2".repeat(16), userId: "Alice <alice@example.org>" }
      ]]
    ])
  })
})

describe("a stranger's certificate", () => {
  const mallory = certificate("8", [key("9", "encrypt")], ALICE)
  const adopter = certificate("8", [key("2", "encrypt"), key("9", "sign")], ALICE)

  it("with the owner's address is not taken, and named in a warning", () => {
    const { notes, policy } = resolveKeys(git("alice@example.org"), worldOf([mallory, alice], "123"))
    assert.strictEqual(seen(policy), "123")
    assert.strictEqual(notes.length, 1)
    assert.strictEqual(notes[0]!.level, "warning")
    assert.include(notes[0]!.message, "8".repeat(40))
    assert.include(notes[0]!.message, "does not have the secret of its primary key")
    assert.include(notes[0]!.hint!, "fingerprint")
  })

  it("around one of the owner's keys gives nothing and takes nothing away", () => {
    for (const selector of ["alice@example.org", "1".repeat(40), "2".repeat(40), "2".repeat(16)]) {
      const { notes, policy, problems } = resolveKeys(git(selector), worldOf([adopter, alice], "123"))
      assert.deepStrictEqual(problems, [], selector)
      assert.strictEqual(seen(policy), "123", selector)
      assert.isTrue(notes.some(({ level, message }) => level === "note" && message.includes("8".repeat(40))), selector)
    }
    assert.strictEqual(given(`${"2".repeat(40)}!`, worldOf([adopter, alice], "123")), "2")
  })

  it("whose primary key an app made is a stranger's, with a secret and with ultimate trust", () => {
    const made = certificate("8", [key("9")], { ...ALICE, ultimate: true })
    const { notes, policy } = resolveKeys(git("alice@example.org"), worldOf([made, alice], "12389", "8"))
    assert.strictEqual(seen(policy), "123")
    assert.include(notes[0]!.message, "an app made its primary key")
  })

  it("that is named by fingerprint is taken, unless it holds a key of the owner's", () => {
    assert.strictEqual(given("8".repeat(40), worldOf([mallory, alice], "123")), "89")
    const { problems } = resolveKeys(git("8".repeat(40)), worldOf([adopter, alice], "123"))
    assert.strictEqual(problems.length, 1)
    for (const fingerprint of ["1".repeat(40), "8".repeat(40)]) assert.include(problems[0]!.message, fingerprint)
  })

  it("does not fill the output, however many there are", () => {
    const crowd = Array.from({ length: 500 }, (_, i) => {
      const fingerprint = (0xa000 + i).toString(16).toUpperCase().padStart(40, "0")
      return certificate("0", [], { ...ALICE, primary: { ...key("8"), fingerprint } })
    })
    const { notes } = resolveKeys(git("alice@example.org"), worldOf([...crowd, alice], "123"))
    assert.strictEqual(notes.length, 1)
    assert.isBelow(notes[0]!.message.length, 400)
  })
})

describe("a key in two certificates", () => {
  const other = certificate("7", [key("2", "sign")], { userIds: ["alice@example.net"] })

  it("of the owner's is an error for each selector that takes it, and names both", () => {
    const selectors = ["alice@example.org", "1".repeat(40), "7".repeat(40), "alice@example.net", "2".repeat(40)]
    for (const selector of selectors) {
      const { problems } = resolveKeys(git(selector), worldOf([alice, other], "1237"))
      assert.strictEqual(problems.length, 1, selector)
      assert.strictEqual(formatPlace(problems[0]!.place), "p.toml:3:9")
      for (const fingerprint of ["1".repeat(40), "7".repeat(40)]) assert.include(problems[0]!.message, fingerprint)
    }
  })

  it("does not matter to who names another key, or the key itself by its keygrip", () => {
    const world = worldOf([alice, other], "1237")
    assert.strictEqual(given(`${"3".repeat(40)}!`, world), "3")
    assert.strictEqual(given(`grip:${grip("2")}`, world), "2")
  })

  it("of which none is the owner's cannot be named by its own fingerprint", () => {
    const { problems } = resolveKeys(git("2".repeat(40)), worldOf([alice, other], ""))
    assert.match(problems[0]!.message, /none of them is yours/)
  })
})

describe("pins", () => {
  const policy = git("alice@example.org")
  const first = resolveKeys(policy, worldOf([alice], "123"))

  it("hold the certificates that were found, by their fingerprint", () => {
    assert.deepStrictEqual([...first.pins], [["alice@example.org", ["1".repeat(40)]]])
  })

  it("let new subkeys in, and new certificates not, which are told", () => {
    const grown = certificate("1", [...alice.keys.slice(1), key("4", "authenticate")], ALICE)
    const late = certificate("7", [], ALICE)
    const again = resolveKeys(policy, worldOf([late, grown], "12347"), first.pins)
    assert.strictEqual(seen(again.policy), "1234")
    assert.deepStrictEqual([...again.pins], [...first.pins])
    assert.include(again.notes[0]!.message, "7".repeat(40))
    // when the policy is loaded, it is in
    assert.strictEqual(seen(resolveKeys(policy, worldOf([late, grown], "12347")).policy), "12347")
  })

  it("hold when the certificate has lost the address, the secret or the trust", () => {
    const renamed: Certificate = { ...alice, userIds: [] }
    assert.strictEqual(seen(resolveKeys(policy, worldOf([renamed], ""), first.pins).policy), "123")
  })

  it("are not set as long as nothing matches or something is not known, and then it is searched for again", () => {
    const trusted: Certificate = { ...alice, ultimate: true }
    const worlds: ReadonlyArray<World> = [
      worldOf([bob], "5"),
      { ...worldOf([alice], ""), certificates: undefined },
      { ...worldOf([trusted], ""), secret: undefined }
    ]
    for (const world of worlds) {
      const { pins } = resolveKeys(policy, world)
      assert.deepStrictEqual([...pins], [])
      assert.strictEqual(seen(resolveKeys(policy, worldOf([alice], "1"), pins).policy), "123")
    }
    // what is the owner's in any case is there at once
    assert.strictEqual(seen(resolveKeys(policy, worlds[2]!).policy), "123")
  })

  it("say when their certificate is gone", () => {
    const { notes, policy: resolved } = resolveKeys(policy, worldOf([bob], "5"), first.pins)
    assert.strictEqual(seen(resolved), "")
    assert.include(notes[0]!.message, "1".repeat(40))
  })
})

describe("with", () => {
  const policyWith = (keys: string, ...selectors: ReadonlyArray<string>) =>
    policyOf(
      "[apps.git]",
      "socket = \"git\"",
      `keys = [${keys}]`,
      ...selectors.flatMap((selector) => [`[apps.git.with.${JSON.stringify(selector)}]`, "sign = \"forbid\""])
    )
  const world = worldOf([alice, bob], "12356")

  it("gives its entries to every key that its selector stands for", () => {
    const { notes, policy, problems } = resolveKeys(
      policyWith("\"*\"", "alice@example.org", `grip:${grip("9")}`),
      world
    )
    assert.deepStrictEqual([problems, notes], [[], []])
    const app = policy.apps.get("git")!
    assert.deepStrictEqual([...app.byKey.keys()].toSorted(), ["1", "2", "3", "9"].map(grip))
    assert.strictEqual(app.byKey.get(grip("3")), app.with[0]!.operations)
    assert.strictEqual(app.byKey.get(grip("9")), app.with[1]!.operations)
  })

  it("cannot have two tables for one key", () => {
    const { problems } = resolveKeys(policyWith("\"*\"", "alice@example.org", `${"3".repeat(40)}!`), world)
    assert.strictEqual(problems.length, 1)
    assert.strictEqual(problems[0]!.place.line, 6)
    assert.include(problems[0]!.message, "alice@example.org")
  })

  it("is told where the app sees none of its keys", () => {
    const { notes } = resolveKeys(policyWith("\"bob@example.org\"", "alice@example.org"), world)
    assert.deepStrictEqual(notes.map(({ place }) => place.line), [4])
    assert.match(notes[0]!.message, /does not see/)
  })
})

describe("sameKeys", () => {
  it("tells whether a resolution gives other keys", () => {
    const policy = git("alice@example.org")
    const resolve = (...certificates: ReadonlyArray<Certificate>) =>
      resolveKeys(policy, worldOf(certificates, "1")).policy
    assert.isTrue(sameKeys(resolve(alice), resolve(alice, bob)))
    assert.isFalse(sameKeys(resolve(alice), resolve(bob)))
    assert.isFalse(sameKeys(resolve(bob), resolve(certificate("1", [], ALICE))))
  })
})

describe("10,000 apps and 2,000 certificates", () => {
  it("are resolved within 500 ms", () => {
    const grips = (number: number) => number.toString(16).toUpperCase().padStart(40, "0")
    const numbered = (number: number) => ({
      ...key("1", "sign"),
      keygrip: grips(number) as never,
      fingerprint: grips(number),
      keyId: grips(number).slice(24)
    })
    const certificates = Array.from(
      { length: 2_000 },
      (_, i) =>
        certificate("1", [numbered(3 * i + 1), numbered(3 * i + 2)], {
          primary: numbered(3 * i),
          userIds: [`User <u${i}@example.org>`, `u${i}@example.net`],
          ultimate: true
        })
    )
    const template = git("alice@example.org").apps.get("git")!
    const apps = new Map(Array.from({ length: 10_000 }, (_, i) => {
      const address = `u${i % 2_500}@example.org`
      const selectors = [{ ...template.selectors[0]!, text: address, wanted: { kind: "address", address } as const }]
      return [`a${i}`, { ...template, name: `a${i}`, selectors }]
    }))
    const policy: Policy = { ...policyOf(""), apps }
    const world: World = { certificates, secret: new Set(), made: new Set() }
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now()
      const { matches } = resolveKeys(policy, world)
      assert.strictEqual(matches.filter(({ keys }) => keys.length === 3).length, 8_000)
      return performance.now() - start
    })
    assert.isBelow(Math.min(...times), 500)
  })
})
