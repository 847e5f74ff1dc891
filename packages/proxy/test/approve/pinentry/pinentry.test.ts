// The approver with real processes: the testkit's scripted pinentry, and pinentries that misbehave in every way. None of them is
// left running after a test. Real pinentries on a terminal: test/programs/pinentry-approver.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Asked } from "../../../src/approve/question.ts"
import { placeOf } from "../../../src/owner/place.ts"
import { gateLines, questionLines } from "../../../src/shown/question-lines.ts"
import { deceptive, subject, subjects } from "../../shown/shown.ts"
import { environment, isRunning } from "../../support/programs.ts"
import { scratch } from "../../support/scratch.ts"
import { asking, forAWhile, inStep, question, scripted, shell, unescaped, until } from "./support.ts"

const by = { through: "pinentry" }
const once: Asked = { kind: "yes", good: "once", by }
const forFifteen: Asked = { kind: "yes", good: 900_000, by }
const no: Asked = { kind: "no", good: "once", by }
const timeout: Asked = { kind: "timeout" }

/** Asks once, and gives the reason why that could not be. */
const reasonOf = Effect.fnUntraced(function*(program: string, one = question()) {
  const asked = yield* asking(program).ask(one)
  assert.strictEqual(asked.kind, "unavailable")
  return asked.kind === "unavailable" ? asked.reason : ""
})

/** What the gate says of the program whose name it has put first. */
const behind = (program: string, reason: string): string => {
  assert.isTrue(reason.startsWith(`${program}: `), reason)
  return reason.slice(program.length + 2)
}

