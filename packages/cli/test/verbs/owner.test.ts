// The verbs by which the owner answers, as processes, against a control socket whose other end is the test.
import { assert, describe, it } from "@effect/vitest"
import type { ControlVerbs } from "@gripgate/proxy/control/server"
import * as Effect from "effect/Effect"
import { createServer } from "node:net"
import { ALICE, at, grants, hostile, inLine, paused, sign, status, trust } from "../screens/data.ts"
import { gripgate, makeFolder, type Result } from "../support/cli.ts"
import { type HandMadeGate, refused, serveGate } from "../support/gate.ts"

const asking = (args: ReadonlyArray<string>, { path }: Pick<HandMadeGate, "path">): Promise<Result> =>
  gripgate([...args, "--control", path])

/** What a verb prints, and which requests it makes, with these replies. */
const run = async (args: ReadonlyArray<string>, verbs: Partial<ControlVerbs> = {}) => {
  await using gate = await serveGate(verbs)
  return { ...await asking(args, gate), requests: gate.requests }
}

const json = ({ stdout }: Result): unknown => JSON.parse(stdout)

describe("gripgate asks", () => {
  const asks = { asks: () => Effect.succeed([sign, trust, inLine]) }

  it("prints all questions, the pauses, and how to answer", async () => {
    const { code, requests, stderr, stdout } = await run(["asks"], {
      ...asks,
      status: () => Effect.succeed({ ...status, paused })
    })
    assert.deepStrictEqual([code, stderr, requests], [0, "", [{ verb: "asks" }, { verb: "status" }]])
    assert.match(stdout, /^7KQ2 {2}mailpile {2}sign {3}6F1D0C6A3B2E9A41 {2}asked \d+/)
    assert.match(stdout, /^ {6}who {5}by facts that the kernel vouches for: user mailpile \(1001\),$/m)
    assert.match(stdout, /^M3XA {2}\(no app\) {2}trust /m)
    assert.match(stdout, /^1 more in line: mailpile has 1 open\nnobody is asked until /m)
    assert.match(stdout, /^answer: gripgate approve ID \[--for 15m\|always\], gripgate deny ID \[--never\]\n$/m)
    assert.notInclude(stdout, "\u001b")
  })

  it("says that nothing is asked", async () => {
    const { code, stderr, stdout } = await run(["asks"], {
      status: () => Effect.succeed({ ...status, paused: [] })
    })
    assert.deepStrictEqual([code, stdout, stderr], [0, "nothing is asked\n", ""])
  })

  it("prints a bare array as JSON, in which nothing can steer a terminal", async () => {
    const found = await run(["asks", "--json"], { asks: () => Effect.succeed([hostile]) })
    assert.deepStrictEqual(json(found), JSON.parse(JSON.stringify([hostile])))
    assert.notMatch(found.stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    assert.include(found.stdout, "\u9577\u3044\u540D\u524D")
    assert.deepStrictEqual(json(await run(["asks", "--json"])), [])
  })
})

describe("gripgate approve and deny", () => {
  const answer = { answer: () => Effect.succeed({ ...sign, endsAt: null }) }

  it("answer, and print what was answered and what holds now", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, object, string]> = [
      [["approve", "7kq2"], { kind: "yes", good: "once" }, "answered: yes, for this once"],
      [["approve", "7KQ2", "--for", "15m"], { kind: "yes", good: 900_000 }, "answered: yes, for 15 minutes"],
      [["approve", "7KQ2", "--for", "always"], { kind: "yes", good: "always" }, "answered: yes, always"],
      [["deny", "7KQ2"], { kind: "no", good: "once" }, "answered: no, for this once"],
      [
        ["deny", "7KQ2", "--never"],
        { kind: "no", good: "always" },
        "answered: never: it is refused from now on, and nobody is asked"
      ]
    ]
    await Promise.all(cases.map(async ([args, request, text]) => {
      const { code, requests, stderr, stdout } = await run(args, answer)
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.deepStrictEqual(requests, [{ verb: "answer", id: "7KQ2", ...request, through: "approve" }])
      assert.match(stdout, /^7KQ2 {2}mailpile {2}sign {2}6F1D0C6A3B2E9A41 {2}asked \d+/)
      assert.include(stdout, "\n      wants   the app mailpile wants to sign (PKSIGN)\n")
      assert.isTrue(stdout.endsWith(`\n\n${text}\n`), stdout)
    }))
  })

  it("print the question as JSON", async () => {
    assert.deepStrictEqual(json(await run(["approve", "7KQ2", "--json"], answer)), { ...sign, endsAt: null })
    assert.deepStrictEqual(json(await run(["deny", "7KQ2", "--json"], answer)), { ...sign, endsAt: null })
  })

  it("say in two lines why they could not, with nothing that steers a terminal", async () => {
    const { code, stderr, stdout } = await run(["approve", "7KQ2"], {
      answer: () =>
        Effect.fail(refused("7KQ2 has ended already: no, by \u001b[2Jpinentry", "gripgate asks lists\nthem"))
    })
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.strictEqual(
      stderr,
      "gripgate: error: 7KQ2 has ended already: no, by \\u{1b}[2Jpinentry\n"
        + "gripgate: hint: gripgate asks lists\ngripgate: hint: them\n"
    )
  })

  it("do not send what cannot be an answer", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["approve"], "ID is missing"],
      [["approve", "../x\u001b"], "expected an ID like 7KQ2, got \"../x\\u{1b}\""],
      [["deny", "x".repeat(65)], `expected an ID like 7KQ2, got "${"x".repeat(65)}"`],
      [["approve", "7KQ2", "--for", "soon"], "--for: expected a duration, got \"soon\""],
      [["approve", "7KQ2", "--for", "0m"], "--for: expected a duration above zero, got \"0m\""],
      [["approve", "7KQ2", "--for", "4000d"], "--for: a duration is at most ten years (3650d), got \"4000d\""],
      [["deny", "7KQ2", "--for", "15m"], "unknown flag --for"]
    ]
    await Promise.all(cases.map(async ([args, message]) => {
      const { code, requests, stderr, stdout } = await run(args)
      assert.deepStrictEqual([code, stdout, requests], [64, "", []], args.join(" "))
      assert.strictEqual(stderr.split("\n")[0], `gripgate: error: ${message}`)
    }))
  })
})

