// Commands about the agent itself.
import type { CommandSpec } from "../grammar/command.ts"
import { word } from "../grammar/field.ts"
import { command } from "./define.ts"
import { getinfoIs } from "./getinfo.ts"

export const adminCommands: ReadonlyArray<CommandSpec> = [
  command("GETEVENTCOUNTER", "agent", "counts changes of keys and cards", { is: "admin", status: ["EVENTCOUNTER"] }),
  command("UPDATESTARTUPTTY", "agent", "moves the prompts for ssh to this session", { is: "admin" }),
  command("KILLAGENT", "agent", "stops the agent", { is: "admin" }),
  command("RELOADAGENT", "agent", "empties the cache and reads the configuration again", { is: "admin" }),
  command("GETINFO", "agent", "tells about the agent", {
    is: getinfoIs,
    mayBe: ["list", "admin"],
    args: [{ field: word("WHAT", 40) }, { field: word("COMMAND", 40), optional: true }, {
      field: word("OPTION", 40),
      optional: true
    }],
    check: (parsed) => getinfoIs(parsed).length === 0 ? "GETINFO: unknown value for WHAT" : undefined
  })
]
