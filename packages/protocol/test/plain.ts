// Parsed commands as plain data, so that tests can compare them: text stays text, bytes say that they are.
import type { Command } from "../src/grammar/command.ts"
import type { Value } from "../src/grammar/field.ts"
import { parseRequest, type Request } from "../src/request.ts"

export const latin1 = (text: string): Buffer => Buffer.from(text, "latin1")

type PlainValue = string | { readonly bytes: string }

export interface Plain {
  readonly name: string
  readonly options: Record<string, PlainValue>
  readonly args: ReadonlyArray<PlainValue>
  readonly inner?: Plain
}

const plainValue = (value: Value): PlainValue => typeof value === "string" ? value : { bytes: value.toString("latin1") }

export const plain = (command: Command): Plain => ({
  name: command.spec.name,
  options: Object.fromEntries([...command.options].map(([name, value]) => [name, plainValue(value)])),
  args: command.args.map(plainValue),
  ...(command.inner === undefined ? {} : { inner: plain(command.inner) })
})

/** A value as it stands on the wire. */
export const valueText = (value: Value): string => typeof value === "string" ? value : value.toString("latin1")

/** Parses a line given as text, one character a byte. */
export const request = (line: string): Request => parseRequest(latin1(line))

/** The command that a line is. Throws where it is none. */
export const command = (line: string): Command => {
  const parsed = request(line)
  if (parsed.kind === "command") return parsed.command
  throw new Error(`expected a command, got ${parsed.kind}${"reason" in parsed ? `: ${parsed.reason}` : ""}: ${line}`)
}
