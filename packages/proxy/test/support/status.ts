// What some gate says about itself.
import type { Status } from "../../src/control/message.ts"

export const status: Status = {
  version: "0.1.0",
  pid: 4711,
  startedAt: "2026-02-03T04:05:06.789Z",
  upstream: { socket: "/run/user/1000/gnupg/S.gpg-agent", version: "2.2.40" },
  listen: [
    { path: "/run/user/1000/gripgate/S.gpg-agent", app: null, sessions: 2 },
    { path: "/run/user/1000/gripgate/apps/git", app: "git", sessions: 0 }
  ],
  policy: { file: null, default: "allow", loadedAt: "2026-02-03T04:05:06.789Z" },
  sessions: { open: 2, served: 17 },
  refused: 3
}
