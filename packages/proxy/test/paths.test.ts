// Where things lie: the table of the documentation, row by row.
import { assert, describe, it } from "@effect/vitest"
import { paths } from "../src/paths.ts"

const home = "/home/alice"
const env = { HOME: home, XDG_RUNTIME_DIR: "/run/user/1000" }

describe("paths", () => {
  it("follows the XDG defaults for a user", () => {
    const { appSocket, openSocket, ...rest } = paths({ env, uid: 1000, home })
    assert.deepStrictEqual(rest, {
      policyFile: "/home/alice/.config/gripgate/policy.toml",
      stateDir: "/home/alice/.local/state/gripgate",
      runDir: "/run/user/1000/gripgate",
      listenSocket: "/run/user/1000/gripgate/S.gpg-agent",
      controlSocket: "/run/user/1000/gripgate/control",
      connectSocket: "/run/user/1000/gripgate/connect"
    })
    assert.strictEqual(appSocket("git"), "/run/user/1000/gripgate/apps/git/S.gpg-agent")
    assert.strictEqual(appSocket("/srv/mail/agent"), "/srv/mail/agent")
    assert.strictEqual(openSocket("S.extra"), "/run/user/1000/gripgate/S.extra")
    assert.strictEqual(openSocket("/srv/open"), "/srv/open")
  })

  it("follows the XDG variables", () => {
    const found = paths({
      env: { ...env, XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r" },
      uid: 1000,
      home
    })
    assert.strictEqual(found.policyFile, "/c/gripgate/policy.toml")
    assert.strictEqual(found.stateDir, "/s/gripgate")
    assert.strictEqual(found.controlSocket, "/r/gripgate/control")
  })

  it("takes a variable that is empty or holds no absolute path for unset", () => {
    const odd = { HOME: home, XDG_CONFIG_HOME: "", XDG_STATE_HOME: "state", XDG_RUNTIME_DIR: "./run" }
    const found = paths({ env: odd, uid: 1000, home })
    assert.strictEqual(found.policyFile, "/home/alice/.config/gripgate/policy.toml")
    assert.strictEqual(found.stateDir, "/home/alice/.local/state/gripgate")
    assert.strictEqual(found.runDir, "/home/alice/.local/state/gripgate/run")
  })

  it("puts the sockets below the state where there is no runtime directory", () => {
    const found = paths({ env: { HOME: home }, uid: 1000, home })
    assert.strictEqual(found.listenSocket, "/home/alice/.local/state/gripgate/run/S.gpg-agent")
    const moved = paths({ env: { HOME: home }, uid: 1000, home, state: "/var/tmp/state" })
    assert.strictEqual(moved.stateDir, "/var/tmp/state")
    assert.strictEqual(moved.listenSocket, "/var/tmp/state/run/S.gpg-agent")
    assert.strictEqual(paths({ env, uid: 1000, home, state: "/x" }).runDir, "/run/user/1000/gripgate")
  })

  it("falls back on the home directory that the system knows", () => {
    assert.strictEqual(paths({ env: {}, uid: 1000, home }).policyFile, "/home/alice/.config/gripgate/policy.toml")
    const unknown = paths({ env: {}, uid: undefined, home })
    assert.strictEqual(unknown.stateDir, "/home/alice/.local/state/gripgate")
  })

  it("treats root like anybody who is logged in", () => {
    const found = paths({ env: { HOME: "/home/super" }, uid: 0, home: "/home/super" })
    assert.strictEqual(found.policyFile, "/home/super/.config/gripgate/policy.toml")
    assert.strictEqual(found.runDir, "/home/super/.local/state/gripgate/run")
    assert.strictEqual(
      paths({ env: { XDG_RUNTIME_DIR: "/run/user/0" }, uid: 0, home: "/home/super" }).runDir,
      "/run/user/0/gripgate"
    )
  })

  it("is the system's where root runs it without any of them", () => {
    const { appSocket, openSocket, ...rest } = paths({ env: { PATH: "/usr/bin" }, uid: 0, home: "/home/super" })
    assert.deepStrictEqual(rest, {
      policyFile: "/etc/gripgate/policy.toml",
      stateDir: "/var/lib/gripgate",
      runDir: "/run/gripgate",
      listenSocket: "/run/gripgate/S.gpg-agent",
      controlSocket: "/run/gripgate/control",
      connectSocket: "/run/gripgate/connect"
    })
    assert.strictEqual(appSocket("mail"), "/run/gripgate/apps/mail/S.gpg-agent")
    assert.strictEqual(openSocket("S.extra"), "/run/gripgate/S.extra")
  })
})