describe("an answer", () => {
  it.live("is yes for OK, and nothing of the dialogue is left out", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const approver = asking(pinentry.program)
      assert.strictEqual(approver.name, "pinentry")
      assert.deepStrictEqual(yield* approver.ask(question()), once)
      assert.strictEqual(approver.shown, 1)
      const lines = pinentry.lines()
      const [desc] = lines.filter((line) => line.startsWith("SETDESC "))
      assert.deepStrictEqual(unescaped(desc!.slice("SETDESC ".length)).split("\n"), questionLines(question()))
      assert.deepStrictEqual(lines, [
        "GRIPGATE",
        "OPTION no-grab",
        "GETINFO flavor",
        "SETTITLE gripgate",
        "SETTIMEOUT 61",
        desc!,
        "SETOK _Yes",
        "SETCANCEL _No",
        "GETINFO pid",
        "CONFIRM"
      ])
    }))

  it.live("is none of a program that says OK to everything", () =>
    Effect.gen(function*() {
      const { notes, program } = yield* shell({ unknown: "say OK" })
      const reason = "it says OK to what no pinentry knows, so its yes would mean nothing"
      assert.strictEqual(behind(program, yield* reasonOf(program)), reason)
      assert.notInclude(notes(), "CONFIRM")
    }))

  it.live("is none where it comes before anybody could have read: the dialog is shown again, three times in all", () =>
    Effect.gen(function*() {
      const quick = yield* scripted({ answers: [{ confirm: true }], readingMs: 0 })
      const reason = "it says yes before anybody could have read the question"
      assert.strictEqual(behind(quick.program, yield* reasonOf(quick.program)), reason)
      assert.strictEqual(quick.questions(), 3)
      const slip = yield* shell({ confirm: "[ -n \"$n\" ] && sleep 0.3; n=1; say OK" })
      assert.deepStrictEqual(yield* asking(slip.program).ask(question()), once)
      // a no is one at any time
      const cancelled = yield* shell({ confirm: "say ERR 83886179 Operation cancelled" })
      assert.deepStrictEqual(yield* asking(cancelled.program).ask(question()), no)
    }))

  it.live("is no for Cancel, and for a window that is closed", () =>
    Effect.gen(function*() {
      for (const answer of ["cancel", "close", { confirm: false }] as const) {
        const { program } = yield* scripted({ answers: [answer] })
        assert.deepStrictEqual(yield* asking(program).ask(forAWhile), no)
      }
    }))

  it.live("is to the gate's lines and marked ones, whatever anybody says", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const deceptions = fc.sample(fc.tuple(subjects, deceptive), { numRuns: 12, seed: 1 })
      for (const [one, text] of deceptions) {
        const about = question({ subject: one, said: { by: "client", text } })
        assert.deepStrictEqual(yield* asking(pinentry.program).ask(about), once)
        const desc = pinentry.lines().findLast((line) => line.startsWith("SETDESC "))!
        assert.isAtMost(desc.length, 1000)
        const lines = unescaped(desc.slice("SETDESC ".length)).split("\n")
        const ours = gateLines(about)
        assert.deepStrictEqual(lines.slice(0, ours.length), ours)
        for (const line of lines.slice(ours.length + 1)) assert.match(line, /^\| ./)
      }
    }))

  it.live("is no where it is not confirmed, and no third button was asked for", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, { confirm: true }] })
      assert.deepStrictEqual(yield* asking(pinentry.program).ask(question()), no)
      assert.strictEqual(pinentry.questions(), 1)
    }))

  it.live("is yes for a while only once a second dialog of the same process has been confirmed", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, { confirm: true }] })
      const approver = asking(pinentry.program)
      assert.deepStrictEqual(yield* approver.ask(forAWhile), forFifteen)
      assert.strictEqual(approver.shown, 1)
      assert.strictEqual(pinentry.pids().length, 1)
      const lines = pinentry.lines()
      const first = lines.indexOf("CONFIRM")
      assert.includeMembers(lines.slice(0, first), ["SETOK _Yes, once", "SETNOTOK _For 15 minutes", "SETCANCEL _No"])
      const [desc] = lines.slice(first).filter((line) => line.startsWith("SETDESC "))
      assert.deepStrictEqual(unescaped(desc!.slice("SETDESC ".length)).split("\n"), [
        ...questionLines(forAWhile),
        "A yes is good for 15 minutes: until then nobody is asked."
      ])
      assert.deepStrictEqual(lines.slice(first), [
        "CONFIRM",
        "RESET",
        "SETTITLE gripgate",
        "SETTIMEOUT 61",
        desc!,
        "SETOK _For 15 minutes",
        "SETCANCEL _No",
        "GETINFO pid",
        "CONFIRM"
      ])
    }))

  it.live("is no for everything else in the second dialog: a failure can look like the third button", () =>
    Effect.gen(function*() {
      for (const answer of [{ confirm: "notok" }, "cancel", "close", "crash", "garbage"] as const) {
        const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, answer, { confirm: true }] })
        assert.deepStrictEqual(yield* asking(pinentry.program).ask(forAWhile), no)
        assert.strictEqual(pinentry.questions(), 2)
      }
    }))

  it.live("is yes once where the program takes the label of a third button and shows none", () =>
    Effect.gen(function*() {
      const { program } = yield* scripted({ answers: [{ confirm: true }], thirdButton: false })
      assert.deepStrictEqual(yield* asking(program).ask(forAWhile), once)
    }))

  it.live("is no where the program knows no third button, and was not confirmed", () =>
    Effect.gen(function*() {
      const { notes, program } = yield* shell({
        confirm: "say ERR 83886194 Not confirmed",
        other: "case $line in SETNOTOK*) say ERR 83886355 Unknown IPC command ;; *) say OK ;; esac"
      })
      assert.deepStrictEqual(yield* asking(program).ask(forAWhile), no)
      assert.strictEqual(notes().filter((line) => line === "CONFIRM").length, 1)
    }))

  it.live("is none where the pinentry's own time is over, in either dialog", () =>
    Effect.gen(function*() {
      const { program } = yield* shell({ confirm: "say ERR 83886142 Timeout" })
      assert.deepStrictEqual(yield* asking(program).ask(question()), timeout)
      const second = yield* shell({
        confirm: "if [ -z \"$n\" ]; then n=1; say ERR 83886194 Not confirmed; else say ERR 83886142 Timeout; fi"
      })
      assert.deepStrictEqual(yield* asking(second.program).ask(forAWhile), timeout)
    }))

  it.live("is not looked for in what a pinentry says before it is asked", () =>
    Effect.gen(function*() {
      for (const other of ["say OK", inStep("say OK")]) {
        for (const start of ["say OK; say OK", "printf 'OK\\nOK\\n'", "say OK; say OK; say OK; say OK"]) {
          const { notes, program } = yield* shell({ start, other, confirm: "sleep 1000" })
          assert.match(yield* reasonOf(program), /not Assuan, or not now$|it says OK to what no pinentry knows/)
          assert.notInclude(notes(), "CONFIRM")
        }
        const twice = `case $line in SETOK*) say OK; say OK ;; *) ${other} ;; esac`
        const { notes, program } = yield* shell({ other: twice, confirm: "sleep 1000" })
        assert.match(yield* reasonOf(program), /not Assuan, or not now$/)
        assert.notInclude(notes(), "CONFIRM")
      }
    }))

  it.live("comes through comments, status and data lines, and inquiries, which get nothing", () =>
    Effect.gen(function*() {
      const { notes, program } = yield* shell({
        start: "say '# hello'; say ''; say OK Your orders please",
        confirm:
          "say '# well'; say S BUTTON_INFO none; say D abc%0A; say INQUIRE QUALITY 12; IFS= read -r line; note \"$line\"; sleep 0.3; say OK"
      })
      assert.deepStrictEqual(yield* asking(program).ask(question()), once)
      assert.deepStrictEqual(notes().slice(-2), ["CONFIRM", "CAN"])
    }))
})