describe("gripgate grants", () => {
  it("prints a table, and one with everything that is known of it", async () => {
    const all = await run(["grants"], { grants: () => Effect.succeed(grants) })
    assert.strictEqual(all.code, 0, all.stderr)
    const lines = all.stdout.split("\n")
    assert.strictEqual(
      lines[0],
      "ID    APP            WHAT              KEY                 GOOD UNTIL  LAST USED"
    )
    assert.match(all.stdout, /^JK22 .*\n {6}without effect: it was revoked$/m)
    const one = await run(["grants", "ab23"], { grants: () => Effect.succeed([grants[0]!]) })
    assert.deepStrictEqual(one.requests, [{ verb: "grants", id: "AB23" }])
    assert.match(one.stdout, /^grant AB23\n {2}holder {3}the app mailpile\n/)
    assert.include(one.stdout.replaceAll(/\n +/g, " "), `keygrip ${ALICE.keygrip}, "Alice <alice@example.org>"`)
    assert.strictEqual((await run(["grants"])).stdout, "nothing is granted\n")
  })

  it("prints an array as JSON, and one grant for an ID", async () => {
    assert.deepStrictEqual(
      json(await run(["grants", "--json"], { grants: () => Effect.succeed(grants) })),
      JSON.parse(JSON.stringify(grants))
    )
    const one = await run(["grants", "AB23", "--json"], { grants: () => Effect.succeed([grants[0]!]) })
    assert.deepStrictEqual(json(one), grants[0])
    const none = await run(["grants", "ZZ99"], { grants: () => Effect.fail(refused("there is no grant \"ZZ99\"")) })
    assert.deepStrictEqual([none.code, none.stderr], [1, "gripgate: error: there is no grant \"ZZ99\"\n"])
  })
})

