// Commands that hand out, take or ask for passphrases, and questions to the owner.
import type { Command, CommandSpec } from "../grammar/command.ts"
import { has } from "../grammar/command.ts"
import { choice, escapedText, isKeygrip, number, secretHex, word } from "../grammar/field.ts"
import type { Operation } from "../operation.ts"
import { arg, command, CONFIRM, flag, optional, PASSPHRASE, PINENTRY_LAUNCHED, secretData, valued } from "./define.ts"

/** A cache id of 40 hexadecimal digits may be a key's, whose entry is that key's passphrase. */
const namesKey = (parsed: Command): boolean => isKeygrip(String(parsed.args[0]).toUpperCase())

const getPassphrase = (parsed: Command): ReadonlyArray<Operation> =>
  has(parsed, "--no-ask") ? ["cache"] : namesKey(parsed) ? ["passphrase", "cache"] : ["passphrase"]

/** The agent takes 50 bytes (GnuPG agent/command.c cmd_get_passphrase). */
const cacheId = word("CACHEID", 50)

export const passphraseCommands: ReadonlyArray<CommandSpec> = [
  command("GET_PASSPHRASE", "agent", "asks the owner for a passphrase, or the cache, and returns it in clear", {
    is: getPassphrase,
    mayBe: ["passphrase", "cache"],
    keys: "use",
    options: [
      flag("--data"),
      flag("--check"),
      flag("--no-ask"),
      { name: "--repeat", value: number("COUNT"), bare: true, bareMeans: "1" },
      flag("--qualitybar"),
      flag("--newsymkey")
    ],
    args: [arg(cacheId), arg(escapedText("ERROR")), arg(escapedText("PROMPT")), arg(escapedText("DESCRIPTION"))],
    inquiries: [PINENTRY_LAUNCHED, PASSPHRASE],
    secretOk: true,
    secretData: true
  }),
  command("GET_CONFIRMATION", "agent", "asks the owner yes or no", {
    is: "passphrase",
    args: [arg(escapedText("DESCRIPTION"))],
    inquiries: [PINENTRY_LAUNCHED, CONFIRM]
  }),
  command("PRESET_PASSPHRASE", "agent", "puts a passphrase in the cache", {
    is: "cache",
    keys: "use",
    options: [flag("--inquire"), flag("--restricted", "2.4.1")],
    // the agent takes no other time, and what follows these two characters for the passphrase (cmd_preset_passphrase)
    args: [arg(cacheId), arg(choice("-1")), optional(secretHex("HEXPASSPHRASE", 480))],
    inquiries: [secretData("PASSPHRASE", 480)]
  }),
  command("CLEAR_PASSPHRASE", "agent", "takes a passphrase out of the cache, for every client", {
    is: "cache",
    keys: "use",
    options: [valued("--mode", choice("normal", "ssh"))],
    args: [arg(cacheId)],
    inquiries: [PINENTRY_LAUNCHED]
  })
]