describe("a pinentry that cannot ask", () => {
  it.live("is missing, is no program, lies behind a file, or is a directory", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const file = join(dir, "file")
      writeFileSync(file, "#!/bin/sh\n", { mode: 0o600 })
      const missing = join(dir, "missing")
      assert.strictEqual(yield* reasonOf(missing), `${missing}: it cannot be run: no such file or directory`)
      assert.strictEqual(yield* reasonOf(file), `${file}: it cannot be run: permission denied`)
      assert.strictEqual(yield* reasonOf(join(file, "x")), `${join(file, "x")}: it cannot be run: not a directory`)
      assert.strictEqual(yield* reasonOf(dir), `${dir}: it cannot be run: permission denied`)
    }))

  it.live("is not named by an absolute path", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* reasonOf("pinentry-qt"), "the policy names no pinentry by an absolute path")
    }))

  it.live("ends before it greets", () =>
    Effect.gen(function*() {
      const { program } = yield* scripted({ answers: [{ confirm: true }], exits: true })
      assert.strictEqual(behind(program, yield* reasonOf(program)), "it ended with exit code 1")
    }))

  it.live("says why it ends, on its standard error, of which the last line is told; a flood there is no matter", () =>
    Effect.gen(function*() {
      const { program } = yield* shell({ start: "printf 'warning\\ncannot open display \\033[2J\\n' >&2; exit 1" })
      assert.strictEqual(
        behind(program, yield* reasonOf(program)),
        "it ended with exit code 1: cannot open display \\u{1b}[2J"
      )
      const flood = yield* shell({ start: "yes >&2; say OK" })
      assert.deepStrictEqual(yield* asking(flood.program).ask(question()), once)
    }))

  it.live("greets with an error, or with something else", () =>
    Effect.gen(function*() {
      const error = yield* shell({ start: "say ERR 67108924 Not supported" })
      assert.strictEqual(behind(error.program, yield* reasonOf(error.program)), "it greets with an error")
      const usage = yield* shell({ start: "say 'Usage: foo [options]'" })
      assert.match(yield* reasonOf(usage.program), /: it said something that is not Assuan, or not now$/)
    }))

  it.live("crashes, or talks nonsense, while it asks", () =>
    Effect.gen(function*() {
      const crash = yield* scripted({ answers: ["crash"] })
      assert.strictEqual(behind(crash.program, yield* reasonOf(crash.program)), "it was ended by SIGKILL")
      const garbage = yield* scripted({ answers: ["garbage"] })
      assert.match(yield* reasonOf(garbage.program), /: it said something that is not Assuan, or not now$/)
    }))

  it.live("closes its output and lives on", () =>
    Effect.gen(function*() {
      const { program } = yield* shell({ confirm: "exec >&-; sleep 1000" })
      assert.strictEqual(behind(program, yield* reasonOf(program)), "it closed its output")
    }))

  it.live("leaves behind a process that keeps its output open", () =>
    Effect.gen(function*() {
      const { program } = yield* shell({ confirm: "sleep 1000 & echo $! >> \"$DIR/pids\"; exit 3" })
      assert.strictEqual(behind(program, yield* reasonOf(program)), "it ended with exit code 3")
    }))

  it.live("says a line that is too long, or floods", () =>
    Effect.gen(function*() {
      const long = yield* shell({ confirm: "head -c 1002 /dev/zero | tr '\\0' x; say ''" })
      assert.strictEqual(behind(long.program, yield* reasonOf(long.program)), "what it said: line too long")
      for (const start of ["yes '# comment'", "yes 'S PROGRESS x'", "yes 'D xxxxxxxxx'", "cat /dev/zero"]) {
        const flood = yield* shell({ confirm: start })
        assert.match(
          yield* reasonOf(flood.program),
          /: (it says too much|what it said: (line too long|too much sent early))$/
        )
      }
    }))

  it.live("fails with an error, whose text is made harmless", () =>
    Effect.gen(function*() {
      const { program } = yield* shell({ confirm: "printf 'ERR 83886381 \\033[2JWindow too small\\n'" })
      assert.strictEqual(behind(program, yield* reasonOf(program)), "error 301, \\u{1b}[2JWindow too small")
    }))

  it.live("refuses what it needs to know; what it may refuse is no matter", () =>
    Effect.gen(function*() {
      const refusing = (words: string) =>
        shell({ other: `case $line in ${words}) say ERR 83886254 Unknown option ;; *) say OK ;; esac` })
      const owner = { current: placeOf({ GPG_TTY: "/dev/pts/1", LANG: "C.UTF-8" }) }
      for (const [line, what] of [["OPTION\\ ttyname*", "OPTION ttyname"], ["OPTION\\ lc-ctype*", "OPTION lc-ctype"]]) {
        const { program } = yield* refusing(line!)
        const asked = yield* asking(program, { owner }).ask(question())
        assert.deepStrictEqual(asked, {
          kind: "unavailable",
          reason: `${program}: it refuses ${what}: error 174, Unknown option`
        })
      }
      for (const line of ["SETDESC", "SETOK", "SETCANCEL"]) {
        const { program } = yield* refusing(`${line}*`)
        assert.strictEqual(behind(program, yield* reasonOf(program)), `it refuses ${line}: error 174, Unknown option`)
      }
      const { program } = yield* refusing("OPTION\\ no-grab*|GETINFO*|SETTITLE*|SETTIMEOUT*|SETNOTOK*|RESET*")
      assert.deepStrictEqual(yield* asking(program).ask(forAWhile), once)
    }))

  it.live("needs a terminal, and there is none, or what is named is none", () =>
    Effect.gen(function*() {
      for (const flavor of ["tty", "gtk2:curses"]) {
        const pinentry = yield* scripted({ answers: [{ confirm: true }], flavor })
        const reason = behind(pinentry.program, yield* reasonOf(pinentry.program))
        assert.strictEqual(reason, "it asks on a terminal, and the owner has none")
        for (
          const [path, why] of [
            ["/dev/null", "what is to be the owner's terminal is none"],
            ["/nonexistent/tty", "the owner's terminal cannot be opened: no such file or directory"]
          ]
        ) {
          const approver = asking(pinentry.program, { owner: { current: placeOf({ GPG_TTY: path! }) } })
          assert.deepStrictEqual(yield* approver.ask(question()), {
            kind: "unavailable",
            reason: `${pinentry.program}: ${why}`
          })
          assert.strictEqual(approver.shown, 0)
        }
        assert.strictEqual(pinentry.questions(), 0)
      }
    }))

  it.live("needs no terminal where it has windows", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }], flavor: "qt5" })
      assert.deepStrictEqual(yield* asking(pinentry.program).ask(question()), once)
    }))

  it.live("would have to show more of the gate's own lines than a line has room for", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const digest = { algorithm: "NONE", hex: "A".repeat(1000) }
      const reason = behind(pinentry.program, yield* reasonOf(pinentry.program, question({ digest })))
      assert.strictEqual(reason, "it has no room for the question")
      assert.deepStrictEqual(pinentry.log(), [])
    }))
})

