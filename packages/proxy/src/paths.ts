// Where things lie: policy, state and sockets, for a user's own gate and for one of the system. Pure: an environment in,
// paths out; nothing is looked at and nothing is made.
import { isAbsolute, join } from "node:path"

export interface Paths {
  readonly policyFile: string
  /** Grants, journal and lock. */
  readonly stateDir: string
  /** Sockets; gone after a reboot where the system has a place for such. */
  readonly runDir: string
  /** The gate's own socket for clients. */
  readonly listenSocket: string
  /** Where the command line reaches a running gate. */
  readonly controlSocket: string
  /**
   * The socket that an app owns, as the policy names it: by a word, or by an absolute path. A word is a folder of its own, so that
   * the folder can be shown to a sandbox: a gate that starts anew makes a new socket there.
   */
  readonly appSocket: (name: string) => string
  /** A socket that no app owns, as the policy names it. */
  readonly openSocket: (name: string) => string
}

/** What decides where things lie. */
export interface Whose {
  readonly env: { readonly [name: string]: string | undefined }
  /** The user id; `undefined` where the system has none. */
  readonly uid: number | undefined
  /** The home directory where the environment names none. */
  readonly home: string
  /** `--state`: sockets follow it where there is no runtime directory. */
  readonly state?: string | undefined
}

/**
 * A user's gate follows the XDG base directories: `$XDG_CONFIG_HOME/gripgate/policy.toml`, `$XDG_STATE_HOME/gripgate/`, and
 * sockets in `$XDG_RUNTIME_DIR/gripgate/`, or in `run/` below the state where there is no runtime directory. A variable that
 * holds no absolute path counts as unset (XDG Base Directory Specification). The system's gate is the one that root runs
 * without HOME and without any of these variables, as a systemd unit without User= is run: `/etc`, `/var/lib`, `/run`.
 */
export const paths = ({ env, home, state, uid }: Whose): Paths => {
  const absolute = (name: string): string | undefined => {
    const value = env[name]
    return value !== undefined && isAbsolute(value) ? value : undefined
  }
  const runtime = absolute("XDG_RUNTIME_DIR")
  const named = [absolute("HOME"), absolute("XDG_CONFIG_HOME"), absolute("XDG_STATE_HOME"), runtime]
  if (uid === 0 && named.every((path) => path === undefined)) {
    return state === undefined ? systemPaths : { ...systemPaths, stateDir: state }
  }
  const own = absolute("HOME") ?? home
  const stateDir = state ?? join(absolute("XDG_STATE_HOME") ?? join(own, ".local", "state"), "gripgate")
  return layout(
    join(absolute("XDG_CONFIG_HOME") ?? join(own, ".config"), "gripgate"),
    stateDir,
    runtime === undefined ? join(stateDir, "run") : join(runtime, "gripgate")
  )
}

const layout = (configDir: string, stateDir: string, runDir: string): Paths => ({
  policyFile: join(configDir, "policy.toml"),
  stateDir,
  runDir,
  listenSocket: join(runDir, "S.gpg-agent"),
  controlSocket: join(runDir, "control"),
  appSocket: (name) => isAbsolute(name) ? name : join(runDir, "apps", name, "S.gpg-agent"),
  openSocket: (name) => isAbsolute(name) ? name : join(runDir, name)
})

/** The places of the system's gate, whoever asks. */
export const systemPaths: Paths = layout("/etc/gripgate", "/var/lib/gripgate", "/run/gripgate")
