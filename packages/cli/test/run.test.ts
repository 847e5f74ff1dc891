import { assert, describe, it } from "@effect/vitest"
import { gripgate, makeFolder, put, shell } from "./support/cli.ts"

describe("gripgate", () => {
  it("prints its version on stdout", async () => {
    assert.deepStrictEqual(await gripgate(["--version"]), { code: 0, stdout: "gripgate 0.1.0\n", stderr: "" })
  })

  it("says what is wrong with a command line on stderr, in a few lines, with exit code 64", async () => {
    const expectations: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [
        [],
        "gripgate: error: expected a verb: serve, stand-down, check, lint, status, doctor, asks, approve, deny, watch, grant, grants, renew, rotate, revoke, tty, home, env, run, log, connect, install, uninstall, demo, testkit, completions\nusage: gripgate VERB [flags]\nsee `gripgate --help`\n"
      ],
      [
        ["serv"],
        "gripgate: error: unknown verb \"serv\"\ngripgate: hint: did you mean serve?\nusage: gripgate VERB [flags]\nsee `gripgate --help`\n"
      ],
      [["serve", "--polcy", "x"], "gripgate: error: unknown flag --polcy\ngripgate: hint: did you mean --policy?\n"],
      [["serve", "--policy"], "gripgate: error: --policy needs a value\n"],
      [["serve", "--policy", "a", "--policy", "b"], "gripgate: error: --policy was given 2 times\n"],
      [
        ["serve", "--default", "token"],
        "gripgate: error: --default expects \"allow\", \"ask\", \"forbid\", got \"token\"\n"
      ],
      [
        ["check", "anyone"],
        "gripgate: error: OPERATION is missing\nusage: gripgate check [APP] [OPERATION] [KEY] [flags]\nsee `gripgate check --help`\n"
      ],
      [
        ["lint", "a", "b"],
        "gripgate: error: too many arguments: \"b\"\nusage: gripgate lint [FILE] [flags]\nsee `gripgate lint --help`\n"
      ]
    ]
    await Promise.all(expectations.map(async ([args, text]) => {
      const { code, stderr, stdout } = await gripgate(args)
      assert.strictEqual(code, 64, args.join(" "))
      assert.strictEqual(stdout, "", args.join(" "))
      assert.isTrue(stderr.startsWith(text), `${args.join(" ")}: ${stderr}`)
    }))
  })

  it("makes what a terminal would obey in a word of the command line harmless", async () => {
    const { stderr } = await gripgate(["\u001b[2Jserve"])
    assert.strictEqual(stderr.split("\n")[0], "gripgate: error: unknown verb \"\\u{1b}[2Jserve\"")
  })

  it("is quiet when nobody reads any more", async () => {
    const { code, stderr, stdout } = await shell("gripgate completions bash | true; echo ${PIPESTATUS[@]}")
    assert.deepStrictEqual([code, stdout, stderr], [0, "0 0\n", ""])
  })

  it("does not fail because stdout or stderr is closed", async () => {
    assert.strictEqual((await shell("gripgate check anyone sign --default forbid >&- 2>&-")).code, 10)
  })

  it("tells a bug as a bug, with exit code 70", async () => {
    const folder = makeFolder()
    const preload = put(folder, "break.mjs", "JSON.stringify = () => { throw new Error(\"broken on purpose\") }\n")
    const { code, stderr, stdout } = await shell(`NODE_OPTIONS="--import ${preload}" gripgate check anyone sign --json`)
    assert.strictEqual(code, 70)
    assert.strictEqual(stdout, "")
    const [first, second] = stderr.split("\n")
    assert.strictEqual(
      first,
      "gripgate: bug: this should not have happened; please report it to the project with these lines:"
    )
    assert.include(second, "gripgate: bug: Error: broken on purpose")
  })
})
