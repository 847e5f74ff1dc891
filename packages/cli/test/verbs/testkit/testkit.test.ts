// What `gripgate testkit` says of wrong input; what it does is in test/e2e/testkit.test.ts.
import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { gripgate, makeFolder, put } from "../../support/cli.ts"

describe("gripgate testkit", () => {
  const mistakes: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, message: RegExp]> = [
    [[], 64, /error: COMMAND is missing\nusage: gripgate testkit \[flags\] -- COMMAND\.\.\.$/m],
    [["--json", "--", "true"], 64, /--json needs --transcript/],
    [["--app", "x", "--", "true"], 64, /--app needs --policy/],
    [["--passphrase-fd", "0", "--", "true"], 64, /--passphrase-fd needs a --key that is made/],
    [["--transcript", "/nowhere/log", "--", "true"], 1, /error: \/nowhere\/log cannot be written: no such file/],
    [["--transcript", ".", "--", "true"], 1, /error: \. cannot be written: it is a directory/],
    [["--pinentry", "/dev/zero", "--", "true"], 1, /error: \/dev\/zero cannot be read: it has more than \d+ bytes/],
    [["--pinentry", "nothing", "--", "true"], 1, /error: nothing cannot be read: no such file/],
    [["--pinentry", "bad.json", "--", "true"], 1, /error: bad\.json:2:3: \[0\]: expected an answer: /],
    [["--agent-faults", "bad.json", "--", "true"], 1, /error: bad\.json:1:1: expected an object with commands/],
    [["--policy", "bad.toml", "--", "true"], 78, /error: bad\.toml:1:11: expected "allow", "ask" or "forbid"/],
    [["--policy", "good.toml", "--app", "x", "--", "true"], 1, /error: good\.toml has no app "x"/],
    [
      ["--key", "mallory", "--", "true"],
      1,
      /error: mallory cannot be read: .*\n.*hint: a key is alice, bob, release, /
    ],
    [["--key", "bad.json", "--", "true"], 1, /error: gpg: no valid OpenPGP data found/],
    [["--", "no-such-command"], 127, /error: cannot start "no-such-command": it is not found/],
    [["--", "./bad.json"], 126, /error: cannot start ".\/bad\.json": permission denied/]
  ]
  it("tells wrong input in a line, with the exit code of its kind", async () => {
    const home = makeFolder()
    put(home, "bad.json", "[\n  \"cancle\"\n]")
    put(home, "bad.toml", "default = \"perhaps\"\n")
    put(home, "good.toml", "default = \"allow\"\n")
    await Promise.all(mistakes.map(async ([args, expected, message]) => {
      const { code, stderr, stdout } = await gripgate(["testkit", ...args], home)
      assert.deepStrictEqual([code, stdout], [expected, ""], `${args.join(" ")}: ${stderr}`)
      assert.match(stderr, message)
      assert.notMatch(stderr, /^ +at /m)
    }))
    assert.deepStrictEqual(readdirSync(home).filter((name) => !/^(bad|good)\./.test(name)), [])
  })
})
