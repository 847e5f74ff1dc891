import { assert, describe, it } from "@effect/vitest"
import { type ApproveTable, standardApprove } from "@gripgate/policy/policy"
import { policyOf, problemsOf } from "../read.ts"

const table = (...lines: ReadonlyArray<string>) => policyOf("[approve]", ...lines).approve

describe("[approve]", () => {
  it("is a pinentry, the terminal and a notification together, two minutes long, where it says nothing", () => {
    const standard: ApproveTable = {
      approvers: ["pinentry", "terminal", "notification"],
      inTurn: false,
      timeout: 120_000,
      pause: 300_000,
      remember: 900_000
    }
    assert.deepStrictEqual(policyOf("").approve, standard)
    assert.deepStrictEqual(table(), standard)
    assert.deepStrictEqual(standardApprove, standard)
  })

  it("says who asks, in which order, how long, and with which program", () => {
    assert.deepStrictEqual(
      table(
        "approvers = [\"terminal\", \"pinentry\"]",
        "order = \"in-turn\"",
        "timeout = \"30s\"",
        "pause = \"1 hour\"",
        "remember = \"8h\"",
        "pinentry = \"/usr/bin/pinentry-qt\""
      ),
      {
        approvers: ["terminal", "pinentry"],
        inTurn: true,
        timeout: 30_000,
        pause: 3_600_000,
        remember: 28_800_000,
        pinentry: "/usr/bin/pinentry-qt"
      }
    )
    assert.deepStrictEqual(table("approvers = []").approvers, [])
    assert.isFalse(table("order = \"together\"").inTurn)
  })

  it("refuses everything else", () => {
    for (
      const [line, ...problems] of [
        [
          "approvers = \"terminal\"",
          "13: expected an array of strings, got a string\nhint: approvers = [\"terminal\"]"
        ],
        [
          "approvers = 7",
          "13: expected an array of strings, got a number\nhint: approvers = [\"pinentry\", \"terminal\"]"
        ],
        [
          "approvers = [7, \"pinetry\", \"terminal\", \"terminal\"]",
          "14: expected a string, got a number\nhint: approvers = [\"pinentry\", \"terminal\"]",
          "17: expected \"pinentry\", \"terminal\" or \"notification\", got \"pinetry\"\nhint: did you mean \"pinentry\"?",
          "40: the approver \"terminal\" is listed twice"
        ],
        [
          "order = \"in turn\"",
          "9: expected \"together\" or \"in-turn\", got \"in turn\"\nhint: did you mean \"in-turn\"?"
        ],
        [
          "timeout = 30",
          "11: expected a string, got a number\nhint: timeout = \"30s\""
        ],
        [
          "pinentry = \"pinentry-qt\"",
          "12: expected an absolute path, got \"pinentry-qt\"\nhint: an absolute path begins with \"/\""
        ],
        [
          "pinetry = \"/a\"",
          "1: \"pinetry\" in [approve] is not known to this version of gripgate\nhint: did you mean \"pinentry\"?"
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[approve]", line), problems.map((problem) => `p.toml:2:${problem}`))
    }
  })
})
