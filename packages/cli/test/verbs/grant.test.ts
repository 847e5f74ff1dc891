// Tokens from the command line, as processes, against a control socket whose other end is the test. Typing a passphrase is in
// test/programs/hidden-prompt.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gripgate, makeFolder, shell } from "../support/cli.ts"
import { serveGate } from "../support/gate.ts"
import { A, B, made, plan, tokenVerbs } from "../support/tokens.ts"

const keys = [A, B]
const right = { [A]: "hunter2", [B]: "hunter2" }

/** Runs a line of a shell in which `G` is the gate's control socket. */
const run = async (line: string, more: Parameters<typeof serveGate>[0] = {}, passphrases = right) => {
  const { tokens, verbs } = tokenVerbs(passphrases)
  await using gate = await serveGate({ ...verbs, ...more })
  const home = makeFolder()
  const result = await shell(`G='${gate.path}'\n${line}`, home)
  return { ...result, home, tokens, requests: gate.requests, passphrases: gate.passphrases }
}

const grantLine = "gripgate grant mailpile --key alice@example.org --control \"$G\""

describe("gripgate grant", () => {
  it("plans, sends the passphrase for every key, and prints the token alone on stdout", async () => {
    const { code, passphrases, requests, stderr, stdout, tokens } = await run(
      `printf 'hunter2\\nrest' | ${grantLine} --passphrase-fd 0 --operations sign,decrypt --for 90d --uses 5 --limit 60/hour`
    )
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout, `${tokens[0]}\n`)
    const wish = { app: "mailpile", seal: true, operations: ["sign", "decrypt"] }
    const bounds = { forMs: 90 * 86_400_000, uses: 5, limit: "60/hour" }
    const secrets = keys.map((key) => ({ key, bytes: 7 }))
    assert.deepStrictEqual(requests, [
      { verb: "plan", what: { ...wish, keys: ["alice@example.org"] } },
      { verb: "grant", ...wish, ...bounds, keys, passphrases: "given", secrets },
      { verb: "status" }
    ])
    assert.deepStrictEqual(passphrases, [right])
    assert.notInclude(stderr, tokens[0]!)
    assert.match(
      stderr,
      /^gripgate: note: the key \\u\{1b\}\[2JA is on a card\ngrant AB23: mailpile may sign, decrypt with /
    )
    for (
      const command of [
        "gpg --batch --pinentry-mode loopback --passphrase-fd 0 --sign",
        "PINENTRY_USER_DATA=gripgate:TOKEN gpg --sign",
        "/run/user/1000/gripgate/apps/mailpile",
        "gripgate revoke AB23"
      ]
    ) assert.include(stderr, `\n  ${command}\n`)
    for (const line of stderr.split("\n")) assert.isAtMost(line.length, 80)
  })

  it("prints JSON with the token in it", async () => {
    const { code, stderr, stdout, tokens } = await run(`${grantLine} --json --passphrase-fd 3 3<<< hunter2`)
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(JSON.parse(stdout), {
      id: "AB23",
      token: tokens[0],
      app: "mailpile",
      keys: made.keys,
      operations: ["sign", "decrypt"],
      expiresAt: made.expiresAt,
      uses: null,
      limit: null
    })
    assert.notInclude(stderr, tokens[0]!)
  })

  it("takes a passphrase up to the end, of any bytes, and of 255 of them", async () => {
    for (const passphrase of ["no line feed", "gr\u00fc\u00df dich, \"%\\\"", "x".repeat(255)]) {
      const both = { [A]: passphrase, [B]: passphrase }
      const { code, passphrases, stderr } = await run(
        `printf %s '${passphrase}' | ${grantLine} --passphrase-fd 0`,
        {},
        both
      )
      assert.deepStrictEqual([code, passphrases], [0, [both]], stderr)
    }
  })

  it("has the gate ask where there is no terminal, or where that is wanted", async () => {
    for (const flag of ["", "--pinentry"]) {
      const { code, requests, stderr, stdout, tokens } = await run(`${grantLine} ${flag}`)
      assert.deepStrictEqual([code, stdout], [0, `${tokens[0]}\n`], stderr)
      assert.deepInclude(requests[1], { verb: "grant", passphrases: "pinentry" })
      assert.notProperty(requests[1], "secrets")
    }
  })

  it("asks for nothing where nothing is to be sealed", async () => {
    const clear = { ...plan, keys: plan.keys.map((key) => ({ ...key, sealed: false })), notes: [] }
    const { code, requests, stderr } = await run(`${grantLine} --no-seal`, { plan: () => Effect.succeed(clear) })
    assert.strictEqual(code, 0, stderr)
    assert.deepInclude(requests[0], { what: { app: "mailpile", seal: false, keys: ["alice@example.org"] } })
    assert.deepInclude(requests[1], { seal: false, passphrases: "given" })
  })

  it("says that a passphrase is wrong, and asks for no other where it came over a descriptor", async () => {
    const { code, passphrases, stderr, stdout } = await run(`${grantLine} --passphrase-fd 0 <<< wrong`)
    assert.deepStrictEqual([code, stdout, passphrases.length], [1, "", 1])
    assert.include(stderr, "gripgate: error: that is not the passphrase\ngripgate: hint: try again\n")
    assert.notInclude(stderr, "hunter2")
  })

  it("ends clearly where there is no passphrase to read", async () => {
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      ["--passphrase-fd 0 < /dev/null", /descriptor 0: there is no passphrase in its first line/],
      ["--passphrase-fd 0 <<< ''", /descriptor 0: there is no passphrase in its first line/],
      [`--passphrase-fd 0 <<< '${"x".repeat(256)}'`, /descriptor 0: a passphrase has at most 255 bytes/],
      ["--passphrase-fd 99", /descriptor 99: it is not open/],
      ["--passphrase-fd 0 < /", /descriptor 0: illegal operation on a directory/],
      ["--passphrase-fd 9 9> file", /descriptor 9: it is not open/]
    ]
    await Promise.all(cases.map(async ([line, message]) => {
      const { code, requests, stderr, stdout } = await run(`${grantLine} ${line}`)
      assert.deepStrictEqual([code, stdout, requests.length], [1, "", 1], line)
      assert.match(stderr, message)
    }))
  })

  it("does not wait for a descriptor that Node has opened for itself", async () => {
    const numbers = Array.from({ length: 12 }, (_, i) => i + 3).join(" ")
    const { stderr } = await run(
      `for n in ${numbers}; do ${grantLine} --passphrase-fd $n; echo "ended with $?" >&2; done`
    )
    assert.deepStrictEqual([...new Set(stderr.match(/ended with \d+/g))], ["ended with 1"])
  })

  it("sends nothing that is wrong by itself", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string, string?]> = [
      [["grant"], "APP is missing"],
      [["grant", "git"], "--key is missing: a grant is for some keys"],
      [["grant", "git", "--key", ""], "--key needs a key"],
      [
        ["grant", "git", "--key", "x", "--operations", "sing"],
        "--operations: unknown operation \"sing\"",
        "did you mean \"sign\"?"
      ],
      [["grant", "git", "--key", "x", "--operations", "sign,,"], "--operations: unknown operation \"\""],
      [["grant", "git", "--key", "x", "--for", "soon"], "--for: expected a duration, got \"soon\""],
      [["grant", "git", "--key", "x", "--for", "0d"], "--for: expected a duration above zero, got \"0d\""],
      [["grant", "git", "--key", "x", "--uses", "0"], "--uses expects a number from 1 to 1000000000, got 0"],
      [["grant", "git", "--key", "x", "--uses=-1"], "--uses expects a number from 1 to 1000000000, got -1"],
      [["grant", "git", "--key", "x", "--limit", "often"], "--limit: expected a rate, got \"often\""],
      [
        ["grant", "git", "--key", "x", "--limit", "0/hour"],
        "--limit: the count of a rate is 1 to 1000000, got \"0/hour\""
      ],
      [
        ["grant", "git", "--key", "x", "--passphrase-fd", "0", "--pinentry"],
        "--passphrase-fd and --pinentry exclude each other"
      ],
      [
        ["grant", "git", "--key", "x", "--no-seal", "--pinentry"],
        "--pinentry and --no-seal exclude each other: nothing is sealed, so none is needed"
      ],
      [
        ["grant", "git", "--key", "x", "--passphrase-fd=-1"],
        "--passphrase-fd expects the number of a file descriptor, got -1"
      ],
      [["rotate"], "ID is missing"],
      [["rotate", "../x"], "expected an ID like 7KQ2, got \"../x\""],
      [["rotate", "AB23", "--overlap", "soon"], "--overlap: expected a duration, got \"soon\""],
      [["renew", "AB23"], "--for is missing: how long, from now on", "--for 90d, or --for always"],
      [["renew", "AB23", "--for", "1y"], "--for: \"y\" is no unit of time"],
      [["renew", "AB23", "--for", "1d", "--uses", "0"], "--uses expects a number from 1 to 1000000000, got 0"]
    ]
    await using gate = await serveGate()
    for (const [args, message, hint] of cases) {
      const { code, stderr, stdout } = await gripgate([...args, "--control", gate.path])
      assert.deepStrictEqual([code, stdout], [64, ""], args.join(" "))
      assert.strictEqual(stderr.split("\n")[0], `gripgate: error: ${message}`)
      if (hint !== undefined) assert.strictEqual(stderr.split("\n")[1], `gripgate: hint: ${hint}`)
    }
    assert.deepStrictEqual(gate.requests, [])
  })

  it("ends with 64 for an app that the policy does not have, and says which was meant", async () => {
    const problem = {
      fault: "usage",
      error: "the policy has no app \"mialpile\"",
      hint: "did you mean \"mailpile\"?"
    } as const
    const { code, stderr } = await run(grantLine, { plan: () => Effect.fail(problem) })
    assert.deepStrictEqual([code, stderr], [
      64,
      "gripgate: error: the policy has no app \"mialpile\"\ngripgate: hint: did you mean \"mailpile\"?\n"
    ])
  })
})