describe("what a pinentry is started with", () => {
  it.live("is the owner's place, and of the gate only what every program needs", () =>
    Effect.gen(function*() {
      yield* environment({
        HOME: "/home/alice",
        USER: "alice",
        LOGNAME: "alice",
        XDG_RUNTIME_DIR: "/run/user/1000",
        TMPDIR: undefined,
        DISPLAY: ":1",
        LD_PRELOAD: "",
        SECRET: "of the gate",
        LC_ALL: "de_DE.UTF-8",
        GPG_TTY: "/dev/pts/9"
      })
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const place = { DISPLAY: ":7", TERM: "xterm", LANG: "en_GB.UTF-8", WAYLAND_DISPLAY: "w", PINENTRY_USER_DATA: "x" }
      yield* asking(pinentry.program, { owner: { current: placeOf({ ...place, PATH: "/evil", OTHER: "x" }) } })
        .ask(question())
      const [start] = pinentry.log()
      assert.deepStrictEqual(start, {
        pid: start!.pid,
        event: "start",
        argv: ["--display", ":7"],
        env: {
          PATH: process.env["PATH"]!,
          HOME: "/home/alice",
          USER: "alice",
          LOGNAME: "alice",
          XDG_RUNTIME_DIR: "/run/user/1000",
          ...place
        }
      })
      assert.deepStrictEqual(pinentry.lines().slice(1, 5), [
        "OPTION no-grab",
        "OPTION ttytype=xterm",
        "OPTION lc-ctype=en_GB.UTF-8",
        "OPTION lc-messages=en_GB.UTF-8"
      ])
    }))

  it.live("is no argument where there is no display, and a terminal where there is one", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      yield* asking(pinentry.program, { owner: { current: placeOf({ GPG_TTY: "/dev/pts/9" }) } }).ask(question())
      const [start] = pinentry.log()
      assert.deepStrictEqual(start?.event === "start" && start.argv, [])
      assert.strictEqual(pinentry.lines()[2], "OPTION ttyname=/dev/pts/9")
    }))

  it.live("is where the owner is when it is the question's turn", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const owner = { current: placeOf({ DISPLAY: ":1" }) }
      const approver = asking(pinentry.program, { owner })
      yield* approver.ask(question())
      owner.current = placeOf({ DISPLAY: ":2" })
      yield* approver.ask(question())
      const argv = pinentry.log().flatMap((entry) => entry.event === "start" ? [entry.argv[1]] : [])
      assert.deepStrictEqual(argv, [":1", ":2"])
    }))

  it.live("is a process group of its own, without a terminal of the gate's", () =>
    Effect.gen(function*() {
      const { notes, program } = yield* shell({ start: "note $(cut -d' ' -f1,5,6,7 /proc/$$/stat); say OK" })
      yield* asking(program).ask(question())
      const [pid, group, session, terminal] = notes()[0]!.split(" ")
      assert.deepStrictEqual([group, session, terminal], [pid, pid, "0"])
    }))
})

