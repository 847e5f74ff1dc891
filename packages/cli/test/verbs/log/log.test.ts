// `gripgate log` as a shell sees it.
import { assert, describe, it } from "@effect/vitest"
import { harmless } from "@gripgate/policy/harmless"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { environment, gripgate, MAIN, shell } from "../../support/cli.ts"
import { ALLOW, makePlace, ONE, type Place, someRecords, TWO, useOf, write } from "./place.ts"

const some = async (): Promise<Place> => {
  const place = makePlace()
  await write(place, someRecords)
  return place
}

const log = ({ home }: Place, ...flags: ReadonlyArray<string>) => gripgate(["log", ...flags], home)

const jsonLines = async (
  place: Place,
  ...flags: ReadonlyArray<string>
): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const { code, stderr, stdout } = await log(place, "--json", ...flags)
  assert.deepStrictEqual([code, stderr], [0, ""], flags.join(" "))
  return stdout.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
}

describe("gripgate log", () => {
  it("has one line for each use with what came of it, and one for each refusal", async () => {
    const { code, stderr, stdout } = await log(await some())
    assert.deepStrictEqual([code, stderr], [0, ""])
    const [title, ...lines] = stdout.trimEnd().split("\n")
    assert.strictEqual(
      title,
      "TIME                 APP             WHAT          KEY               VERDICT  RESULT    WHY"
    )
    const rest = lines.map((line) => {
      assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}/)
      return line.slice(21)
    })
    const [, one, two, three, four, five] = rest
    assert.strictEqual(rest.length, 7)
    assert.strictEqual(
      one,
      "git             sign          &1111111111111    allow    done      "
        + "grant K7F3; sign = \"allow\" (/p.toml:3:1); PKSIGN; /usr/bin/git"
    )
    assert.match(
      two!,
      /^mail +decrypt +&2222222222222 +token +failed +Bad passphrase \(67108875\); decrypt = "token"; /
    )
    assert.match(three!, /^\(no app\) +sign +&1111111111111 +- +refused +default = "forbid"; PKSIGN; /)
    assert.match(four!, /^git +sign +&2222222222222 +allow +\.\.\. +sign = "allow"/)
    assert.match(five!, /^mail +FOO +- +- +refused +unknown command; /)
    assert.match(rest[0]!, /^- +- +- +- +started +version 1\.2\.3$/)
    assert.match(rest[6]!, /stopped/)
  })

  it("prints records as JSON, one a line, as they stand", async () => {
    const place = await some()
    const raw = fs.readFileSync(join(place.state, "journal.jsonl"), "utf8").trimEnd().split("\n")
    assert.deepStrictEqual(await jsonLines(place), raw.map((line) => JSON.parse(line)))
  })

  it("prints fields between colons", async () => {
    const place = makePlace()
    await write(
      place,
      (journal) => Effect.asVoid(journal.allowed(useOf("git", "sign", ONE, "/a:b\\c ä"), ALLOW, ["A", "B"])!.written)
    )
    const { code, stdout } = await log(place, "--with-colons", "--verdict", "allowed")
    assert.strictEqual(code, 0)
    const fields = stdout.trimEnd().split(":")
    assert.strictEqual(fields[0], "allowed")
    assert.strictEqual(fields[1], "2")
    assert.isBelow(Math.abs(Number(fields[2]) - Date.now() / 1000), 60)
    assert.deepStrictEqual(
      fields.slice(3, 20),
      [
        "git",
        "sign",
        ONE,
        "PKSIGN",
        "allow",
        "",
        "",
        "1.1",
        "1",
        "7",
        "1000",
        "/a\\x3ab\\x5cc ä",
        "kernel",
        "sign = \"allow\" (/p.toml\\x3a3\\x3a1)",
        "",
        "A,B",
        "",
        ""
      ].slice(0, 17)
    )
  })

  it("filters by app, key, operation, verdict and time, and what came of a use goes with it", async () => {
    const place = await some()
    const ops = async (...flags: ReadonlyArray<string>) => (await jsonLines(place, ...flags)).map(({ op }) => op)
    assert.deepStrictEqual(await ops("--app", "git"), ["allowed", "outcome", "allowed"])
    assert.deepStrictEqual(await ops("--app", "anyone"), ["refused"])
    assert.deepStrictEqual(await ops("--key", TWO), ["allowed", "outcome", "allowed"])
    assert.deepStrictEqual(await ops("--key", `grip:${ONE.toLowerCase()}`), ["allowed", "outcome", "refused"])
    assert.deepStrictEqual(await ops("--operation", "decrypt"), ["allowed", "outcome"])
    assert.deepStrictEqual(await ops("--verdict", "token"), ["allowed", "outcome"])
    assert.deepStrictEqual(await ops("--verdict", "refused"), ["refused", "rejected"])
    assert.deepStrictEqual(await ops("--app", "mail", "--verdict", "allowed"), ["allowed", "outcome"])
    assert.deepStrictEqual(await ops("--until", "1h"), [])
    assert.strictEqual((await ops("--since", "1h")).length, 9)
    assert.deepStrictEqual(await ops("-n", "2"), ["rejected", "stopped"])
    assert.deepStrictEqual(await ops("--lines", "0"), [])
    const { stdout } = await log(place, "-n", "1", "--app", "git")
    assert.strictEqual(stdout.split("\n").length, 3)
  })

  it("finds its way through all files, and over what is no record", async () => {
    const place = makePlace()
    await write(
      place,
      (journal) =>
        Effect.asVoid(
          Effect.forEach(Array.from({ length: 60 }), () => journal.allowed(useOf("git", "sign", ONE), ALLOW)!.written)
        ),
      2_000
    )
    const numbers = (await jsonLines(place, "--app", "git")).map(({ use }) => use)
    assert.deepStrictEqual(numbers, Array.from({ length: 60 }, (_, i) => `1.${i + 1}`))
    const older = fs.readdirSync(place.state).filter((name) => /^journal\.\d/.test(name)).toSorted()
    assert.isAbove(older.length, 3)
    const path = join(place.state, older[1]!)
    fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("\n", "\n{\"op\":\u001b[2J\n"))
    fs.rmSync(join(place.state, older[2]!))
    const { code, stderr, stdout } = await log(place, "--json", "--app", "git")
    assert.strictEqual(code, 1)
    assert.include(stderr, `${older[1]}:2 is no record`)
    assert.include(stderr, `${older[2]} is missing`)
    assert.isAbove(stdout.split("\n").length, 30)
  })

  it("lets nothing that a terminal could obey through, whatever stands in the file", async () => {
    const place = await some()
    const file = join(place.state, "journal.jsonl")
    const evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r\n\u{0}"
    const record = {
      v: 1,
      n: 99,
      at: "2026-02-03T04:05:06.789Z",
      op: "refused",
      app: evil,
      operations: [evil],
      keys: [evil],
      command: evil,
      reason: evil,
      program: evil,
      verdict: evil,
      [evil]: evil
    }
    fs.appendFileSync(file, `${JSON.stringify(record)}\n`)
    for (const flags of [[], ["--json"], ["--with-colons"]]) {
      const { stdout } = await log(place, ...flags)
      assert.include(stdout, "owned")
      for (const line of stdout.split("\n")) assert.strictEqual(harmless(line), line)
      assert.strictEqual(stdout.trimEnd().split("\n").length, flags.length === 0 ? 9 : 10)
    }
  })

  it("follows the journal over its files until it is interrupted, and then ends well", async () => {
    const place = await some()
    const child = spawn(process.execPath, [MAIN, "log", "--follow", "--json", "-n", "0"], {
      env: environment(place.home),
      stdio: ["ignore", "pipe", "inherit"]
    })
    const closed = new Promise<number | null>((resolve) => child.once("close", resolve))
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
    try {
      // it has begun when it tells of what came after
      const count = () => output.split("\"op\":\"allowed\"").length - 1
      const uses = (n: number) => (journal: Parameters<typeof someRecords>[0]) =>
        Effect.asVoid(
          Effect.forEach(Array.from({ length: n }), () => journal.allowed(useOf("git", "sign", ONE), ALLOW)!.written)
        )
      while (count() === 0) {
        await write(place, uses(1), 2_000)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const before = count()
      await write(place, uses(40), 2_000)
      const all = (await jsonLines(place)).filter(({ op }) => op === "allowed")
      const name = all.at(-1)!["use"]
      while (!output.includes(`"use":"${name}"`)) await new Promise((resolve) => setTimeout(resolve, 20))
      assert.isAtLeast(count(), before + 40)
      const told = output.trimEnd().split("\n").map((line) => JSON.parse(line))
      // each once, in its order, and none left out
      assert.deepStrictEqual(
        told.filter(({ op }) => op === "allowed").map(({ use }) => use),
        all.slice(-count()).map(({ use }) => use)
      )
      child.kill("SIGINT")
      assert.strictEqual(await closed, 0)
    } finally {
      child.kill("SIGKILL")
      await closed
    }
  })

  it("tells a use without its outcome after a while when it follows, and the outcome when it comes", async () => {
    const place = makePlace()
    await write(place, () => Effect.void)
    const child = spawn(process.execPath, [MAIN, "log", "--follow"], {
      env: environment(place.home),
      stdio: ["ignore", "pipe", "inherit"]
    })
    const closed = new Promise((resolve) => child.once("close", resolve))
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
    const until = (what: RegExp) =>
      Effect.promise(async () => {
        while (!what.test(output)) await new Promise((resolve) => setTimeout(resolve, 20))
      })
    try {
      await write(place, (journal) =>
        Effect.gen(function*() {
          const intent = journal.allowed(useOf("git", "sign", ONE), ALLOW)!
          yield* until(/git +sign +&1111111111111 +allow +\.\.\./)
          intent.outcome("done")
          yield* until(/git +sign +&1111111111111 +allow +done +the outcome of an earlier line/)
        }))
      assert.strictEqual(output.split("&1111111111111").length, 3)
    } finally {
      child.kill("SIGKILL")
      await closed
    }
  })

  it("ends when nobody reads it any more", async () => {
    const place = makePlace()
    await write(
      place,
      (journal) =>
        Effect.asVoid(
          Effect.forEach(Array.from({ length: 2_000 }), () =>
            Effect.sync(() => void journal.allowed(useOf("git", "sign", ONE), ALLOW)))
        )
    )
    const { code, stdout } = await shell("set -o pipefail; gripgate log --json --follow | head -3", place.home)
    assert.strictEqual(code, 0)
    assert.strictEqual(stdout.trimEnd().split("\n").length, 3)
  })
})

