// Users and groups by name, as the system knows them: from its files, and from getent where a name is in none (LDAP, SSSD).
// For the load of a policy, not for a connection.
import type { Accounts } from "@gripgate/policy/client/accounts"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { withoutToken } from "./owner/place.ts"

/** Milliseconds that a directory service gets to answer. */
const TIMEOUT = 2_000

interface SystemAccounts extends Accounts {
  readonly userName: (uid: number) => string | undefined
}

/** `name:x:number:...`: the lines of passwd(5) and group(5). */
const numbersIn = (text: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":")
    if (name && number !== undefined && /^\d{1,10}$/.test(number) && !found.has(name)) found.set(name, Number(number))
  }
  return found
}

const read = (file: string): ReadonlyMap<string, number> => {
  try {
    return numbersIn(readFileSync(file, "utf8"))
  } catch {
    return new Map()
  }
}

const getent = (database: "passwd" | "group", name: string): number | undefined => {
  // what could be an option, or more than a name, is nobody's
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,255}\$?$/.test(name)) return undefined
  const { status, stdout } = spawnSync("getent", [database, name], {
    env: withoutToken(process.env),
    timeout: TIMEOUT,
    stdio: ["ignore", "pipe", "ignore"]
  })
  return status === 0 ? numbersIn(stdout.toString("utf8")).values().next().value : undefined
}

/** The accounts as they are now. */
export const systemAccounts = (): SystemAccounts => {
  const users = read("/etc/passwd")
  const groups = read("/etc/group")
  const names = new Map<number, string>()
  // the first line of a number is its name
  for (const [name, uid] of users) if (!names.has(uid)) names.set(uid, name)
  return {
    uid: (name) => users.get(name) ?? getent("passwd", name),
    gid: (name) => groups.get(name) ?? getent("group", name),
    userName: (uid) => names.get(uid)
  }
}
