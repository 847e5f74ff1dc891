// What is known of a client. The kernel vouches for some facts; the others are what the client shows, and a process of the
// same user can show the same.

import type { FactName } from "./match.ts"

/** One process of the chain from the client up to the leader of its session. */
export interface ProcessFacts {
  readonly pid: number
  /** The path of the program; absent where the system does not tell. */
  readonly exe?: string
}

/**
 * The facts of one client, as they were when it connected. A fact that is absent matches nothing; where it is among `unread`
 * it may have been any.
 */
export interface ClientFacts {
  /** The path of the socket that it connected to. */
  readonly socket: string
  readonly pid?: number
  /** When this process started, in clock ticks since the machine did: with the pid it names one process. */
  readonly started?: number
  readonly uid?: number
  readonly gid?: number
  /** Supplementary groups. */
  readonly groups?: ReadonlyArray<number>
  /** The label of a security module (SO_PEERSEC). */
  readonly label?: string
  /** The path below the root of cgroup v2. */
  readonly cgroup?: string
  /** The systemd unit: `mailpile.service`. */
  readonly unit?: string
  /** The unit of the user's own systemd. */
  readonly userUnit?: string
  /** `docker:ID`, `podman:ID`, `lxc:NAME` or `machine:NAME`. */
  readonly container?: string
  readonly flatpak?: string
  readonly snap?: string
  readonly exe?: string
  /** The words of the command line with a blank between them. Read only where a rule in force wants it. */
  readonly cmdline?: string
  readonly cwd?: string
  /** The client first, then its parents, up to the leader of its session. */
  readonly chain: ReadonlyArray<ProcessFacts>
  /** The leader of its session, a shell of a terminal or a service: for whom a yes for a while is good. */
  readonly leader?: { readonly pid: number; readonly started: number }
  /** Facts that could not be read: the client has ended, or hides them. */
  readonly unread?: ReadonlyArray<FactName>
  /** The path of the first program of the chain that is not one of GnuPG's own: whoever called gpg. */
  readonly program?: string
  /** What brought the client here, where it is not a process that connected by itself. */
  readonly via?: Transport
  /** Where it is, as the transport says: `192.0.2.7`, or `SHA256:...@192.0.2.7` with the key that it showed. */
  readonly remote?: string
  /** The qube that it is in, as qrexec says. */
  readonly qube?: string
  /** The app that the transport names; a client of qrexec may have chosen it. */
  readonly named?: string
}

/** What brings clients of elsewhere: OpenSSH, qrexec of Qubes, or `gripgate connect` for whatever else started it. */
export const transports = ["ssh", "qrexec", "connect"] as const

export type Transport = typeof transports[number]

/**
 * `kernel`: nothing that the client does changes it. `transport`: it is what sshd or qrexec says. `advisory`: a process of the
 * same user can imitate it.
 */
export type Strength = "kernel" | "transport" | "advisory"