describe("a token that does not arrive", () => {
  it("is revoked again", async () => {
    const { code, requests, stderr } = await run(`${grantLine} --pinentry > /dev/full`)
    assert.strictEqual(code, 1)
    assert.include(stderr, "gripgate: error: stdout did not take the token, so the grant AB23 is revoked again\n")
    assert.deepStrictEqual(requests.at(-1), { verb: "revoke", what: { id: "AB23" } })
    const gone = await run(`{ ${grantLine} --pinentry; echo "ended with $?" >&2; } | true`)
    assert.include(gone.stderr, "ended with 1")
    assert.deepStrictEqual(gone.requests.at(-1), { verb: "revoke", what: { id: "AB23" } })
  })

  it("is not made where that is clear before", async () => {
    for (const nowhere of [">&-", "> /dev/null"]) {
      const { code, requests, stderr } = await run(`${grantLine} --pinentry ${nowhere}`)
      assert.deepStrictEqual([code, requests], [1, []])
      assert.match(stderr, /^gripgate: error: the token goes to stdout, and that is \/dev\/null\n/)
    }
  })

  it("leaves a grant that was rotated, and says how to go on", async () => {
    const { code, requests, stderr } = await run("gripgate rotate AB23 --pinentry --control \"$G\" > /dev/full")
    assert.strictEqual(code, 1)
    assert.include(stderr, "stdout did not take the new token, and the old one has ended\n")
    assert.include(stderr, "gripgate: hint: for another: gripgate rotate AB23\n")
    assert.notInclude(JSON.stringify(requests), "revoke")
  })
})

