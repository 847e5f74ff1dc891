// Commands that a session needs to speak at all, and those of the Assuan library that no client of an agent needs.
import type { CommandSpec } from "../grammar/command.ts"
import { rest, word } from "../grammar/field.ts"
import { command, optional } from "./define.ts"

const anything = [optional(rest("ANYTHING"))]

export const sessionCommands: ReadonlyArray<CommandSpec> = [
  command("NOP", "gate", "does nothing", { args: anything }),
  command("RESET", "gate", "forgets key, hash and description", { args: anything }),
  command("BYE", "gate", "ends the session", { args: anything }),
  command("HELP", "gate", "lists the commands", { args: [optional(word("COMMAND"))] }),
  command("CANCEL", "never", "reserved by Assuan; the agent does not implement it", { args: anything }),
  command("AUTH", "never", "reserved by Assuan; the agent does not implement it", { args: anything }),
  command("END", "never", "ends an answer, and there is none outside an inquiry", { args: anything }),
  command("D", "never", "data, and there is none outside an inquiry", { args: anything }),
  command("INPUT", "never", "makes the agent close one of its own files, even its listening socket", {
    args: anything
  }),
  command("OUTPUT", "never", "makes the agent close one of its own files, even its listening socket", {
    args: anything
  })
]
