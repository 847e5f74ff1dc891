// A unit that holds one socket for the gate, by the name under which the gate is given it. Pure.
import type { UnitText } from "./quote.ts"
import { type Section, unitText } from "./unit-file.ts"

export interface SocketUnit {
  readonly description: string
  /** Where it listens. */
  readonly path: UnitText
  /** What the gate knows it by: an app, `anyone`, `origin.remote` or `origin.browser`. */
  readonly name: string
  /** Permission bits of the socket. */
  readonly mode: number
  /** Permission bits of folders that are missing on the way. */
  readonly folderMode: number
  /** Whose it is, where it is not the account that systemd runs as. */
  readonly access?: { readonly user: string; readonly group: string }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0")

export const socketSection = (unit: Omit<SocketUnit, "description">, service: string): Section => [
  "Socket",
  [
    `ListenStream=${unit.path}`,
    `FileDescriptorName=${unit.name}`,
    `Service=${service}`,
    ...unit.access === undefined ? [] : [`SocketUser=${unit.access.user}`, `SocketGroup=${unit.access.group}`],
    `SocketMode=${octal(unit.mode)}`,
    `DirectoryMode=${octal(unit.folderMode)}`
  ]
]

export const socketUnit = (unit: SocketUnit, service = "gripgate.service"): string =>
  unitText(
    ["Unit", [`Description=${unit.description}`]],
    socketSection(unit, service),
    ["Install", ["WantedBy=sockets.target"]]
  )