describe("time", () => {
  it.effect("begins when the dialog is shown, and its end is no answer", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang"] })
      const fiber = yield* Effect.forkChild(asking(pinentry.program, { timeout: 5_000 }).ask(question()))
      yield* until(() => pinentry.questions() === 1)
      yield* TestClock.adjust(4_999)
      assert.isUndefined(fiber.pollUnsafe())
      assert.isTrue(pinentry.pids().every(isRunning))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), timeout)
      assert.isFalse(pinentry.pids().some(isRunning), "it has gone when the answer is there")
      assert.include(pinentry.lines(), "SETTIMEOUT 6", "a little longer than the gate's own")
    }))

  it.effect("is one for both dialogs", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, "hang"] })
      const fiber = yield* Effect.forkChild(asking(pinentry.program, { timeout: 5_000 }).ask(forAWhile))
      yield* until(() => pinentry.lines().includes("RESET"))
      yield* until(() => pinentry.lines().at(-1) === "GETINFO pid")
      yield* TestClock.adjust(300)
      yield* until(() => pinentry.questions() === 2)
      yield* TestClock.adjust(4_699)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), timeout)
    }))

  it.effect("for getting ready is 10 s", () =>
    Effect.gen(function*() {
      const { pids, program } = yield* shell({ start: "sleep 1000" })
      const fiber = yield* Effect.forkChild(asking(program).ask(question()))
      yield* until(() => pids().length === 1)
      yield* TestClock.adjust(9_999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      const reason = `${program}: it was not ready within 10 s`
      assert.deepStrictEqual(yield* Fiber.join(fiber), { kind: "unavailable", reason })
    }))

  it.live("is there for one that is slow with everything", () =>
    Effect.gen(function*() {
      const slow = "sleep 0.05; say OK"
      const { program } = yield* shell({ start: slow, other: slow, confirm: "sleep 0.3; say OK" })
      assert.deepStrictEqual(yield* asking(program).ask(question()), once)
    }))

  it.effect("lies between two dialogs: a key that was meant for the one does not answer the next", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }, { confirm: false }] })
      const approver = asking(pinentry.program)
      const first = yield* Effect.forkChild(approver.ask(question()))
      yield* until(() => pinentry.questions() === 1)
      yield* TestClock.adjust(250)
      assert.deepStrictEqual(yield* Fiber.join(first), once)
      const fiber = yield* Effect.forkChild(approver.ask(question()))
      yield* until(() => pinentry.lines().filter((line) => line === "GETINFO pid").length === 2)
      yield* TestClock.adjust(299)
      yield* Effect.yieldNow
      assert.strictEqual(approver.shown, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), no)
      assert.strictEqual(approver.shown, 2)
    }))

  it.effect("lies between the two dialogs of one question too", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, { confirm: true }] })
      const fiber = yield* Effect.forkChild(asking(pinentry.program).ask(forAWhile))
      yield* until(() => pinentry.lines().filter((line) => line === "GETINFO pid").length === 2)
      yield* TestClock.adjust(299)
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      assert.strictEqual(pinentry.questions(), 1)
      yield* TestClock.adjust(1)
      yield* until(() => pinentry.questions() === 2)
      yield* TestClock.adjust(250)
      assert.deepStrictEqual(yield* Fiber.join(fiber), forFifteen)
    }))

  it.effect("lies not behind a question that was never shown", () =>
    Effect.gen(function*() {
      const { dir, program } = yield* shell({ confirm: "say ERR 83886179 Operation cancelled" })
      const approver = asking(program)
      renameSync(program, join(dir, "away"))
      assert.strictEqual((yield* approver.ask(question())).kind, "unavailable")
      renameSync(join(dir, "away"), program)
      assert.deepStrictEqual(yield* approver.ask(question()), no)
    }))
})

