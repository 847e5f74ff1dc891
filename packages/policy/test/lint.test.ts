import { assert, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"
import { resolveAccounts } from "@gripgate/policy/client/accounts"
import { lint } from "@gripgate/policy/lint/lint"
import { grip, policyOf } from "./read.ts"

const found = (...lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lint(policyOf(...lines)).map(({ level, message, place }) =>
    `${place === undefined ? "-" : `${place.line}:${place.column}`} ${level} ${message}`
  )

const app = (name: string, keys = "\"*\"") => [`[apps.${name}]`, `socket = "${name}"`, `keys = [${keys}]`]
const same = (text: string, other: string) => `${text} changes nothing: without it the verdict is the same (${other})`
const unasked = "is refused: [approve] names nobody who could answer"
const silent = ["[approve]", "approvers = [\"notification\"]"]
const all = ["[anyone]", "keys = [\"*\"]"]

describe("lint", () => {
  it("finds nothing in a policy that says what it needs to and no more", () => {
    assert.deepStrictEqual(
      found(
        "default = \"forbid\"",
        "[operations]",
        "decrypt = \"allow\"",
        ...app("git"),
        "sign = \"allow\"",
        "decrypt = \"forbid\"",
        "[anyone]",
        "keys = []"
      ),
      []
    )
    assert.deepStrictEqual(found("default = \"allow\"", "[operations]", "export = \"forbid\""), [])
    assert.deepStrictEqual(lint(builtin("allow")), [])
    assert.deepStrictEqual(lint(builtin("forbid")), [])
  })

  it("notes an entry that changes nothing, at each level", () => {
    assert.deepStrictEqual(
      found(
        "default = \"forbid\"",
        "[operations]",
        "list = \"allow\"",
        "sign = \"forbid\"",
        "export = \"allow\"",
        ...app("git"),
        "export = \"allow\"",
        "decrypt = \"forbid\"",
        ...all,
        "passwd = \"forbid\""
      ),
      [
        `3:1 note ${same("[operations] list = \"allow\"", "default = \"forbid\" allows list, on visible keys")}`,
        `4:1 note ${same("[operations] sign = \"forbid\"", "default = \"forbid\"")}`,
        `9:1 note ${same("[apps.git] export = \"allow\"", "[operations] export = \"allow\"")}`,
        `10:1 note ${same("[apps.git] decrypt = \"forbid\"", "default = \"forbid\"")}`,
        `13:1 note ${same("[anyone] passwd = \"forbid\"", "default = \"forbid\"")}`
      ]
    )
  })

  it("knows that sign is also what certify and authenticate follow", () => {
    // Without its own sign the app would certify by the shared one.
    assert.deepStrictEqual(
      found("default = \"forbid\"", "[operations]", "sign = \"allow\"", ...app("git"), "certify = \"allow\"", ...all),
      [`7:1 note ${same("[apps.git] certify = \"allow\"", "[operations] sign = \"allow\"")}`]
    )
    assert.deepStrictEqual(
      found("default = \"forbid\"", "[operations]", "sign = \"allow\"", ...app("git"), "certify = \"forbid\"", ...all),
      []
    )
  })

  it("does not take an entry in [operations] for idle that only some apps override", () => {
    assert.deepStrictEqual(
      found("default = \"allow\"", "[operations]", "sign = \"forbid\"", ...app("git"), "sign = \"allow\""),
      []
    )
  })

  it("knows that naming card under ask has an effect of its own", () => {
    assert.deepStrictEqual(found("default = \"ask\"", ...all, "card = \"ask\""), [])
    assert.deepStrictEqual(
      found("default = \"ask\"", "[operations]", "card = \"forbid\"", ...all, "card = \"forbid\""),
      [
        `6:1 note ${same("[anyone] card = \"forbid\"", "[operations] card = \"forbid\"")}`
      ]
    )
  })

  it("warns of verdicts that nothing can satisfy", () => {
    assert.deepStrictEqual(
      found(
        "default = \"allow\"",
        "[operations]",
        "export = \"ask\"",
        ...app("git"),
        "sign = \"token\"",
        "[anyone]",
        "sign = \"ask\"",
        ...silent
      ),
      [
        `3:1 warning [operations] export = "ask" ${unasked}`,
        `9:1 warning [anyone] sign = "ask" ${unasked}`
      ]
    )
    assert.deepStrictEqual(lint(builtin("ask")), [])
  })

  it("warns of tokens that nobody can have", () => {
    assert.deepStrictEqual(
      found(
        "default = \"allow\"",
        "[operations]",
        "export = \"token\"",
        "passwd = \"token\"",
        ...app("git"),
        "sign = \"token\"",
        "[anyone]",
        "sign = \"token\"",
        "passwd = \"forbid\"",
        ...silent
      ).filter((line) => line.includes("token")),
      [
        "3:1 warning [operations] export = \"token\" is refused to whoever is no app: only an app can have a token",
        "10:1 warning [anyone] sign = \"token\" is refused: only an app can have a token"
      ]
    )
  })

  it("warns of owners who cannot answer", () => {
    const owned = (...lines: ReadonlyArray<string>) =>
      lint(resolveAccounts(policyOf("default = \"allow\"", ...lines), { uid: () => 1001, gid: () => 7 }).policy, {
        gateUid: 1000
      }).filter(({ level }) => level === "warning").map(({ message }) => message)
    const unreachable = "[gate] owners names another user than the gate's own, who cannot connect to its control socket"
    assert.deepStrictEqual(owned("[gate]", "owners = [\"alice\"]"), [unreachable])
    assert.deepStrictEqual(owned("[gate]", "owners = [1000, 1001]"), [unreachable])
    assert.deepStrictEqual(owned("[gate]", "owners = [1000]"), [])
    assert.deepStrictEqual(owned("[gate]", "owners = [\"alice\"]", "control-group = \"keys\""), [])
    const taken = "every program of an owner is [apps.mail], so that none of his can answer a question"
    const mail = (match: string) => ["[apps.mail]", `match = { ${match} }`, ...all.slice(1)]
    assert.deepStrictEqual(owned(...mail("user = 1000")), [taken])
    assert.deepStrictEqual(owned(...mail("user = 1002")), [])
    assert.deepStrictEqual(owned(...mail("user = 1000, exe = \"/usr/bin/mutt\"")), [])
    assert.deepStrictEqual(owned(...mail("user = 1000"), "socket = \"mail\""), [])
  })

  it("warns of a policy under which nobody sees a key", () => {
    const nobody = "warning nobody sees a key: every use ends with \"No secret key\""
    assert.deepStrictEqual(found("default = \"forbid\""), [`1:1 ${nobody}`])
    assert.deepStrictEqual(found("default = \"allow\"", "[anyone]", "keys = []"), [`2:2 ${nobody}`])
    assert.deepStrictEqual(found("default = \"forbid\"", ...app("git", "")), [`1:1 ${nobody}`])
  })

  it("notes that whoever is no app sees no key, unless that is written out", () => {
    const none = "note whoever is no app sees no key under default = \"forbid\""
    assert.deepStrictEqual(found("default = \"forbid\"", ...app("git")), [`1:1 ${none}`])
    assert.deepStrictEqual(found("default = \"forbid\"", ...app("git"), "[anyone]"), [`5:2 ${none}`])
    assert.deepStrictEqual(found("default = \"forbid\"", ...app("git"), "[anyone]", "keys = []"), [])
  })

  it("warns of operations named for a client that sees no key, unless they can come up for a card", () => {
    const lines = [
      "default = \"forbid\"",
      ...app("git"),
      ...app("blind", ""),
      "sign = \"allow\"",
      "generate = \"allow\""
    ]
    assert.deepStrictEqual(found(...lines, "[anyone]", "keys = []", "decrypt = \"allow\""), [
      "8:1 warning [apps.blind] sign = \"allow\" changes nothing: [apps.blind] sees no key",
      "12:1 warning [anyone] decrypt = \"allow\" changes nothing: [anyone] sees no key"
    ])
    assert.deepStrictEqual(found(...lines, "card = \"allow\"", "[anyone]", "keys = []"), [])
  })

  it("notes a loopback that nothing allowed could use", () => {
    const idle = "[apps.git] loopback = \"allow\" changes nothing: all that loopback could serve is forbidden"
    const lines = ["default = \"forbid\"", ...all, ...app("git", `"grip:${grip("A")}"`), "loopback = \"allow\""]
    assert.deepStrictEqual(found(...lines), [`7:1 note ${idle}`])
    assert.deepStrictEqual(found(...lines, "store = \"allow\""), [`7:1 note ${idle}`])
    for (const served of ["sign", "decrypt", "passphrase", "generate", "export"]) {
      assert.deepStrictEqual(found(...lines, `${served} = "allow"`), [])
    }
  })

  it("warns of a file without a default, and not of a built-in policy", () => {
    assert.deepStrictEqual(found("[operations]", "export = \"forbid\""), [
      "- warning the file has no default: what nothing names is allowed, as without a file"
    ])
  })
})
