// Questions, and pinentries to ask them with: the testkit's scripted one, and shell scripts that misbehave.
import { type PinentryEvent, type PinentryScript, writePinentry } from "@gripgate/testkit/pinentry"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { pinentryApprover } from "../../../src/approve/pinentry/pinentry.ts"
import { type PinentrySettings, pinentryTurns } from "../../../src/approve/pinentry/turns.ts"
import type { Question } from "../../../src/approve/question.ts"
import { AgentDialogs } from "../../../src/owner/agent-dialogs.ts"
import { placeOf } from "../../../src/owner/place.ts"
import { subject } from "../../shown/shown.ts"
import { isRunning } from "../../support/programs.ts"
import { scratch } from "../../support/scratch.ts"

export const question = (more: Partial<Question> = {}): Question => ({
  id: "k7f3",
  subject: subject(),
  operation: "sign",
  client: { recognised: "none" },
  why: "sign = \"ask\"",
  offers: { always: false },
  askedAt: 0,
  ...more
})

/** A question that offers a yes for 15 minutes. */
export const forAWhile = question({ offers: { while: 900_000, always: false } })

/** An approver with this program. `shown` counts the questions that could be seen. */
export const asking = (
  program: string,
  { dialogs = new AgentDialogs(), owner = { current: placeOf({}) }, timeout = 60_000 }: {
    dialogs?: AgentDialogs
    owner?: PinentrySettings["owner"]
    timeout?: number
  } = {}
) => {
  const turns = pinentryTurns({ homedir: undefined, program: () => program, owner, dialogs, timeout: () => timeout })
  const { ask, name } = pinentryApprover(turns)
  const counted = {
    name,
    turns,
    shown: 0,
    hidden: 0,
    ask: (one: Question) => ask(one, () => counted.shown++, () => counted.hidden++)
  }
  return counted
}

/** Waits in real time, whatever the clock of the test says. */
export const until = (condition: () => boolean) =>
  Effect.promise(async () => {
    for (let i = 0; i < 2000 && !condition(); i++) await sleep(5)
    if (!condition()) throw new Error("what was waited for did not come")
  })

const readLog = (dir: string): ReadonlyArray<PinentryEvent> =>
  readFileSync(join(dir, "pinentry.log"), "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line))

/** The testkit's scripted pinentry in a directory of its own; no process of it may be left when the scope ends. */
export const scripted = Effect.fnUntraced(function*(script: PinentryScript) {
  const dir = yield* scratch
  const { program } = yield* Effect.promise(() => writePinentry(dir, script))
  const log = () => readLog(dir)
  const pids = () => log().flatMap(({ event, pid }) => event === "start" ? [pid] : [])
  yield* Effect.addFinalizer(() => assertGone(pids))
  return {
    program,
    log,
    pids,
    questions: () => log().filter(({ event }) => event === "question").length,
    lines: () => log().flatMap((entry) => entry.event === "line" ? [entry.line] : [])
  }
})

/** Answers the line by which the gate knows that nobody is out of step, and any other as it is told. */
export const inStep = (other: string): string => `[ "$line" = 'GETINFO pid' ] && say D $$; ${other}`

/**
 * A shell script as a pinentry: `start` runs at first, `confirm` at CONFIRM, `other` at any other line; `$line` is the line and
 * `$DIR` a directory of its own. Whatever it notes down with `note` is in `notes`; its pids are noted by themselves.
 */
export const shell = Effect.fnUntraced(function*(
  {
    confirm = "sleep 0.3; say OK",
    other = inStep("say OK"),
    start = "say OK",
    unknown = "say ERR 83886355 Unknown IPC command"
  }: {
    readonly start?: string
    readonly confirm?: string
    readonly other?: string
    /** What it says to a word that no pinentry knows. */
    readonly unknown?: string
  }
) {
  const dir = yield* scratch
  const program = join(dir, "pinentry")
  writeFileSync(
    program,
    `#!/bin/sh
DIR='${dir}'
say() { printf '%s\\n' "$*"; }
note() { printf '%s\\n' "$*" >> "$DIR/notes"; }
echo $$ >> "$DIR/pids"
${start}
while IFS= read -r line; do
  note "$line"
  case $line in
    GRIPGATE) ${unknown} ;;
    CONFIRM) ${confirm} ;;
    *) ${other} ;;
  esac
done
`,
    { mode: 0o700 }
  )
  const read = (name: string) =>
    existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8").split("\n").slice(0, -1) : []
  const pids = () => read("pids").map(Number)
  yield* Effect.addFinalizer(() => assertGone(pids))
  return { dir, program, pids, notes: () => read("notes") }
})

/** Nothing that was started is left. */
const assertGone = (pids: () => ReadonlyArray<number>) =>
  Effect.promise(async () => {
    for (let i = 0; i < 200 && pids().some(isRunning); i++) await sleep(5)
    const left = pids().filter(isRunning)
    for (const pid of left) process.kill(pid, "SIGKILL")
    if (left.length > 0) throw new Error(`left running: ${left.join(" ")}`)
  })

/** What a pinentry shows of a line's text (pinentry.c strcpy_escaped), from the bytes of the wire. */
export const unescaped = (text: string): string =>
  Buffer.from(
    text.replace(/%([^]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    "latin1"
  ).toString()
