// The environment of a command in a sandbox: the one of whoever started it, without the names of what it cannot reach. What makes
// it unreachable is the sandbox; a program that finds no name does not even try.

/** Sockets and sessions of the owner, and what was meant for gripgate itself. */
const dropped: ReadonlySet<string> = new Set([
  "DBUS_SESSION_BUS_ADDRESS",
  "DBUS_SYSTEM_BUS_ADDRESS",
  "DBUS_STARTER_ADDRESS",
  "DBUS_STARTER_BUS_TYPE",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "WAYLAND_SOCKET",
  "XAUTHORITY",
  "XDG_RUNTIME_DIR",
  "SESSION_MANAGER",
  "SSH_AUTH_SOCK",
  "SSH_AGENT_PID",
  "GNOME_KEYRING_CONTROL",
  "PULSE_SERVER",
  "DOCKER_HOST",
  "CONTAINER_HOST",
  "TMUX",
  "TMUX_PANE",
  "STY",
  "SWAYSOCK",
  "I3SOCK",
  "HYPRLAND_INSTANCE_SIGNATURE",
  "KITTY_LISTEN_ON",
  "ALACRITTY_SOCKET",
  "WEZTERM_UNIX_SOCKET",
  "EMACS_SOCKET_NAME",
  "NVIM",
  "NVIM_LISTEN_ADDRESS",
  "VSCODE_IPC_HOOK",
  "VSCODE_IPC_HOOK_CLI",
  "VSCODE_GIT_IPC_HANDLE",
  "NOTIFY_SOCKET",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
  "LISTEN_PID",
  "LISTEN_FDS",
  "LISTEN_FDNAMES",
  "JOURNAL_STREAM",
  "INVOCATION_ID",
  "GNUPGHOME",
  "GPG_AGENT_INFO"
])

/** The variables that are left, with those that are set anew. PINENTRY_USER_DATA stays: it may hold the app's token. */
export const sandboxEnvironment = (
  env: { readonly [name: string]: string | undefined },
  anew: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => {
  const kept = Object.entries(env).filter((entry): entry is [string, string] =>
    entry[1] !== undefined && !dropped.has(entry[0])
  )
  return { ...Object.fromEntries(kept), ...anew }
}
