// The units of a user's own gate, and those that put GnuPG's units behind it. Pure: places in, files out.
import { join } from "node:path"
import type { OwnAgent } from "../agent-program.ts"
import { userHardening } from "./hardening.ts"
import { argument, type UnitText, wholePath } from "./quote.ts"
import { lifeOfService, lifeOfUnit, type Programs, serveCommand } from "./service.ts"
import { type SocketUnit, socketUnit } from "./socket-unit.ts"
import { type UnitFile, unitText } from "./unit-file.ts"

/** The agent's places, in the text of a unit: `%t/gnupg/S.gpg-agent`, or absolute. */
export interface AgentPlaces {
  readonly agent: UnitText
  readonly extra: UnitText
  readonly browser: UnitText
  /** Where the agent itself is moved to; `.extra` and `.browser` are put at its end. */
  readonly moved: UnitText
}

/** GnuPG's own units serve the standard homedir, and its sockets lie in the user's runtime directory. */
export const standardPlaces: AgentPlaces = {
  agent: "%t/gnupg/S.gpg-agent",
  extra: "%t/gnupg/S.gpg-agent.extra",
  browser: "%t/gnupg/S.gpg-agent.browser",
  moved: "%t/gnupg/S.gripgate"
}

/** The same for another homedir, by absolute paths; `undefined` where one of them cannot stand in a unit. */
export const placesAt = (
  { agent, browser, extra }: { readonly agent: string; readonly extra: string; readonly browser: string }
): AgentPlaces | undefined => {
  const [standard, restricted, web, moved] = [agent, extra, browser, join(agent, "..", "S.gripgate")].map(wholePath)
  if (standard === undefined || restricted === undefined || web === undefined || moved === undefined) return undefined
  return { agent: standard, extra: restricted, browser: web, moved }
}

export interface UserUnits {
  readonly programs: Programs
  /** systemd's folder for the units. */
  readonly folder: string
  /** A homedir that is not the standard one. */
  readonly homedir?: string | undefined
  readonly standIn?: { readonly places: AgentPlaces; readonly agent?: OwnAgent } | undefined
}

/** The units of GnuPG that are moved, and what is put at the end of the new place of each. */
const moved = [["gpg-agent", "", "std"], ["gpg-agent-extra", ".extra", "extra"], [
  "gpg-agent-browser",
  ".browser",
  "browser"
]] as const

/** GnuPG's own sockets that a stand-in moves. */
export const gnupgSockets: ReadonlyArray<string> = moved.map(([unit]) => `${unit}.socket`)

export const userUnits = ({ folder, homedir, programs, standIn }: UserUnits): ReadonlyArray<UnitFile> => {
  const at = (name: string, text: string): UnitFile => ({ path: join(folder, name), text })
  const sockets = [...own, ...standIn === undefined ? [] : inPlaceOf(standIn.places)]
  const args = [
    ...homedir === undefined ? [] : ["--homedir", argument(homedir)],
    ...standIn === undefined ? [] : ["--upstream", standIn.places.moved]
  ]
  const service = unitText(
    [
      "Unit",
      [
        "Description=gripgate, a gate between OpenPGP programs and gpg-agent",
        `Requires=${sockets.map(([name]) => name).join(" ")}`,
        ...standIn === undefined
          ? []
          : [`Wants=${standIn.agent === undefined ? "gpg-agent.socket" : "gripgate-agent.socket"}`],
        ...lifeOfUnit
      ]
    ],
    ["Service", [serveCommand(programs, args), ...lifeOfService, ...userHardening]],
    ["Install", ["WantedBy=default.target"]]
  )
  return [
    at("gripgate.service", service),
    ...sockets.map(([name, unit]) => at(name, socketUnit(unit))),
    ...standIn === undefined
      ? []
      : standIn.agent === undefined
      ? dropIns(standIn.places, at)
      : ownAgent(standIn.agent, standIn.places, homedir, at)
  ]
}

type At = (name: string, text: string) => UnitFile

const closed = { mode: 0o600, folderMode: 0o700 } as const

const own: ReadonlyArray<readonly [string, SocketUnit]> = [
  ["gripgate.socket", {
    description: "gripgate, its own socket",
    path: "%t/gripgate/S.gpg-agent",
    name: "anyone",
    ...closed
  }]
]

const inPlaceOf = ({ agent, browser, extra }: AgentPlaces): ReadonlyArray<readonly [string, SocketUnit]> => [
  ["gripgate-standard.socket", {
    description: "gripgate in the place of gpg-agent's socket",
    path: agent,
    name: "anyone",
    ...closed
  }],
  ["gripgate-extra.socket", {
    description: "gripgate in the place of gpg-agent's socket for other machines (restricted)",
    path: extra,
    name: "origin.remote",
    ...closed
  }],
  ["gripgate-browser.socket", {
    description: "gripgate in the place of gpg-agent's socket for browsers (restricted)",
    path: browser,
    name: "origin.browser",
    ...closed
  }]
]

/** An empty ListenStream= takes away what GnuPG's own file says (systemd.socket(5)). */
const dropIns = (places: AgentPlaces, at: At): ReadonlyArray<UnitFile> =>
  moved.map(([unit, end]) =>
    at(
      join(`${unit}.socket.d`, "gripgate.conf"),
      unitText(["Socket", ["ListenStream=", `ListenStream=${places.moved}${end}`]])
    )
  )

const ownAgent = (
  { option, program }: OwnAgent,
  places: AgentPlaces,
  homedir: string | undefined,
  at: At
): ReadonlyArray<UnitFile> => {
  const service = "gripgate-agent.service"
  const args = [...homedir === undefined ? [] : ["--homedir", argument(homedir)], option]
  return [
    at(
      service,
      unitText(
        ["Unit", ["Description=gpg-agent behind gripgate", "Requires=gripgate-agent.socket"]],
        ["Service", [`ExecStart=${argument(program)} ${args.join(" ")}`, "LimitCORE=0"]]
      )
    ),
    ...moved.map(([unit, end, name]) =>
      at(
        `${unit.replace("gpg-agent", "gripgate-agent")}.socket`,
        socketUnit(
          { description: "gpg-agent behind gripgate", path: `${places.moved}${end}`, name, ...closed },
          service
        )
      )
    )
  ]
}
