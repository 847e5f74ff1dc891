// What the gate's service is in a user's systemd and in the system's alike: how it is started, told to read its policy again, and
// kept alive. Pure.
import { argument, program, type UnitText } from "./quote.ts"

/** What runs the gate, by absolute paths: a unit has neither a PATH nor a folder that could be counted on. */
export interface Programs {
  readonly node: string
  readonly launcher: string
}

export const serveCommand = ({ launcher, node }: Programs, args: ReadonlyArray<UnitText>): UnitText =>
  ["ExecStart=" + program(node), argument(launcher), "serve", ...args].join(" ")

/**
 * The lines about its life. It is started again as long as it is wanted, and never given up: where systemd gives a service up it closes
 * its sockets too, and a gpg that finds nobody there starts an agent over the gate's place. The agent that the gate starts
 * ends after the gate, which lets running commands finish.
 */
export const lifeOfUnit: ReadonlyArray<UnitText> = ["StartLimitIntervalSec=0"]

export const lifeOfService: ReadonlyArray<UnitText> = [
  "Type=notify",
  "NotifyAccess=main",
  "ExecReload=/bin/kill -HUP $MAINPID",
  "Restart=on-failure",
  "RestartSec=1",
  "TimeoutStopSec=30",
  "KillMode=mixed"
]
