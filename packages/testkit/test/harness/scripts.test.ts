// The scripts for the pinentry and the agent's faults: what may stand in them, and where a mistake is said to be.
import { assert, describe, it } from "@effect/vitest"
import { parseAgentFaults } from "@gripgate/testkit/harness/agent-faults"
import { parsePinentryScript } from "@gripgate/testkit/harness/pinentry-script"

describe("a script for the pinentry", () => {
  it("is a list of answers, or an object with all that a script has", () => {
    assert.deepStrictEqual(parsePinentryScript(` [ {"pin": "a\\u00e9\\n"}, "cancel", {"confirm": "notok"} ] `, "p"), {
      answers: [{ pin: "a\u00e9\n" }, "cancel", { confirm: "notok" }]
    })
    const whole = {
      answers: [],
      default: { confirm: true },
      readingMs: 0,
      thirdButton: false,
      flavor: "x",
      exits: false
    }
    assert.deepStrictEqual(parsePinentryScript(JSON.stringify(whole, null, 2), "p"), whole as never)
  })

  const mistakes: ReadonlyArray<readonly [text: string, message: string]> = [
    ["", "p.json:1:1: expected a value, got the end"],
    ["[\n  \"cancel\",\n]", "p.json:3:1: expected a value, got ]"],
    ["[\"cancel\"", "p.json:1:10: expected a comma or ], got the end"],
    ["[\"cancel\" \"close\"]", "p.json:1:11: expected a comma or ]"],
    ["{'answers': []}", "p.json:1:2: expected a name in quotes or }, got no JSON"],
    ["{\"answers\": [], \"answers\": []}", "p.json:1:17: \"answers\" stands here twice"],
    ["[] []", "p.json:1:3: expected nothing more behind the value"],
    ["[\"cancle\"]", "p.json:1:2: [0]: expected an answer: {\"pin\": ...}, {\"confirm\": true}, \"cancel\", "],
    ["{\"answers\": [\n{\"pin\": 5}]}", "p.json:2:9: answers[0].pin: expected a text in quotes"],
    ["[{\"pin\": \"a\", \"confirm\": true}]", "p.json:1:2: [0]: expected an answer"],
    ["[{\"pni\": \"a\"}]", "p.json:1:3: [0]: unknown name \"pni\", expected pin, confirm"],
    ["[{\"confirm\": \"yes\"}]", "p.json:1:14: [0].confirm: expected true or false"],
    ["{\"answers\": [], \"readingMs\": 1.5}", "p.json:1:30: readingMs: expected a whole number from 0 to"],
    ["7", "p.json:1:1: expected a list of answers, or an object with answers"],
    ["[".repeat(100), "p.json:1:66: more than 64 levels"]
  ]
  for (const [text, message] of mistakes) {
    it(`is refused: ${text.slice(0, 40)}`, () => {
      try {
        parsePinentryScript(text, "p.json")
      } catch (error) {
        assert.strictEqual((error as Error).name, "ScriptError")
        return assert.include((error as Error).message, message)
      }
      assert.fail("it was taken")
    })
  }

  it("is refused without a word of the pin", () => {
    for (const text of ["[{\"pin\": \"hunter2\" x}]", "[{\"pin\": \"hunter2\", \"confirm\": 1}]"]) {
      try {
        parsePinentryScript(text, "p")
        assert.fail("it was taken")
      } catch (error) {
        assert.notInclude((error as Error).message, "hunter2")
      }
    }
  })
})

describe("a script for the agent's faults", () => {
  it("has a fault for each time, or a list of them", () => {
    const script = {
      greeting: { afterMs: 5, fault: "pass" },
      commands: {
        PKSIGN: [{ error: 67108949 }, "pass", { error: 1, text: "x" }],
        PKDECRYPT: { inquire: "CONFIRM 1", fault: { dieAfter: 2, lines: ["OK"] } },
        HAVEKEY: { longLine: 2000 },
        KEYINFO: { noLineEnd: 5 },
        NOP: { lines: ["S x", "OK"] }
      }
    }
    assert.deepStrictEqual(parseAgentFaults(JSON.stringify(script), "f"), script as never)
    assert.deepStrictEqual(parseAgentFaults("{}", "f"), {})
  })

  const mistakes: ReadonlyArray<readonly [text: string, message: string]> = [
    ["[]", "f:1:1: expected an object with commands"],
    ["{\"commands\": {\"pksign\": \"hang\"}}", "f:1:25: commands.pksign: a command is a word in upper case"],
    ["{\"commands\": {\"PKSIGN\": \"hung\"}}", "f:1:25: commands.PKSIGN: expected \"pass\", \"hang\", \"close\""],
    ["{\"commands\": {\"PKSIGN\": [{\"error\": -1}]}}", "f:1:36: commands.PKSIGN[0].error: expected a whole number"],
    ["{\"commands\": {\"PKSIGN\": {\"dieAfter\": 3}}}", "f:1:25: commands.PKSIGN: \"dieAfter\" needs \"lines\""],
    [
      "{\"commands\": {\"PKSIGN\": {\"error\": 3, \"fault\": \"pass\"}}}",
      "commands.PKSIGN: \"fault\" does not go with \"error\""
    ],
    ["{\"commands\": {\"PKSIGN\": {\"text\": \"x\"}}}", "commands.PKSIGN: expected an object with error, lines"],
    ["{\"commands\": {\"PKSIGN\": {\"lines\": [\"a\\nb\"]}}}", "commands.PKSIGN.lines[0]: a line has no line feed"],
    ["{\"greetings\": \"hang\"}", "f:1:2: unknown name \"greetings\", expected greeting, commands"]
  ]
  for (const [text, message] of mistakes) {
    it(`is refused: ${text}`, () => {
      try {
        parseAgentFaults(text, "f")
      } catch (error) {
        return assert.include((error as Error).message, message)
      }
      assert.fail("it was taken")
    })
  }
})