describe("several questions", () => {
  const named = (app: string) => question({ subject: subject({ app }) })

  it.live("are asked one after the other, in the order of asking", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }, { confirm: false }, { confirm: true }] })
      const approver = asking(pinentry.program)
      const fibers = []
      for (const app of ["one", "two", "three"]) {
        fibers.push(yield* Effect.forkChild(approver.ask(named(app)), { startImmediately: true }))
      }
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), [once, no, once])
      const starts = pinentry.log().flatMap(({ event }, index) => event === "start" ? [index] : [])
      const ends = pinentry.log().flatMap(({ event }, index) => event === "question" ? [index] : [])
      assert.isTrue(ends[0]! < starts[1]! && ends[1]! < starts[2]!, "no two at once")
      const apps = pinentry.lines().flatMap((line) => /^SETDESC gripgate: the app "(\w+)"/.exec(line)?.[1] ?? [])
      assert.deepStrictEqual(apps, ["one", "two", "three"])
    }))

  it.effect("are not shown where they are withdrawn while they wait, and their time does not run", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang"] })
      const approver = asking(pinentry.program, { timeout: 5_000 })
      const first = yield* Effect.forkChild(approver.ask(named("one")), { startImmediately: true })
      const second = yield* Effect.forkChild(approver.ask(named("two")), { startImmediately: true })
      const third = yield* Effect.forkChild(approver.ask(named("three")), { startImmediately: true })
      yield* until(() => pinentry.questions() === 1)
      yield* TestClock.adjust(3_000)
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      yield* until(() => pinentry.pids().length === 2 && pinentry.lines().at(-1) === "GETINFO pid")
      yield* TestClock.adjust(300)
      yield* until(() => pinentry.questions() === 2)
      yield* TestClock.adjust(4_999)
      assert.isUndefined(third.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(third), timeout)
      assert.notInclude(pinentry.lines().join("\n"), "\"two\"")
      assert.strictEqual(approver.shown, 2)
    }))
})

