// Commands that show keys.
import type { CommandSpec } from "../grammar/command.ts"
import { has } from "../grammar/command.ts"
import { choice, isKeygrip, keygrip, keygripOrCardKey, number, word } from "../grammar/field.ts"
import { arg, command, flag, optional, valued } from "./define.ts"

export const listCommands: ReadonlyArray<CommandSpec> = [
  command("HAVEKEY", "agent", "says whether one of the keys exists, or lists the keygrips of all", {
    is: "list",
    keys: "ask",
    options: [
      { name: "--list", value: number("COUNT"), bare: true, since: "2.3.0" },
      flag("--info", "2.4.4")
    ],
    args: [{ field: keygrip, optional: true, repeated: true }],
    check: (parsed) =>
      has(parsed, "--list") === (parsed.args.length === 0) && !(has(parsed, "--info") && parsed.args.length !== 1)
        ? undefined
        : "HAVEKEY needs KEYGRIP, or --list",
    status: ["KEYFILEINFO"]
  }),
  command("KEYINFO", "agent", "tells type, protection and cache state of a key or of all", {
    is: "list",
    keys: "ask",
    options: [
      flag("--list"),
      flag("--ssh-list"),
      flag("--data"),
      { name: "--ssh-fpr", value: choice("md5", "sha1", "sha256"), bare: true },
      flag("--with-ssh"),
      valued("--need-attr", word("NAME", 40), "2.3.8")
    ],
    args: [optional(keygrip)],
    check: (parsed) =>
      (has(parsed, "--list") || has(parsed, "--ssh-list")) === (parsed.args.length === 0)
        ? undefined
        : "KEYINFO needs KEYGRIP, or --list",
    status: ["KEYINFO"]
  }),
  command("READKEY", "agent", "returns a public key", {
    is: (parsed) => has(parsed, "--card") ? ["list", "card"] : ["list"],
    mayBe: ["list", "card"],
    keys: "use",
    options: [flag("--no-data"), flag("--card"), valued("--format", choice("ssh"), "2.3.0")],
    args: [arg(keygripOrCardKey)],
    check: (parsed) => has(parsed, "--card") || isKeygrip(parsed.args[0]!) ? undefined : "READKEY needs KEYGRIP",
    status: ["KEYINFO", "PROGRESS"]
  })
]
