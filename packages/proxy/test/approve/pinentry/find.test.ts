// Which pinentry is run. What gpg-agent's own file of options means is compared with the real agent.
import { assert, describe, it } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { writePinentry } from "@gripgate/testkit/pinentry"
import { connectRaw } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pinentryFinder, pinentryProgramOf } from "../../../src/approve/pinentry/find.ts"
import { environment, fakeGpgconf } from "../../support/programs.ts"
import { scratch } from "../../support/scratch.ts"

/** A homedir and a folder for all users, with what is in their files; gpgconf names both, and `/opt/pinentry`. */
const places = Effect.fnUntraced(function*(own?: string, global?: string) {
  const dir = yield* scratch
  const [homedir, sysconfdir] = ["home", "etc"].map((name) => join(dir, name)) as [string, string]
  for (const [path, text] of [[homedir, own], [sysconfdir, global]] as const) {
    mkdirSync(path)
    if (text !== undefined) writeFileSync(join(path, "gpg-agent.conf"), text)
  }
  const { runs } = yield* fakeGpgconf(`
case "$*" in
  "--null --list-dirs homedir sysconfdir") printf '%s\\0%s\\0' '${sysconfdir}' '${homedir}' ;;
  "--list-components") printf 'gpg:OpenPGP:/usr/bin/gpg\\npinentry:Passphrase Entry:/opt/pin%%3aentry\\n' ;;
  *) exit 1 ;;
esac`)
  return { homedir, sysconfdir, runs }
})

/** The finder where the policy names no program. */
const finder = (homedir: string | undefined) => pinentryFinder({ homedir, program: () => undefined })

const reasonOf = (find: ReturnType<typeof pinentryFinder>) => Effect.map(Effect.flip(find), ({ reason }) => reason)

describe("the value of pinentry-program", () => {
  // each file of options names one of two programs, A and B
  const files: ReadonlyArray<readonly [string, "A" | "B"]> = [
    ["pinentry-program A\n", "A"],
    ["pinentry-program A", "A"],
    ["pinentry-program B\npinentry-program A\n", "A"],
    ["\t pinentry-program\t  A \t\n", "A"],
    ["pinentry-program A\r\n", "A"],
    ["pinentry-program \"A\"\n", "A"],
    ["pinentry-program \"A\n", "A"],
    ["# pinentry-program B\npinentry-program A\n  #pinentry-program B\n", "A"],
    ["\ufeffpinentry-program A\n", "A"],
    ["pinentry-program A\nno-grab\nmax-cache-ttl 60\n", "A"]
  ]

  it("is what the real gpg-agent takes for it", async () => {
    for (const [text, expected] of files) {
      await using home = await makeHomedir()
      mkdirSync(join(home.path, "b"))
      const A = home.pinentry.program
      const B = (await writePinentry(join(home.path, "b"), { answers: ["cancel"] })).program
      const conf = text.replace(/[AB]/g, (letter) => letter === "A" ? A : B)
      writeFileSync(join(home.path, "gpg-agent.conf"), conf)
      await home.launchAgent()
      await using client = await connectRaw(await home.agentSocket())
      await client.readReply()
      await client.command("GET_CONFIRMATION Well%3F")
      assert.strictEqual(await home.pinentry.questions(), expected === "A" ? 1 : 0, JSON.stringify(text))
      assert.strictEqual(pinentryProgramOf(conf), expected === "A" ? A : B, JSON.stringify(text))
    }
  })

  it("is none in a file that does not have it", () => {
    for (const text of ["", "\n\n", "pinentry-program", "pinentry-program \n", "pinentry-programs /x\n", "no-grab\n"]) {
      assert.isUndefined(pinentryProgramOf(text), JSON.stringify(text))
    }
    assert.strictEqual(pinentryProgramOf("pinentry-program \"\"\n"), "")
    assert.strictEqual(pinentryProgramOf("pinentry-program /a b#c\n"), "/a b#c")
  })
})

