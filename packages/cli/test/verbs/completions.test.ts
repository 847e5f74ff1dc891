import { assert, describe, it } from "@effect/vitest"
import { run } from "@gripgate/testkit/run"
import { environment, gripgate, makeFolder, put } from "../support/cli.ts"

/** What bash would offer for the last of these words; `_init_completion` is what bash-completion has, for plain words. */
const complete = async (script: string, words: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const folder = makeFolder()
  put(folder, "policy.toml", "")
  const program = [
    "_init_completion() { words=(\"${COMP_WORDS[@]}\"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }",
    script,
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})`,
    "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))",
    "_gripgate gripgate \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"",
    "printf '%s\\n' \"${COMPREPLY[@]}\""
  ].join("\n")
  const { stdout, stderr } = await run(["bash", "-c", program], { cwd: folder, env: environment(folder) })
  assert.strictEqual(stderr, "")
  return stdout.toString().trim().split(/\s+/)
}

describe("gripgate completions", () => {
  it("prints a script that bash accepts, and that completes verbs, flags, operations and files", async () => {
    const { code, stderr, stdout } = await gripgate(["completions", "bash"])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.deepStrictEqual((await run(["bash", "-n"], { input: stdout })).code, 0)
    assert.deepStrictEqual(await complete(stdout, ["gripgate", ""]), [
      "serve",
      "stand-down",
      "check",
      "lint",
      "status",
      "doctor",
      "asks",
      "approve",
      "deny",
      "watch",
      "grant",
      "grants",
      "renew",
      "rotate",
      "revoke",
      "tty",
      "home",
      "env",
      "run",
      "log",
      "connect",
      "install",
      "uninstall",
      "demo",
      "testkit",
      "completions"
    ])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "approve", "7KQ2", "--f"]), ["--for"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "revoke", "--a"]), ["--app", "--all"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "asks", "--control", "po"]), ["policy.toml"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "serve", "--po"]), ["--policy"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "check", "anyone", "pass"]), ["passphrase", "passwd"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "lint", "po"]), ["policy.toml"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "serve", "--policy", "po"]), ["policy.toml"])
    assert.deepStrictEqual(await complete(stdout, ["gripgate", "serve", "--default", "a"]), ["allow", "ask"])
  })

  it("prints a script for zsh and for fish that names every verb", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { code, stdout } = await gripgate(["completions", shell])
      assert.strictEqual(code, 0)
      assert.match(stdout, shell === "zsh" ? /^#compdef gripgate\n/ : /^complete -c gripgate /m)
      for (
        const verb of [
          "serve",
          "check",
          "status",
          "asks",
          "approve",
          "deny",
          "watch",
          "grants",
          "revoke",
          "tty",
          "log",
          "demo"
        ]
      ) assert.include(stdout, verb)
    }
  })
})
