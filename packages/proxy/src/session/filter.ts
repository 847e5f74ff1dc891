// What may not be used is not shown: looks through the answers that list keys, and cuts HAVEKEY down to visible ones.
import { decodeDataInto, encodeDataLines } from "@gripgate/protocol/escape"
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Command } from "@gripgate/protocol/grammar/command"
import { has } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { type Keygrip, keygripOf, parseKeygrip } from "@gripgate/protocol/keygrip"
import { errLine } from "@gripgate/protocol/reply"

type Visible = (keygrip: Keygrip) => boolean

const LF = 10
const GRIP = 20

/**
 * HAVEKEY for the visible keys only; `undefined` where none of them is. How many keys a list may have is not for the agent to
 * say, which would count hidden ones: `showVisible` does. Other commands come back as they are.
 */
export const narrow = (command: Command, visible: Visible): Command | undefined => {
  if (command.spec.name !== "HAVEKEY" && command.spec.name !== "KEYINFO") return command
  if (command.spec.name === "HAVEKEY" && has(command, "--list")) {
    return { ...command, options: new Map([["--list", ""]]) }
  }
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

const visibleGrips = (data: Buffer, visible: Visible): Array<Buffer> => {
  const kept: Array<Buffer> = []
  for (let at = 0; at + GRIP <= data.length; at += GRIP) {
    const item = data.subarray(at, at + GRIP)
    const grip = keygripOf(item)
    if (grip !== undefined && visible(grip)) kept.push(item)
  }
  return kept
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

/** The most keys that a list may have, as the client asked; the agent takes 0 and what is no number for no list at all. */
const mostKeys = (command: Command): number => Number(command.options.get("--list")) || Infinity

const TRUNCATED = errLine(gpgError.TRUNCATED)

/**
 * An answer that lists keys, without those that may not be seen: only visible ones are named, and counted. `asked` is the
 * command as the client sent it, `finalAt` where its last line begins.
 */
export const showVisible = (asked: Command, answer: Buffer, finalAt: number, visible: Visible): Buffer => {
  const lines = splitLines(answer.subarray(0, finalAt))
  const data = joinData(lines.filter(isData))
  const rest = lines.filter((line) =>
    !isData(line) && (line[0] !== 0x53 || isVisibleLine(line.toString("latin1"), visible))
  )
  const final = answer.subarray(finalAt)
  if (asked.spec.name !== "HAVEKEY") return Buffer.concat([encodeDataLines(visibleInfo(data, visible)), ...rest, final])
  const grips = visibleGrips(data, visible)
  const most = mostKeys(asked)
  const shown = encodeDataLines(Buffer.concat(grips.slice(0, most)))
  // an agent says so too (GnuPG agent/command.c cmd_havekey)
  return Buffer.concat([shown, ...rest, grips.length > most ? TRUNCATED : final])
}