describe("gripgate log --verify", () => {
  it("counts the records of a journal that is whole", async () => {
    const place = await some()
    assert.deepStrictEqual(await log(place, "--verify"), { code: 0, stdout: "9 records, whole\n", stderr: "" })
    const { stdout } = await log(place, "--verify", "--json")
    assert.deepStrictEqual(JSON.parse(stdout), { whole: true, records: 9 })
  })

  it("says what is wrong, and where", async () => {
    const place = await some()
    const file = join(place.state, "journal.jsonl")
    const text = fs.readFileSync(file, "utf8")
    fs.writeFileSync(file, text.replace("Bad passphrase", "Bad passwords!"))
    const { code, stderr, stdout } = await log(place, "--verify")
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(
      stderr,
      /^gripgate: error: .*journal\.jsonl:4: record 4 is not as it was written\ngripgate: hint: docs\/journal\.md /
    )
    const json = await log(place, "--verify", "--json")
    assert.strictEqual(json.code, 1)
    assert.strictEqual(JSON.parse(json.stdout).whole, false)
    fs.rmSync(join(place.state, "chain.key"))
    assert.match(
      (await log(place, "--verify")).stderr,
      /chain\.key is missing, and .*journal\.jsonl was written with it/
    )
  })
})

describe("what gripgate log cannot do", () => {
  it("is said, with its own exit code", async () => {
    const place = await some()
    const cases: ReadonlyArray<readonly [flags: ReadonlyArray<string>, code: number, message: RegExp]> = [
      [["--json", "--with-colons"], 64, /--json and --with-colons exclude each other/],
      [["--since", "yesterday"], 64, /--since expects a time, got "yesterday"/],
      [["--since", "2026-02-31"], 64, /--since expects a time/],
      [["--operation", "sing"], 64, /unknown operation "sing"\n.*did you mean "sign"/],
      [["--verdict", "maybe"], 64, /--verdict expects/],
      [["--key", "*"], 64, /name one key/],
      [["-n", "-1"], 64, /--lines expects a number of lines/],
      [["--verify", "--app", "git"], 64, /--verify goes through the whole journal/],
      [["--state", join(place.home, "none")], 1, /there is no journal: .*none does not exist/],
      [["--state", place.home], 1, /there is no journal/],
      [["--verify", "--state", place.home], 1, /there is no journal/]
    ]
    for (const [flags, code, message] of cases) {
      const ran = await log(place, ...flags)
      assert.strictEqual(ran.code, code, flags.join(" "))
      assert.match(ran.stderr, message)
    }
    fs.chmodSync(join(place.state, "journal.jsonl"), 0o644)
    const open = await log(place)
    assert.strictEqual(open.code, 77)
    assert.match(open.stderr, /journal\.jsonl may be used by others/)
  })
})
