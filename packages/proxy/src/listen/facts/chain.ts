// Who called whom: from the client up to the leader of its session, and which program of them it is that uses the keys.
import type { ProcessFacts } from "@gripgate/policy/client/facts"
import { posix } from "node:path"
import type { Processes, Stat } from "./process.ts"

/** Processes of a chain, the client among them. */
export const MAX_CHAIN = 16

/** A chain, and the leader of the session where it goes up to that one. */
export interface Chain {
  readonly chain: ReadonlyArray<ProcessFacts>
  readonly leader?: { readonly pid: number; readonly started: number }
}

/**
 * The chain of a client whose own `exe` and `stat` are known. It ends with the leader of the client's session, and where a
 * parent belongs to another session: it has nothing to do with the client but that it waits for orphans.
 */
export const chainOf = (
  pid: number,
  exe: string | undefined,
  stat: Stat,
  { exe: exeOf, stat: statOf }: Pick<Processes, "exe" | "stat">
): Chain => {
  const chain = [link(pid, exe)]
  let child = stat
  let last = pid
  while (chain.length < MAX_CHAIN && last !== stat.session) {
    const parent = child.parent
    if (parent <= 0 || chain.some((known) => known.pid === parent)) break
    // in this order: if the pid has gone to another process by the time of the one or the other, the other is too young
    const program = exeOf(parent)
    const its = statOf(parent)
    if (its === undefined || its.started > child.started || its.session !== stat.session) break
    chain.push(link(parent, program))
    child = its
    last = parent
  }
  // a session of number 0 has its leader where this process cannot see him
  return last === stat.session && last > 0 ? { chain, leader: { pid: last, started: child.started } } : { chain }
}

const link = (pid: number, exe: string | undefined): ProcessFacts => exe === undefined ? { pid } : { pid, exe }

/** GnuPG's own programs, and those of gpgme: they use keys for whoever called them. */
const helpers: ReadonlySet<string> = new Set([
  "dirmngr",
  "dirmngr-client",
  "g13",
  "gpg",
  "gpg-agent",
  "gpg-auth",
  "gpg-card",
  "gpg-check-pattern",
  "gpg-connect-agent",
  "gpg-mail-tube",
  "gpg-pair-tool",
  "gpg-preset-passphrase",
  "gpg-protect-tool",
  "gpg-wks-client",
  "gpg-wks-server",
  "gpg-zip",
  "gpg1",
  "gpg2",
  "gpgconf",
  "gpgme-json",
  "gpgme-tool",
  "gpgparsemail",
  "gpgsm",
  "gpgsplit",
  "gpgtar",
  "gpgv",
  "gpgv2",
  "keyboxd",
  "scdaemon"
])

/**
 * The path of the first program that is not one of GnuPG's own; the client's where all are. It is not looked for beyond a
 * process whose program is not known: that one may be the caller.
 */
export const programOf = (chain: ReadonlyArray<ProcessFacts>): string | undefined => {
  const caller = chain.find(({ exe }) => exe === undefined || !helpers.has(posix.basename(exe)))
  return caller === undefined ? chain[0]?.exe : caller.exe
}
