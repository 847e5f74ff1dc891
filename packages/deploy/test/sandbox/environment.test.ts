// The variables of a command in a sandbox.
import { assert, describe, it } from "@effect/vitest"
import { sandboxEnvironment } from "../../src/sandbox/environment.ts"

describe("sandboxEnvironment", () => {
  it("drops the sockets and the session of the owner, and keeps the rest, a token too", () => {
    const kept = { PATH: "/usr/bin", HOME: "/home/alice", GPG_TTY: "/dev/pts/1", PINENTRY_USER_DATA: "gripgate:gg1-X" }
    const dropped = {
      DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/user/1000/bus",
      SSH_AUTH_SOCK: "/tmp/ssh/agent",
      DISPLAY: ":0",
      WAYLAND_DISPLAY: "wayland-0",
      XAUTHORITY: "/home/alice/.Xauthority",
      XDG_RUNTIME_DIR: "/run/user/1000",
      TMUX: "/tmp/tmux-1000/default,1,0",
      STY: "1.pts"
    }
    assert.deepStrictEqual(sandboxEnvironment({ ...kept, ...dropped, UNSET: undefined }, {}), kept)
  })

  it("sets what is new over what was", () => {
    const env = { GNUPGHOME: "/old", GPG_AGENT_INFO: "/old:1:1" }
    assert.deepStrictEqual(sandboxEnvironment(env, { GNUPGHOME: "/new" }), { GNUPGHOME: "/new" })
  })
})
