// Everything that the doctor can say, by its name, and how serious it is. Names are stable: programs and docs/doctor.md rest on them.

/**
 * `ok` is as it should be; `note` is worth knowing; `danger` is a way around the gate, or a weakness, that this set-up cannot close;
 * `wrong` does not work, or does not hold, as it is meant to.
 */
export type Level = "ok" | "note" | "danger" | "wrong"

export const levels = {
  "installed.node": "ok",
  "installed.gnupg": "ok",
  "installed.gnupg-missing": "wrong",
  "installed.gnupg-old": "wrong",
  "installed.gnupg-new": "note",
  "installed.gnupg-mixed": "note",
  "installed.native": "ok",
  "installed.native-missing": "wrong",
  "installed.bwrap": "ok",
  "installed.bwrap-missing": "note",
  "installed.bwrap-broken": "note",
  "installed.systemd": "ok",

  "policy.loaded": "ok",
  "policy.none": "note",
  "policy.hidden": "ok",
  "policy.unusable": "wrong",
  "policy.refuses": "wrong",
  "policy.warning": "note",
  "policy.advisory": "danger",
  "policy.writable": "wrong",

  "gate.answers": "ok",
  "gate.none": "note",
  "gate.not-permitted": "note",
  "gate.silent": "wrong",
  "gate.stale": "note",
  "gate.locked": "wrong",
  "gate.version": "note",
  "gate.policy": "note",
  "gate.socket": "ok",
  "gate.socket-missing": "wrong",
  "gate.socket-taken": "wrong",
  "gate.socket-open": "note",
  "gate.not-served": "wrong",

  "agent.unknown": "wrong",
  "agent.redirect": "wrong",
  "agent.runs": "ok",
  "agent.gate": "ok",
  "agent.none": "ok",
  "agent.activated": "ok",
  "agent.stale": "note",
  "agent.denied": "note",
  "agent.no-socket": "wrong",
  "agent.silent": "wrong",
  "agent.foreign": "wrong",
  "agent.elsewhere": "note",
  "agent.around": "wrong",
  "agent.left": "wrong",

  "bypass.closed": "ok",
  "bypass.agent": "danger",
  "bypass.extra": "danger",
  "bypass.browser": "danger",
  "bypass.ssh": "danger",
  "bypass.keys": "danger",
  "bypass.policy": "danger",
  "bypass.state": "danger",
  "bypass.control": "danger",
  "bypass.ways": "note",

  "homes.none": "ok",
  "homes.good": "ok",
  "homes.mark": "wrong",
  "homes.autostart": "wrong",
  "homes.no-redirect": "wrong",
  "homes.elsewhere": "wrong",
  "homes.dead": "wrong",
  "homes.open": "wrong",
  "homes.private-keys": "wrong",
  "homes.own-keys": "note",
  "homes.old-keys": "note",

  "pinentry.found": "ok",
  "pinentry.missing": "wrong",
  "pinentry.unknown": "wrong",
  "pinentry.place": "ok",
  "pinentry.no-place": "note",

  "options.fine": "ok",
  "options.unreadable": "note",
  "options.no-loopback": "note",
  "options.no-loopback-tokens": "wrong",
  "options.preset": "note",
  "options.ssh": "note",

  "permissions.fine": "ok",
  "permissions.owner": "wrong",
  "permissions.open": "wrong",
  "permissions.socket-folder": "wrong",
  "permissions.long": "wrong",

  "environment.fine": "ok",
  "environment.no-homedir": "wrong",
  "environment.agent-info": "wrong",
  "environment.ssh": "danger",

  "units.fine": "ok",
  "units.gone": "wrong",
  "units.conflict": "wrong",

  "client.reaches": "ok",
  "client.keys": "ok",
  "client.no-keys": "note",
  "client.other": "wrong",
  "client.no-gate": "wrong",

  "doctor.failed": "wrong",
  "doctor.late": "wrong"
} as const satisfies Readonly<Record<string, Level>>

export type FindingId = keyof typeof levels

/** The families in the order in which they are told. */
export const families = [
  "installed",
  "policy",
  "gate",
  "agent",
  "bypass",
  "homes",
  "pinentry",
  "options",
  "permissions",
  "environment",
  "units",
  "client",
  "doctor"
] as const

export type Family = typeof families[number]

export const familyOf = (id: FindingId): Family => id.slice(0, id.indexOf(".")) as Family