describe("a question that is withdrawn", () => {
  it.live("takes the pinentry with it before its greeting", () =>
    Effect.gen(function*() {
      const { pids, program } = yield* shell({ start: "sleep 1000 & echo $! >> \"$DIR/pids\"; wait" })
      const fiber = yield* Effect.forkChild(asking(program).ask(question()))
      yield* until(() => pids().length === 2)
      yield* Fiber.interrupt(fiber)
      yield* until(() => !pids().some(isRunning))
    }))

  it.live("takes it while it is told what to ask", () =>
    Effect.gen(function*() {
      const { notes, pids, program } = yield* shell({
        other: "case $line in SETDESC*) sleep 1000 ;; *) say OK ;; esac"
      })
      const fiber = yield* Effect.forkChild(asking(program).ask(question()))
      yield* until(() => notes().some((line) => line.startsWith("SETDESC ")))
      yield* Fiber.interrupt(fiber)
      yield* until(() => !pids().some(isRunning))
    }))

  it.live("takes it while the owner looks at either dialog", () =>
    Effect.gen(function*() {
      for (const answers of [["hang"], [{ confirm: "notok" }, "hang"]] as const) {
        const pinentry = yield* scripted({ answers })
        const fiber = yield* Effect.forkChild(asking(pinentry.program).ask(forAWhile))
        yield* until(() => pinentry.questions() === answers.length)
        yield* Fiber.interrupt(fiber)
        assert.isFalse(pinentry.pids().some(isRunning))
      }
    }))

  it.live("takes it between the two dialogs", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: "notok" }, { confirm: true }] })
      const fiber = yield* Effect.forkChild(asking(pinentry.program).ask(forAWhile))
      yield* until(() => pinentry.lines().includes("RESET"))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(pinentry.questions(), 1)
      assert.isFalse(pinentry.pids().some(isRunning))
    }))

  it.live("lets one that shows a dialog put its terminal in order first, and waits half a second for that", () =>
    Effect.gen(function*() {
      const tidy = yield* shell({
        start: "trap 'note tidied; exit 1' INT; say OK",
        confirm: "note open; sleep 1000 & wait"
      })
      const stubborn = yield* shell({
        start: "trap 'note no' INT; say OK",
        confirm: "note open; while :; do sleep 1000; done"
      })
      for (const { notes, pids, program } of [tidy, stubborn]) {
        const fiber = yield* Effect.forkChild(asking(program).ask(question()))
        yield* until(() => notes().includes("open"))
        const before = performance.now()
        yield* Fiber.interrupt(fiber)
        assert.isBelow(performance.now() - before, 2_000)
        assert.isFalse(pids().some(isRunning))
      }
      assert.include(tidy.notes(), "tidied")
    }))
})
