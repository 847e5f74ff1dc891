// What a service is kept from, systemd.exec(5). The agent and its pinentry are children of the gate, so it holds for them too. What is
// left out is left out for a reason that stands here. Pure.
import type { UnitText } from "./quote.ts"

/**
 * What needs no right of its own, and so works in a user's systemd as well. No MemoryDenyWriteExecute=: Node compiles JavaScript to
 * machine code. A call that is filtered fails with EPERM instead of ending the process: libuv tries some calls and does
 * without them.
 */
const everywhere: ReadonlyArray<UnitText> = [
  "NoNewPrivileges=yes",
  "LimitCORE=0",
  "UMask=0077",
  "LockPersonality=yes",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
  "SystemCallErrorNumber=EPERM"
]

/**
 * For a user's unit. The families of the internet are for a pinentry on a display that ssh forwards, netlink for a card reader that
 * scdaemon finds by itself. File systems are not hidden: a user's systemd cannot, without a namespace of users in which nobody could
 * be told apart.
 */
export const userHardening: ReadonlyArray<UnitText> = [
  ...everywhere,
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallFilter=@system-service"
]

/**
 * For the system's unit. Left out:
 * PrivateUsers=, which would make every client the same nobody; ProtectProc= and ProcSubset=, which would hide the clients' units and
 * programs; RootDirectory=, since Node lies wherever it lies; IPAddressAllow= and the like, since there is no network at all.
 * chown(2) stays allowed: the gate gives its control socket to the group that the policy names.
 */
export const systemHardening: ReadonlyArray<UnitText> = [
  ...everywhere,
  "CapabilityBoundingSet=",
  "AmbientCapabilities=",
  "DevicePolicy=closed",
  "IPAddressDeny=any",
  "KeyringMode=private",
  "PrivateDevices=yes",
  "PrivateIPC=yes",
  "PrivateNetwork=yes",
  "PrivateTmp=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHome=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectSystem=strict",
  "RemoveIPC=yes",
  "RestrictAddressFamilies=AF_UNIX",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  "SystemCallFilter=@chown setrlimit prlimit64"
]
