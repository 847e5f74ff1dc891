// The script of what the agent does wrong, as data: in a file or in a test. What it does right comes from a real agent
// (behind.ts); how a fault looks on the wire is in ../fake-agent/faults.ts.
import {
  dieAfter,
  endlessData,
  endlessStatus,
  errWithoutNumber,
  errZero,
  longLine,
  noLineEnd,
  nonsense,
  slow,
  unsolicited
} from "../fake-agent/faults.ts"
import type { Reply } from "../fake-agent/reply.ts"
import { parseLocated } from "./located-json.ts"
import { countOf, entriesOf, fieldsOf, itemsOf, type Part, rootOf, textOf, wordOf, wrong } from "./shape.ts"

const simple = {
  hang: "hang",
  close: "close",
  nonsense,
  endlessData,
  endlessStatus,
  errZero,
  errWithoutNumber
} as const satisfies Readonly<Record<string, Reply>>

const words = ["pass", ...Object.keys(simple) as Array<keyof typeof simple>] as const

/** One thing that the agent does in answer to a command, or as its greeting. `pass` is what the real agent says. */
export type AgentFault =
  | (typeof words)[number]
  /** `ERR number text`. */
  | { readonly error: number; readonly text?: string }
  /** These lines as they are, the last of them `OK` or `ERR ...`. */
  | { readonly lines: ReadonlyArray<string> }
  /** So many bytes of these lines, and then the end of the connection. */
  | { readonly dieAfter: number; readonly lines: ReadonlyArray<string> }
  /** Something, so many milliseconds late. */
  | { readonly afterMs: number; readonly fault: AgentFault }
  /** A question that nobody expects, and something after whatever is said to it. */
  | { readonly inquire: string; readonly fault: AgentFault }
  /** A data line of so many bytes. */
  | { readonly longLine: number }
  /** So many bytes that never become a line. */
  | { readonly noLineEnd: number }

/** A single fault comes each time; those of a list come one by one, and after them everything is as the real agent says. */
export interface AgentFaults {
  readonly greeting?: AgentFault
  /** By command word in upper case: `PKSIGN`. */
  readonly commands?: Readonly<Record<string, AgentFault | ReadonlyArray<AgentFault>>>
}

/** The fault as a reply of the fake agent; `pass` is what the real agent says. */
export const replyOf = (fault: AgentFault, pass: () => Promise<Reply>): Reply | Promise<Reply> => {
  if (typeof fault === "string") return fault === "pass" ? pass() : simple[fault]
  if ("error" in fault) return [`ERR ${fault.error} ${fault.text ?? "scripted"} <GPG Agent>`]
  if ("dieAfter" in fault) return dieAfter(fault.dieAfter, fault.lines)
  if ("lines" in fault) return fault.lines
  if ("longLine" in fault) return longLine(fault.longLine)
  if ("noLineEnd" in fault) return noLineEnd(fault.noLineEnd)
  const inner = replyOf(fault.fault, pass)
  const wrap = (reply: Reply): Reply =>
    "afterMs" in fault ? slow(fault.afterMs, reply) : unsolicited(fault.inquire, reply)
  return inner instanceof Promise ? inner.then(wrap) : wrap(inner)
}

const KINDS = "an object with error, lines, dieAfter, afterMs, inquire, longLine or noLineEnd"

const linesOf = (part: Part): ReadonlyArray<string> =>
  itemsOf(part, "a list of lines").map((line) => {
    const text = textOf(line)
    if (/[\n\u0100-\uffff]/.test(text)) throw wrong(line, "a line has no line feed, and no character above U+00FF")
    return text
  })

const faultOf = (part: Part): AgentFault => {
  const word = wordOf(part, words)
  if (word !== undefined) return word
  const known = ["error", "text", "lines", "dieAfter", "afterMs", "fault", "inquire", "longLine", "noLineEnd"]
  const fields = fieldsOf(part, known, `${words.map((one) => `"${one}"`).join(", ")}, or ${KINDS}`)
  const only = (...names: ReadonlyArray<string>): ReadonlyArray<Part> => {
    const extra = [...fields.keys()].find((name) => !names.includes(name))
    if (extra !== undefined) throw wrong(part, `"${extra}" does not go with "${names[0]}"`)
    return names.map((name) => {
      const field = fields.get(name)
      if (field === undefined) throw wrong(part, `"${names[0]}" needs "${name}"`)
      return field
    })
  }
  if (fields.has("error")) {
    const text = fields.get("text")
    const [error] = only("error", ...text === undefined ? [] : ["text"])
    return { error: countOf(error!, 0xffffffff), ...text !== undefined && { text: textOf(text) } }
  }
  if (fields.has("dieAfter")) {
    const [bytes, lines] = only("dieAfter", "lines")
    return { dieAfter: countOf(bytes!, 1_000_000), lines: linesOf(lines!) }
  }
  if (fields.has("lines")) return { lines: linesOf(only("lines")[0]!) }
  if (fields.has("afterMs")) {
    const [ms, fault] = only("afterMs", "fault")
    return { afterMs: countOf(ms!, 600_000), fault: faultOf(fault!) }
  }
  if (fields.has("inquire")) {
    const [inquire, fault] = only("inquire", "fault")
    return { inquire: textOf(inquire!), fault: faultOf(fault!) }
  }
  if (fields.has("longLine")) return { longLine: Math.max(2, countOf(only("longLine")[0]!, 10_000_000)) }
  if (fields.has("noLineEnd")) return { noLineEnd: countOf(only("noLineEnd")[0]!, 10_000_000) }
  throw wrong(part, `expected ${KINDS}`)
}

/** Parses a script; `name` is what the file is called in messages. Throws a `ScriptError` that says where it is wrong. */
export const parseAgentFaults = (text: string, name: string): AgentFaults => {
  const fields = fieldsOf(rootOf(parseLocated(text, name)), ["greeting", "commands"], "an object with commands")
  const greeting = fields.get("greeting")
  const table = fields.get("commands")
  const commands = new Map<string, AgentFault | ReadonlyArray<AgentFault>>()
  if (table !== undefined) {
    for (const [word, part] of entriesOf(table, "an object with a field for each command")) {
      if (!/^[A-Z][A-Z_]*$/.test(word)) throw wrong(part, "a command is a word in upper case")
      const list = part.node.kind === "list"
      commands.set(word, list ? itemsOf(part, "faults").map(faultOf) : faultOf(part))
    }
  }
  return {
    ...greeting !== undefined && { greeting: faultOf(greeting) },
    ...table !== undefined && { commands: Object.fromEntries(commands) }
  }
}
