// A pinentry that answers from a script and writes down what it was asked, for gpg-agent's `pinentry-program`. This file is
// the test's side of it: the script, the log, the files in the homedir; the program itself is in pinentry-program.ts.
import { randomUUID } from "node:crypto"
import { readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pinentryProgram } from "./pinentry-program.ts"

/**
 * What the person at the pinentry does. `cancel` presses Cancel, `close` closes the window, `crash` kills the pinentry
 * before it answers, `hang` never answers, `garbage` says something that is not Assuan. A pin fits only GETPIN and `confirm`
 * only CONFIRM (`false` is Cancel, `"notok"` the button in the middle, which the script may say there is not); an answer that
 * does not fit is an error that says so.
 */
export type PinentryAnswer =
  | { readonly pin: string }
  | { readonly confirm: boolean | "notok" }
  | "cancel"
  | "close"
  | "crash"
  | "hang"
  | "garbage"

export interface PinentryScript {
  /** Milliseconds before a yes to CONFIRM; 300 where it is left out. */
  readonly readingMs?: number
  /** Used up one by one. Where there is no `default`, the last one is given again and again. */
  readonly answers: ReadonlyArray<PinentryAnswer>
  /** Given once `answers` is used up. A script without either cancels. */
  readonly default?: PinentryAnswer
  /** `false` for a program that takes SETNOTOK and shows no third button, as pinentry-gnome3 does. */
  readonly thirdButton?: boolean
  /** What it calls itself for `GETINFO flavor`; `scripted` where this is left out. */
  readonly flavor?: string
  /** Whether it ends, with exit code 1, before it greets. */
  readonly exits?: boolean
}

/** One thing that happened in a pinentry. `line` is latin1 text: each of its characters is one byte of the wire. */
export type PinentryEvent =
  & { readonly pid: number }
  & (
    | { readonly event: "start"; readonly argv: ReadonlyArray<string>; readonly env: Readonly<Record<string, string>> }
    | { readonly event: "line"; readonly line: string }
    | { readonly event: "question"; readonly question: "GETPIN" | "CONFIRM" }
  )

export interface ScriptedPinentry {
  /** What `pinentry-program` has to name. */
  readonly program: string
  /** What happened so far, in order, in all processes. Pins are not in it. */
  log(): Promise<ReadonlyArray<PinentryEvent>>
  /** How often somebody was asked for a pin or a confirmation. */
  questions(): Promise<number>
  /** Puts another script in the place of what is left of the present one. */
  script(script: PinentryScript): Promise<void>
}

/**
 * Writes the program (mode 0700) and its script into a folder. The shebang names the Node that runs now: the path must be
 * without blanks and, on Linux, below 256 bytes (kernel fs/binfmt_script.c). A transcript is a file that is there already; pins
 * do not get into it.
 */
export const writePinentry = async (
  folder: string,
  script: PinentryScript,
  transcript?: string
): Promise<ScriptedPinentry> => {
  const program = join(folder, "pinentry.mjs")
  const answers = join(folder, "pinentry.json")
  const setScript = async (next: PinentryScript) => {
    // in one step: a pinentry may be reading it
    await writeFile(`${answers}.next`, JSON.stringify({ ...next, id: randomUUID() }), { mode: 0o600 })
    await rename(`${answers}.next`, answers)
  }
  await writeFile(join(folder, "pinentry.log"), "", { mode: 0o600 })
  await writeFile(join(folder, "pinentry.taken"), "", { mode: 0o600 })
  await setScript(script)
  const known = `const transcript = ${JSON.stringify(transcript) ?? "undefined"}\n`
  await writeFile(program, `#!${process.execPath}\n${known}${pinentryProgram}`, { mode: 0o700 })
  const log = async () => {
    const text = await readFile(join(folder, "pinentry.log"), "utf8")
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as PinentryEvent)
  }
  return {
    program,
    log,
    questions: async () => (await log()).filter(({ event }) => event === "question").length,
    script: setScript
  }
}
