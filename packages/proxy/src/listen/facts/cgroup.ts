// What the name of a cgroup says: the unit, the container, the snap. Pure. The kernel writes these paths as the reader sees
// them, so a client's own cgroup namespace changes nothing.

/** What the text of /proc/PID/cgroup tells. */
export interface CgroupFacts {
  readonly cgroup?: string
  readonly unit?: string
  readonly userUnit?: string
  readonly container?: string
  readonly snap?: string
  /** The application that systemd's scope is named after; whoever starts a scope of his own chooses its name. */
  readonly flatpak?: string
}

/**
 * Reads /proc/PID/cgroup (cgroups(7)). Where systemd has a hierarchy of its own (v1) that one counts, else the one of v2.
 * The cgroup of a process that has ended, and one above our own namespace, say nothing more than their path.
 */
export const parseCgroup = (text: string): CgroupFacts => {
  const cgroup = pathIn(text)
  if (cgroup === undefined) return {}
  const names = cgroup.split("/").filter((name) => name !== "")
  const facts: { -readonly [K in keyof CgroupFacts]: CgroupFacts[K] } = { cgroup }
  const [at, unit] = unitFrom(names, 0)
  if (unit !== undefined) facts.unit = unit
  const userUnit = unit !== undefined && /^user@\d{1,10}\.service$/.test(unit) ? unitFrom(names, at + 1)[1] : undefined
  if (userUnit !== undefined) facts.userUnit = userUnit
  const container = containerOf(names)
  if (container !== undefined) facts.container = container
  const snap = snapOf(unit) ?? snapOf(userUnit)
  if (snap !== undefined) facts.snap = snap
  const flatpak = userUnit === undefined ? undefined : /^app-flatpak-(.+)-\d+\.scope$/.exec(userUnit)?.[1]
  if (flatpak !== undefined) facts.flatpak = unescape(flatpak)
  return facts
}

const DELETED = " (deleted)"

const pathIn = (text: string): string | undefined => {
  let unified: string | undefined
  let own: string | undefined
  for (const line of text.split("\n")) {
    const first = line.indexOf(":")
    const second = line.indexOf(":", first + 1)
    if (second < 0) continue
    const controllers = line.slice(first + 1, second)
    if (controllers === "name=systemd") own = line.slice(second + 1)
    else if (controllers === "" && line.slice(0, first) === "0") unified = line.slice(second + 1)
  }
  const path = own ?? unified
  return path === undefined || !path.startsWith("/") || path.endsWith(DELETED) ? undefined : path
}

const KINDS = "service|scope|slice|socket|mount|automount|swap|target|device|timer|path"

// systemd's unit_name_is_valid: a template without an instance is no unit
const UNIT = new RegExp(`^[A-Za-z0-9:_.\\\\-]+(?:@[A-Za-z0-9:_.\\\\@-]+)?\\.(?:${KINDS})$`)

const MAX_UNIT = 255

/**
 * The unit by the rule of sd_pid_get_unit: the first name that is no slice, and nothing further down, because what is below
 * a unit may be named by whoever the unit is. A name that could be one of the kernel's has an underscore before it.
 */
const unitFrom = (names: ReadonlyArray<string>, start: number): readonly [at: number, unit: string | undefined] => {
  for (let at = start; at < names.length; at++) {
    const name = (names[at] ?? "").replace(/^_/, "")
    if (name.length > MAX_UNIT || !UNIT.test(name)) return [at, undefined]
    if (!name.endsWith(".slice")) return [at, name]
  }
  return [names.length, undefined]
}

const ID = /^[0-9a-f]{64}$/

/** The outermost container: the one that this machine made. */
const containerOf = (names: ReadonlyArray<string>): string | undefined => {
  for (const [at, name] of names.entries()) {
    const found = containerAt(name, names[at - 1], names[at + 1])
    if (found !== undefined) return found
  }
  return undefined
}

const containerAt = (name: string, above: string | undefined, below: string | undefined): string | undefined => {
  // docker with systemd as its driver of cgroups, and with its own
  const docker = /^docker-([0-9a-f]{64})\.scope$/.exec(name)?.[1]
  if (docker !== undefined) return `docker:${docker}`
  if (above === "docker" && ID.test(name)) return `docker:${name}`
  // `payload` in a service that podman runs in; conmon, which watches from outside, is in libpod-conmon-ID
  const podman = /^libpod-(?:payload-)?([0-9a-f]{64})(?:\.scope)?$/.exec(name)?.[1]
  if (podman !== undefined) return `podman:${podman}`
  // the monitors of lxc are in lxc.monitor.NAME
  const lxc = /^lxc\.payload\.(.+)$/.exec(name)?.[1]
  if (lxc !== undefined) return `lxc:${lxc}`
  if (above === "lxc" || above === "lxc.payload") return `lxc:${name}`
  // systemd-nspawn itself is in `supervisor`
  if (above !== "machine.slice" || below === "supervisor") return undefined
  const machine = /^machine-(.+)\.scope$/.exec(name)?.[1]
  if (machine !== undefined) return `machine:${unescape(machine)}`
  const service = /^systemd-nspawn@(.+)\.service$/.exec(name)?.[1]
  return service === undefined ? undefined : `machine:${unescape(service)}`
}

/** `\x2d` is how systemd writes what cannot stand in a unit's name, byte by byte. */
const unescape = (name: string): string => {
  if (!name.includes("\\x")) return name
  const latin1 = Buffer.from(name).toString("latin1")
  const bytes = latin1.replaceAll(
    /\\x([0-9a-f]{2})/g,
    (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))
  )
  return Buffer.from(bytes, "latin1").toString()
}

/** The snap of a unit that snapd made: `snap.NAME.APP-UUID.scope`, `snap.NAME.APP.service`; with components `snap.NAME+`. */
const snapOf = (unit: string | undefined): string | undefined =>
  unit === undefined
    ? undefined
    : /^snap\.([a-z0-9-]+(?:_[a-z0-9]+)?)(?:\\x2b[a-z0-9-]+)?\..+\.(?:scope|service)$/.exec(unit)?.[1]

/** The snap that AppArmor confines a process to, `snap.NAME.APP (enforce)`; `none` where it says that it is no snap. */
export const snapOfLabel = (label: string | undefined): { readonly snap: string } | "none" | undefined => {
  if (label === undefined) return undefined
  const snap = /^snap\.([a-z0-9-]+(?:_[a-z0-9]+)?)(?:\+[a-z0-9-]+)?\.[^ /]+ \([a-z]+\)$/.exec(label)?.[1]
  if (snap !== undefined) return { snap }
  // other security modules know nothing of snaps
  return label === "unconfined" || / \((?:enforce|complain|kill|prompt|unconfined|mixed)\)$/.test(label)
    ? "none"
    : undefined
}
