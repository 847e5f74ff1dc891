// What a scripted pinentry showed, read from its log: one entry for each dialog, with the words as a person saw them.
import type { PinentryEvent, ScriptedPinentry } from "@gripgate/testkit/pinentry"

export interface Dialog {
  readonly pid: number
  readonly question: "GETPIN" | "CONFIRM"
  /** What SETDESC gave it, decoded as pinentry does it (pinentry.c strcpy_escaped). */
  readonly text: string
  /** What is written on its buttons: of SETOK, SETNOTOK and SETCANCEL, where they were given. */
  readonly buttons: ReadonlyArray<string>
}

export const decoded = (line: string): string => {
  const bytes = line.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
  return Buffer.from(bytes, "latin1").toString("utf8")
}

const setters = ["SETDESC", "SETOK", "SETNOTOK", "SETCANCEL"] as const

/** All dialogs in these events. A pinentry keeps what it was given until it is reset. */
export const dialogsIn = (events: ReadonlyArray<PinentryEvent>): ReadonlyArray<Dialog> => {
  const given = new Map<number, Map<string, string>>()
  const dialogs: Array<Dialog> = []
  for (const event of events) {
    const its = given.get(event.pid) ?? new Map<string, string>()
    given.set(event.pid, its)
    if (event.event === "line") {
      const [, word, rest] = /^(\S*) ?(.*)$/s.exec(event.line)!
      if (word === "RESET") its.clear()
      if (setters.some((setter) => setter === word)) its.set(word!, decoded(rest!))
    }
    if (event.event === "question") {
      const buttons = setters.slice(1).flatMap((setter) => its.get(setter) ?? [])
      dialogs.push({ pid: event.pid, question: event.question, text: its.get("SETDESC") ?? "", buttons })
    }
  }
  return dialogs
}

/** What happens in a pinentry from now on. */
export const sinceNow = async (pinentry: ScriptedPinentry) => {
  const before = (await pinentry.log()).length
  const events = async () => (await pinentry.log()).slice(before)
  return { events, dialogs: async () => dialogsIn(await events()) }
}
