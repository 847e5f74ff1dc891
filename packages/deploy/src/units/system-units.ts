// The units of the system's gate: it and the keys belong to an account of their own, and each app that owns a socket has a unit for
// it, which holds the socket while the gate is started anew. Pure: a policy's sockets in, files out.
import { join } from "node:path"
import { systemHardening } from "./hardening.ts"
import { wholePath, word } from "./quote.ts"
import { lifeOfService, lifeOfUnit, type Programs, serveCommand } from "./service.ts"
import { socketUnit } from "./socket-unit.ts"
import { linesText, type UnitFile, unitText } from "./unit-file.ts"

/** The account that keys and gate belong to. */
export const ACCOUNT = "gripgate"

/** A socket that an app owns by the policy. */
export interface AppSocket {
  readonly app: string
  readonly path: string
  readonly mode: number
  readonly group?: string | undefined
}

export interface SystemUnits {
  readonly programs: Programs
  /** What all paths of files are below; empty where it is the system that runs. */
  readonly root: string
  readonly sockets: ReadonlyArray<AppSocket>
  /** The groups to which the gate itself gives sockets, the control socket's among them: it has to be in them. */
  readonly groups: ReadonlyArray<string>
}

/** The policy of the system's gate. */
export const SYSTEM_POLICY = "/etc/gripgate/policy.toml"

/** What the gate finds its places by: they are then those of `systemPaths`. */
export const systemEnvironment = {
  XDG_CONFIG_HOME: "/etc",
  XDG_STATE_HOME: "/var/lib",
  XDG_RUNTIME_DIR: "/run",
  GNUPGHOME: "/var/lib/gripgate/gnupg"
} as const

/** Folders that are there before the gate is: sockets lie in the first two, and keys are imported into the last. */
const folders = [
  ["/run/gripgate", "0711"],
  ["/run/gripgate/apps", "0711"],
  ["/var/lib/gripgate", "0700"],
  ["/var/lib/gripgate/gnupg", "0700"]
] as const

/** Whom folders on the way let through: everybody may go to a socket whose name he knows, and nobody sees names. */
const THROUGH = 0o711

/** The files, or the path of a socket that cannot stand in a unit. */
export const systemUnits = (
  { groups, programs, root, sockets }: SystemUnits
): ReadonlyArray<UnitFile> | { readonly unusable: string } => {
  const at = (folder: string, name: string, text: string): UnitFile => ({ path: join(root, folder, name), text })
  const units: Array<UnitFile> = []
  for (const { app, group = ACCOUNT, mode, path } of sockets) {
    const text = wholePath(path)
    if (text === undefined) return { unusable: path }
    const access = { user: ACCOUNT, group }
    const description = `gripgate, the socket of the app ${app}`
    const unit = socketUnit({ description, path: text, name: app, mode, folderMode: THROUGH, access })
    units.push(at("etc/systemd/system", `gripgate-${app}.socket`, unit))
  }
  const service = unitText(
    [
      "Unit",
      [
        "Description=gripgate, a gate between OpenPGP programs and the keys of this system",
        ...sockets.length === 0 ? [] : [`Wants=${sockets.map(({ app }) => `gripgate-${app}.socket`).join(" ")}`],
        ...lifeOfUnit
      ]
    ],
    [
      "Service",
      [
        serveCommand(programs, ["--policy", SYSTEM_POLICY]),
        ...lifeOfService,
        `User=${ACCOUNT}`,
        `Group=${ACCOUNT}`,
        ...groups.length === 0 ? [] : [`SupplementaryGroups=${groups.join(" ")}`],
        ...Object.entries(systemEnvironment).map(([name, value]) => `Environment=${name}=${word(value)}`),
        "ConfigurationDirectory=gripgate",
        "StateDirectory=gripgate gripgate/gnupg",
        "StateDirectoryMode=0700",
        // and no RuntimeDirectory=: systemd would take it away, with the sockets of the apps in it, when the gate stops
        "ReadWritePaths=/run/gripgate",
        ...systemHardening
      ]
    ],
    ["Install", ["WantedBy=multi-user.target"]]
  )
  return [
    at("etc/sysusers.d", "gripgate.conf", linesText(`u ${ACCOUNT} - "gripgate, keys and gate" /var/lib/gripgate -`)),
    at(
      "etc/tmpfiles.d",
      "gripgate.conf",
      linesText(...folders.map(([path, mode]) => `d ${path} ${mode} ${ACCOUNT} ${ACCOUNT} -`))
    ),
    at("etc/systemd/system", "gripgate.service", service),
    ...units
  ]
}