describe("the pinentry", () => {
  it.live("is the policy's before all others, and then nothing else is looked at", () =>
    Effect.gen(function*() {
      const { homedir, runs } = yield* places("pinentry-program /own\n")
      assert.strictEqual(yield* pinentryFinder({ homedir, program: () => "/policy" }), "/policy")
      assert.strictEqual(runs(), 0)
    }))

  it.live("is that of the homedir, else that for all users, else GnuPG's own", () =>
    Effect.gen(function*() {
      const own = yield* places("pinentry-program /own\n", "pinentry-program /global\n")
      assert.strictEqual(yield* finder(own.homedir), "/own")
      assert.strictEqual(own.runs(), 0)
      assert.strictEqual(yield* finder(undefined), "/own")
      assert.strictEqual(own.runs(), 1)
      const global = yield* places("no-grab\n", "pinentry-program /global\n")
      assert.strictEqual(yield* finder(global.homedir), "/global")
      const neither = yield* places()
      assert.strictEqual(yield* finder(neither.homedir), "/opt/pin:entry")
      const empty = yield* places("pinentry-program \"\"\n", "pinentry-program /global\n")
      assert.strictEqual(yield* finder(empty.homedir), "/opt/pin:entry")
    }))

  it.live("is looked up anew for each question, and gpgconf is asked once", () =>
    Effect.gen(function*() {
      const { homedir, runs } = yield* places()
      const find = finder(undefined)
      assert.strictEqual(yield* find, "/opt/pin:entry")
      assert.strictEqual(yield* find, "/opt/pin:entry")
      assert.strictEqual(runs(), 2, "for folders and for the program")
      writeFileSync(join(homedir, "gpg-agent.conf"), "pinentry-program /one\n")
      assert.strictEqual(yield* find, "/one")
      writeFileSync(join(homedir, "gpg-agent.conf"), "pinentry-program /two\n")
      assert.strictEqual(yield* find, "/two")
      assert.strictEqual(runs(), 2)
    }))

  it.live("may be in the home directory", () =>
    Effect.gen(function*() {
      yield* environment({ HOME: "/home/alice" })
      const { homedir } = yield* places("pinentry-program ~/bin/pinentry\n")
      assert.strictEqual(yield* finder(homedir), "/home/alice/bin/pinentry")
    }))

  it.live("is GnuPG's own where the real gpgconf is asked", () =>
    Effect.gen(function*() {
      const homedir = yield* scratch
      const line = execFileSync("gpgconf", ["--list-components"]).toString().split("\n")
        .find((one) => one.startsWith("pinentry:"))
      assert.strictEqual(yield* finder(homedir), line!.split(":")[2])
    }))

  it.live("is none where no absolute path comes out, with what is wrong", () =>
    Effect.gen(function*() {
      const { homedir } = yield* places("pinentry-program pinentry-qt\n")
      const conf = join(homedir, "gpg-agent.conf")
      assert.strictEqual(
        yield* reasonOf(finder(homedir)),
        `${conf} names no pinentry by an absolute path`
      )
      yield* fakeGpgconf("echo nonsense")
      assert.strictEqual(
        yield* reasonOf(finder(undefined)),
        "gpgconf does not name GnuPG's folders by absolute paths"
      )
      const { homedir: bare, sysconfdir } = yield* places()
      yield* fakeGpgconf(`case "$1" in --null) printf '%s\\0%s\\0' '${sysconfdir}' '${bare}' ;; esac`)
      assert.strictEqual(
        yield* reasonOf(finder(bare)),
        "gpgconf names no pinentry by an absolute path"
      )
    }))

  it.live("is none where gpgconf fails, and is looked for again the next time", () =>
    Effect.gen(function*() {
      const { homedir } = yield* places()
      const { dir } = yield* fakeGpgconf(
        "[ -e \"$DIR/well\" ] || { echo 'gpgconf: bad' >&2; exit 2; }; echo pinentry::/p:"
      )
      const find = finder(homedir)
      assert.strictEqual(yield* reasonOf(find), "gpgconf failed with exit code 2: gpgconf: bad")
      writeFileSync(join(dir, "well"), "")
      assert.match(yield* reasonOf(find), /^gpgconf does not name GnuPG's folders/)
    }))

  it.live("is not looked for in what is no regular file", () =>
    Effect.gen(function*() {
      const { homedir } = yield* places(undefined, "pinentry-program /global\n")
      execFileSync("mkfifo", [join(homedir, "gpg-agent.conf")])
      assert.strictEqual(yield* finder(homedir), "/global")
      const other = yield* places(undefined, "pinentry-program /global\n")
      mkdirSync(join(other.homedir, "gpg-agent.conf"))
      chmodSync(join(other.homedir, "gpg-agent.conf"), 0o700)
      assert.strictEqual(yield* finder(other.homedir), "/global")
    }))
})
