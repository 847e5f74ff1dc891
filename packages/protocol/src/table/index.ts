// The table: every command that gpg-agent has in GnuPG 2.2, 2.4 and 2.5. A command that is not here is not sent.
import type { CommandSpec } from "../grammar/command.ts"
import { adminCommands } from "./admin.ts"
import { cardCommands, scdCommands } from "./card.ts"
import { changeCommands } from "./change.ts"
import { command } from "./define.ts"
import { listCommands } from "./list.ts"
import { gripgateCommands, ownCommands } from "./own.ts"
import { passphraseCommands } from "./passphrase.ts"
import { sessionCommands } from "./session.ts"
import { storeCommands, trustCommands } from "./store.ts"
import { useCommands } from "./use.ts"

/** OPTION stands in the table for documents; its words are in option.ts. */
const optionCommand = command("OPTION", "hold", "sets an option of the session", {
  mayBe: ["prompt", "loopback", "admin"]
})

/** Every command, family by family. */
export const commands: ReadonlyArray<CommandSpec> = [
  ...sessionCommands,
  optionCommand,
  ...listCommands,
  ...useCommands,
  ...passphraseCommands,
  ...changeCommands,
  ...trustCommands,
  ...cardCommands,
  ...storeCommands,
  ...adminCommands,
  ...ownCommands
]

const byName: ReadonlyMap<string, CommandSpec> = new Map(commands.map((spec) => [spec.name, spec]))
const scdByName: ReadonlyMap<string, CommandSpec> = new Map(scdCommands.map((spec) => [spec.name, spec]))

const gripgateByName: ReadonlyMap<string, CommandSpec> = new Map(gripgateCommands.map((spec) => [spec.name, spec]))

/** The agent compares exactly first and then without regard to the case of ASCII (libassuan assuan-handler.c). */
const lookUp = (table: ReadonlyMap<string, CommandSpec>, name: string): CommandSpec | undefined =>
  table.get(name) ?? table.get(name.replace(/[a-z]+/g, (letters) => letters.toUpperCase()))

/** The description of a command, by its name in any case. */
export const commandSpec = (name: string): CommandSpec | undefined => lookUp(byName, name)

/** The description of a command inside SCD. */
export const scdSpec = (name: string): CommandSpec | undefined => lookUp(scdByName, name)

/** The description of a word of GRIPGATE. */
export const gripgateSpec = (name: string): CommandSpec | undefined => lookUp(gripgateByName, name)
