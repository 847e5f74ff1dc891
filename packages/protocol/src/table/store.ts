// The trust list and the agent's stores, which every client shares.
import type { CommandSpec } from "../grammar/command.ts"
import { choice, fingerprint, integer, keygrip, rest, secretRest, word } from "../grammar/field.ts"
import { arg, command, flag, optional, PINENTRY_LAUNCHED, secretData } from "./define.ts"

const key = word("NAME", 100)

export const trustCommands: ReadonlyArray<CommandSpec> = [
  command("ISTRUSTED", "agent", "tells whether a root certificate is trusted", {
    is: "list",
    args: [arg(fingerprint)],
    status: ["TRUSTLISTFLAG"]
  }),
  command("LISTTRUSTED", "agent", "lists the trusted root certificates", {
    is: "trust",
    options: [flag("--status", "2.5.2")],
    status: ["TRUSTLISTFPR", "TRUSTLISTFLAG"]
  }),
  command("MARKTRUSTED", "agent", "asks the owner to trust a root certificate", {
    is: "trust",
    changes: true,
    args: [arg(fingerprint), arg(choice("S", "P")), arg(rest("NAME"))],
    inquiries: [PINENTRY_LAUNCHED]
  })
]

export const storeCommands: ReadonlyArray<CommandSpec> = [
  command("GETVAL", "agent", "reads a value that clients share", { is: "store", args: [arg(key)] }),
  command("PUTVAL", "agent", "stores a value that clients share", {
    is: "store",
    changes: true,
    args: [arg(key), optional(rest("VALUE"))]
  }),
  command("GET_SECRET", "agent", "reads a secret that clients share", {
    is: "store",
    args: [arg(key)],
    secretOk: true,
    secretData: true,
    since: "2.3.0"
  }),
  command("PUT_SECRET", "agent", "stores a secret that clients share", {
    is: "store",
    changes: true,
    options: [flag("--clear")],
    args: [arg(key), optional(integer("TTL")), optional(secretRest("SECRET"))],
    inquiries: [secretData("SECRET", 4096)],
    since: "2.3.0"
  }),
  command("KEYATTR", "agent", "reads or writes what the agent notes about a key", {
    is: "store",
    keys: "use",
    options: [flag("--delete")],
    args: [arg(keygrip), arg(word("NAME:", 60)), optional(rest("VALUE"))],
    changes: true,
    // the agent refuses this name in one spelling, and looks names up in any (GnuPG agent/command.c, common/name-value.c)
    check: (parsed) => /^key:?$/i.test(String(parsed.args[1])) ? "KEYATTR: the key itself is no attribute" : undefined,
    since: "2.3.7"
  })
]
