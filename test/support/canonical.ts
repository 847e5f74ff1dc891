// What an agent may get to see of a gate: commands as the canonical writer makes them, options, and answers in D lines with
// three escapes. Judged twice, by the writer itself and by rules of this file that know nothing of it.
import { assert } from "@effect/vitest"
import { decodeData, encodeDataLines } from "@gripgate/protocol/escape"
import { parseRequest, writeOption, writeRequest } from "@gripgate/protocol/request"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"

const LF = Buffer.from("\n")

/** What the protocol package would have written for this line. */
const writtenAnew = (line: Buffer): Buffer | undefined => {
  const request = parseRequest(line)
  if (request.kind === "command") return writeRequest(request.command)
  return request.kind === "option" ? writeOption(request.option.name, request.value) : undefined
}

/** Commands whose last argument is a text of somebody else's, in which blanks may stand as they like. */
const freeText = /^(?:MARKTRUSTED|PUTVAL|PUT_SECRET|KEYATTR|SCD SETATTR|OPTION) /

/** The keygrips of a line. Cache ids of 40 digits are none, and keep their case: the agent looks at it. */
const keygripsOf = new RegExp(
  "^(?:SIGKEY|SETKEY|HAVEKEY|KEYINFO|PASSWD|EXPORT_KEY|DELETE_KEY|KEYTOCARD|KEYTOTPM|KEYATTR)"
    + "(?: --[^ ]*)*((?: [0-9A-Fa-f]{40})*)(?= |$)"
)

const commandFault = (line: Buffer): string | undefined => {
  const text = line.toString("latin1")
  if (!/^[A-Z_]+(?: |$)/.test(text)) return "the command is not in upper case, or not alone before a blank"
  if (/[\0\r]/.test(text)) return "a NUL or a CR"
  if (!freeText.test(text) && /\t| $| {2}/.test(text)) return "blanks that are not single"
  const [, grips = ""] = keygripsOf.exec(text) ?? []
  if (/[a-f]/.test(grips)) return "a keygrip in lower case"
  if (line.length > 1000) return "a line of more than 1000 bytes"
  const anew = writtenAnew(line)
  if (anew === undefined) return "the gate itself would not take this line"
  return anew.equals(Buffer.concat([line, LF])) ? undefined : `the writer makes ${anew.toString("latin1")} of it`
}

const answerFault = (line: Buffer): string | undefined => {
  const text = line.toString("latin1")
  if (text === "END" || text === "CAN") return undefined
  if (!text.startsWith("D ") || text.length === 2) return "neither D with data nor END nor CAN"
  if (text.includes("\r")) return "a raw CR"
  if (text.replaceAll(/%(?:25|0D|0A)/g, "").includes("%")) return "an escape that libassuan does not write"
  if (line.length > 1000) return "a line of more than 1000 bytes"
  const data = decodeData(line.subarray(2))
  const anew = data === undefined ? undefined : encodeDataLines(data)
  return anew?.equals(Buffer.concat([line, LF])) ? undefined : "not as the encoder writes it"
}

/** What is wrong with all that an agent received: nothing, where the gate keeps its promise. */
export const foreignLines = (agent: FakeAgent): ReadonlyArray<string> =>
  agent.connections.flatMap((connection) => {
    const commands = [...connection.commands]
    const faults: Array<string> = []
    for (const line of connection.lines()) {
      const isCommand = line.toString("latin1") === commands[0]
      if (isCommand) commands.shift()
      // what the agent has not looked at yet may be either
      const fault = isCommand ? commandFault(line) : answerFault(line) && commandFault(line)
      if (fault !== undefined) faults.push(`${JSON.stringify(line.toString("latin1"))}: ${fault}`)
    }
    const received = connection.received()
    if (received.length > 0 && received.at(-1) !== 0x0a) faults.push("an unfinished line at the end")
    return faults
  })

/** No byte reached the agent as a client spelled it, and nothing that would have hurt a real one. */
export const assertCanonical = (agent: FakeAgent): void => {
  assert.deepStrictEqual(foreignLines(agent), [])
  assert.deepStrictEqual(agent.hazards(), [])
}
