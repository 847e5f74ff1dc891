// What may not be used is not shown: looks through the answers that list keys, and cuts HAVEKEY down to visible ones.
import { decodeDataInto, encodeDataLines } from "@gripgate/protocol/escape"
import type { Command } from "@gripgate/protocol/grammar/command"
import { has } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { type Keygrip, keygripOf, parseKeygrip } from "@gripgate/protocol/keygrip"

type Visible = (keygrip: Keygrip) => boolean

const LF = 10
const GRIP = 20

/** HAVEKEY for the visible keys only; `undefined` where none of them is. Other commands come back as they are. */
export const narrow = (command: Command, visible: Visible): Command | undefined => {
  if (command.spec.name !== "HAVEKEY" && command.spec.name !== "KEYINFO") return command
  if (command.args.length === 0) return command
  const args = command.args.filter((value) => isKeygrip(value) && visible(value))
  return args.length === 0 ? undefined : { ...command, args }
}

/** Whether the answer to a command names keys that may have to be left out. */
export const listsKeys = (command: Command): boolean =>
  (command.spec.name === "HAVEKEY" && has(command, "--list"))
  || (command.spec.name === "KEYINFO" && command.args.length === 0)

const splitLines = (bytes: Buffer): Array<Buffer> => {
  const lines: Array<Buffer> = []
  for (let from = 0; from < bytes.length;) {
    const stop = bytes.indexOf(LF, from)
    const to = stop < 0 ? bytes.length : stop + 1
    lines.push(bytes.subarray(from, to))
    from = to
  }
  return lines
}

const isData = (line: Buffer): boolean => line[0] === 0x44 && line[1] === 0x20

/** The bytes of all D lines together: items of 20 bytes may be split across lines. */
const joinData = (lines: ReadonlyArray<Buffer>): Buffer => {
  const data = Buffer.allocUnsafeSlow(lines.reduce((sum, line) => sum + line.length, 0))
  let length = 0
  for (const line of lines) length = Math.max(length, decodeDataInto(line.subarray(2, line.length - 1), data, length))
  return data.subarray(0, length)
}

const visibleGrips = (data: Buffer, visible: Visible): Buffer => {
  const kept: Array<Buffer> = []
  for (let at = 0; at + GRIP <= data.length; at += GRIP) {
    const item = data.subarray(at, at + GRIP)
    const grip = keygripOf(item)
    if (grip !== undefined && visible(grip)) kept.push(item)
  }
  return Buffer.concat(kept)
}

/** `KEYINFO <grip> ...`, as a status line has it and a line of `--data` too. */
const namedGrip = (text: string): Keygrip | undefined =>
  parseKeygrip(/^(?:S )?KEYINFO ([0-9A-Fa-f]{40}) /.exec(text)?.[1] ?? "")

const isVisibleLine = (text: string, visible: Visible): boolean => {
  const grip = namedGrip(text)
  return grip !== undefined && visible(grip)
}

const visibleInfo = (data: Buffer, visible: Visible): Buffer =>
  Buffer.concat(splitLines(data).filter((line) => isVisibleLine(line.toString("latin1"), visible)))

/** The lines of an answer that lists keys, without those that may not be seen. Only visible ones have to be named. */
export const showVisible = (command: Command, answer: Buffer, visible: Visible): Buffer => {
  const lines = splitLines(answer)
  const data = joinData(lines.filter(isData))
  const shown = command.spec.name === "HAVEKEY" ? visibleGrips(data, visible) : visibleInfo(data, visible)
  const rest = lines.filter((line) =>
    !isData(line) && (line[0] !== 0x53 || isVisibleLine(line.toString("latin1"), visible))
  )
  return Buffer.concat([encodeDataLines(shown), ...rest])
}
