// Commands that make, move, change or delete keys.
import type { CommandSpec } from "../grammar/command.ts"
import { has } from "../grammar/command.ts"
import { isotime, keygrip, word } from "../grammar/field.ts"
import { arg, command, flag, optional, protecting, secretData, unlocking, valued } from "./define.ts"

const nonce = word("NONCE")
const cacheNonce = valued("--cache-nonce", nonce)
const passwdNonce = valued("--passwd-nonce", nonce)
const timestamp = valued("--timestamp", isotime)

export const changeCommands: ReadonlyArray<CommandSpec> = [
  command("GENKEY", "agent", "makes a key; with --preset its passphrase is in the cache, to be read", {
    is: (parsed) => has(parsed, "--preset") ? ["generate", "cache"] : ["generate"],
    mayBe: ["generate", "cache"],
    changes: true,
    options: [flag("--no-protection"), flag("--preset"), timestamp, flag("--inq-passwd"), passwdNonce],
    args: [optional(nonce)],
    inquiries: [
      { keyword: "KEYPARAM", grammar: "keyparam", limit: 1024 },
      secretData("NEWPASSWD", 256),
      ...protecting
    ],
    status: ["PROGRESS", "CACHE_NONCE", "PASSWD_NONCE", "KEYGRIP"]
  }),
  command("PASSWD", "agent", "changes the passphrase of a key; with --verify only checks it", {
    is: (
      parsed
    ) => [has(parsed, "--verify") ? "generate" : "passwd", ...has(parsed, "--preset") ? ["cache" as const] : []],
    mayBe: ["passwd", "generate", "cache"],
    keys: "use",
    changes: true,
    options: [cacheNonce, passwdNonce, flag("--preset"), flag("--verify")],
    args: [arg(keygrip)],
    inquiries: protecting,
    status: ["CACHE_NONCE", "PASSWD_NONCE", "KEYGRIP", "PROGRESS"]
  }),
  command("KEYWRAP_KEY", "agent", "returns the key under which keys travel", {
    is: (parsed) => has(parsed, "--import") ? ["import"] : ["export"],
    mayBe: ["import", "export"],
    options: [flag("--clear"), flag("--import"), flag("--export")],
    check: (parsed) =>
      has(parsed, "--import") === has(parsed, "--export") ? "KEYWRAP_KEY needs --import or --export" : undefined,
    secretData: true
  }),
  command("IMPORT_KEY", "agent", "stores a key; with --force over one that exists", {
    is: (parsed) => has(parsed, "--force") ? ["import", "delete"] : ["import"],
    mayBe: ["import", "delete"],
    changes: true,
    options: [flag("--unattended"), flag("--force"), timestamp],
    args: [optional(nonce)],
    inquiries: [secretData("KEYDATA", 8192), ...protecting],
    status: ["CACHE_NONCE", "PROGRESS"]
  }),
  command("EXPORT_KEY", "agent", "returns a secret key", {
    is: "export",
    keys: "use",
    changes: true,
    options: [cacheNonce, flag("--openpgp"), flag("--mode1003", "2.4.0")],
    args: [arg(keygrip)],
    inquiries: protecting,
    status: ["CACHE_NONCE", "PROGRESS"],
    secretData: true
  }),
  command("DELETE_KEY", "agent", "deletes a key; with --force without asking", {
    is: "delete",
    keys: "use",
    changes: true,
    options: [flag("--force"), flag("--stub-only")],
    args: [arg(keygrip)],
    inquiries: unlocking,
    status: ["PROGRESS"]
  })
]