describe("gripgate revoke", () => {
  it("takes back one, those of an app, or all, and says what stands all the same", async () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, object]> = [
      [["ab23"], { id: "AB23" }],
      [["--app", "mailpile"], { app: "mailpile" }],
      [["--all"], { all: true }]
    ]
    for (const [args, what] of cases) {
      const { code, requests, stdout } = await run(["revoke", ...args], {
        revoke: () => Effect.succeed({ revoked: ["AB23", "CD45"], standing: ["GH89"] })
      })
      assert.deepStrictEqual([code, requests], [0, [{ verb: "revoke", what }]])
      assert.strictEqual(
        stdout,
        "revoked: AB23, CD45\nnever stands all the same: GH89; to take one back: gripgate revoke GH89\n"
      )
    }
    assert.strictEqual(
      (await run(["revoke", "--app", "mailpile"])).stdout,
      "there is no yes of the app mailpile to take back\n"
    )
    assert.strictEqual((await run(["revoke", "--all"])).stdout, "there is no yes to take back\n")
  })

  it("prints JSON", async () => {
    const revoked = { revoked: ["AB23"], standing: [] }
    assert.deepStrictEqual(
      json(await run(["revoke", "AB23", "--json"], { revoke: () => Effect.succeed(revoked) })),
      revoked
    )
  })

  it("wants to be told what, and only one of it", async () => {
    for (const args of [[], ["AB23", "--all"], ["AB23", "--app", "x"], ["--app", "x", "--all"]]) {
      const { code, requests, stderr } = await run(["revoke", ...args])
      assert.deepStrictEqual([code, requests], [64, []])
      assert.match(stderr, /^gripgate: error: expected one of ID, --app NAME and --all\n/)
    }
  })
})

describe("gripgate tty", () => {
  it("wants a place: without one it would only take the last one from the gate", async () => {
    const { code, requests, stderr } = await run(["tty"])
    assert.deepStrictEqual([code, requests], [1, []])
    assert.match(stderr, /^gripgate: error: there is no terminal here, and no display\ngripgate: hint: run it where /)
  })
})

describe("every verb of a running gate", () => {
  const verbs = [["asks"], ["approve", "7KQ2"], ["deny", "7KQ2"], ["grants"], ["revoke", "--all"], ["status"]]

  it("ends with 69 where no gate runs, and says how to start one", async () => {
    const path = `${makeFolder()}/none`
    await Promise.all(verbs.map(async (args) => {
      assert.deepStrictEqual(await asking(args, { path }), {
        code: 69,
        stdout: "",
        stderr: `gripgate: error: no gate runs at ${path}\ngripgate: hint: start one with: gripgate serve\n`
      })
    }))
  })

  it("ends with 77 where it may not", async () => {
    await using gate = await serveGate({}, { error: "only an owner may", hint: "[gate] owners names those who may" })
    await Promise.all(verbs.map(async (args) => {
      assert.deepStrictEqual(await asking(args, gate), {
        code: 77,
        stdout: "",
        stderr: "gripgate: error: only an owner may\ngripgate: hint: [gate] owners names those who may\n"
      })
    }))
  })

  it("ends with 69 where something else answers", async () => {
    const some = [["asks"], ["approve", "7KQ2"], ["grants"], ["status"]]
    const path = `${makeFolder()}/control`
    const nonsense = ["OK Pleased to meet you\n", "{\"v\":1,\"ok\":true,\"result\":{\"asks\":7}}\n", "{\"v\":2}\n", ""]
    const server = createServer((socket) => socket.on("error", () => {}).end(nonsense.shift() ?? "\u001b[2J\n"))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    try {
      await Promise.all(some.map(async (args) => {
        const { code, stderr, stdout } = await asking(args, { path })
        assert.deepStrictEqual([code, stdout], [69, ""], stderr)
        assert.match(stderr, /^gripgate: error: expected the answer of a gate at .*\n$/)
      }))
    } finally {
      server.close()
    }
  })

  it("prints times of a gate whose clock is ahead as no time at all", async () => {
    const { code, stdout } = await run(["asks"], {
      asks: () => Effect.succeed([{ ...sign, askedAt: at(86_400 * 40_000), endsAt: at(-86_400 * 10_000) }])
    })
    assert.strictEqual(code, 0)
    assert.match(stdout, /asked 0s ago, 0s left/)
  })
})

describe("gripgate watch", () => {
  it("wants a terminal", async () => {
    const { code, stderr, stdout } = await run(["watch"])
    assert.deepStrictEqual([code, stdout], [64, ""])
    assert.match(
      stderr,
      /^gripgate: error: stdin and stdout have to be a terminal\ngripgate: hint: for programs there is: gripgate asks --json\n/
    )
  })
})