describe("a token in a file", () => {
  it("is all that is in it, and a file that others can read is warned of", async () => {
    const open = await run(`umask 022; ${grantLine} --pinentry > token`)
    assert.strictEqual(readFileSync(join(open.home, "token"), "utf8"), `${open.tokens[0]}\n`)
    assert.match(open.stderr, /^gripgate: warning: others can read the file that the token goes to \(mode 0644\)\n/)
    const own = await run(`umask 077; ${grantLine} --pinentry > token`)
    assert.notInclude(own.stderr, "warning")
  })
})

describe("gripgate rotate and renew", () => {
  it("end the old token at once, or after a while", async () => {
    for (const [flags, overlapMs] of [["", 0], ["--overlap 0", 0], ["--overlap 1h", 3_600_000]] as const) {
      const { code, requests, stderr, stdout, tokens } = await run(
        `gripgate rotate ab23 ${flags} --passphrase-fd 0 --control "$G" <<< hunter2`
      )
      assert.deepStrictEqual([code, stdout], [0, `${tokens[0]}\n`], stderr)
      const secrets = keys.map((key) => ({ key, bytes: 7 }))
      assert.deepStrictEqual(requests.slice(0, 2), [
        { verb: "plan", what: { id: "AB23" } },
        { verb: "rotate", id: "AB23", overlapMs, passphrases: "given", secrets }
      ])
    }
  })

  it("say how long a grant is good from now on", async () => {
    const one = await run("gripgate renew ab23 --for 90d --uses 3 --control \"$G\"")
    assert.deepStrictEqual([one.code, one.stderr], [0, ""])
    assert.deepStrictEqual(one.requests, [{ verb: "renew", id: "AB23", forMs: 90 * 86_400_000, uses: 3 }])
    assert.match(
      one.stdout.replaceAll("\n", " "),
      /^renewed: grant AB23: mailpile may sign, decrypt with .* until 2026-/
    )
    const always = await run("gripgate renew AB23 --for always --json --control \"$G\"")
    assert.deepStrictEqual(always.requests, [{ verb: "renew", id: "AB23", forMs: null }])
    assert.deepStrictEqual(JSON.parse(always.stdout), made)
  })

  it("end as every verb of a running gate does where there is none, and where it may not", async () => {
    const verbs = [["rotate", "AB23"], ["renew", "AB23", "--for", "1d"], ["grant", "git", "--key", "x"]]
    await using gate = await serveGate({}, { error: "only an owner may", hint: "be one" })
    for (const args of verbs) {
      assert.strictEqual((await gripgate([...args, "--control", `${makeFolder()}/none`])).code, 69)
      assert.strictEqual((await gripgate([...args, "--control", gate.path])).code, 77)
    }
  })
})
