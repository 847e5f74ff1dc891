// The arguments of bubblewrap. Pure: a description in, arguments out; nothing is looked at, and what it says is there must be there.
import { isWithin } from "./places.ts"

/** A file inside that is made from a descriptor which bubblewrap inherits. */
export interface Content {
  /** Its name in the homedir. */
  readonly name: string
  readonly fd: number
}

/** What a command sees. All paths are absolute and without links. */
export interface Sandbox {
  /** Folders that are empty inside: everybody's temporary files, and whatever has its sockets in /run. Those that are there. */
  readonly emptied: ReadonlyArray<string>
  /** The home directory; an empty one inside where it lies in an emptied folder. */
  readonly home: string
  readonly workIn: string
  /** Folders that are shown as they are; none of them contains one that is emptied. */
  readonly writable: ReadonlyArray<string>
  /** The same, read-only: what lies in an emptied folder and is to be seen. */
  readonly readable: ReadonlyArray<string>
  /** Folders and files that are there and covered. */
  readonly hiddenFolders: ReadonlyArray<string>
  readonly hiddenFiles: ReadonlyArray<string>
  /** Where GnuPG looks; covered too, with these files in it. */
  readonly gnupg: { readonly homedir: string; readonly files: ReadonlyArray<Content> }
  /** The app's socket: the folder in which it is named `S.gpg-agent`, or the socket itself. */
  readonly socket: { readonly folder: string } | { readonly path: string }
  readonly shareNet: boolean
  /** A descriptor of the seccomp filter; without one the command gets a session of its own. */
  readonly filterFd: number | undefined
  /** A descriptor for what bubblewrap tells of its child: its pid, and its exit code if it was ever started. */
  readonly statusFd: number
}

/** Where the app's socket is inside. */
export const INSIDE = "/run/gripgate"
export const SOCKET_INSIDE = `${INSIDE}/S.gpg-agent`

/** Where GnuPG looks inside if the user has no homedir. */
export const HOMEDIR_INSIDE = "/run/gnupg-home"

/** What names are looked up with, below the emptied /run; and where NixOS has its programs. */
const forNames = [
  "/run/systemd/resolve",
  "/run/NetworkManager",
  "/run/resolvconf",
  "/run/nscd",
  "/run/current-system"
]

/**
 * What root could change of the kernel in /proc, although he has no capability inside: these files go by his number alone, and one of
 * them names a program that the kernel runs outside (core_pattern).
 */
const ofKernel = ["/proc/sys", "/proc/acpi", "/proc/fs", "/proc/scsi"]

/** The arguments, up to the command. */
export const bwrapArgs = (sandbox: Sandbox): ReadonlyArray<string> => {
  const { emptied, filterFd, gnupg, home, statusFd, readable, shareNet, socket, workIn, writable } = sandbox
  const shown = [...readable, ...writable]
  const isEmptied = (path: string): boolean =>
    emptied.some((folder) => isWithin(path, folder)) && !shown.some((folder) => isWithin(path, folder))
  const covered = (path: string): boolean => !isEmptied(path) && path !== gnupg.homedir
  return [
    // all namespaces but that of the network
    ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try"],
    shareNet ? [] : ["--unshare-net"],
    ["--die-with-parent", "--cap-drop", "ALL", "--json-status-fd", String(statusFd)],
    filterFd === undefined ? ["--new-session"] : ["--seccomp", String(filterFd)],
    ["--ro-bind", "/", "/"],
    emptied.flatMap((folder) => ["--perms", folder.endsWith("tmp") ? "1777" : "0755", "--tmpfs", folder]),
    forNames.flatMap((path) => ["--ro-bind-try", path, path]),
    ["--proc", "/proc", "--dev", "/dev"],
    ofKernel.flatMap((path) => ["--ro-bind-try", path, path]),
    isEmptied(home) ? ["--dir", home] : [],
    readable.flatMap((folder) => ["--ro-bind", folder, folder]),
    writable.flatMap((folder) => ["--bind", folder, folder]),
    // after what they may lie in
    sandbox.hiddenFolders.filter(covered).flatMap((
      folder
    ) => ["--perms", "0500", "--tmpfs", folder, "--remount-ro", folder]),
    sandbox.hiddenFiles.filter(covered).flatMap((file) => ["--ro-bind", "/dev/null", file]),
    ["--perms", "0700", "--tmpfs", gnupg.homedir],
    gnupg.files.flatMap(({ fd, name }) => ["--perms", "0600", "--file", String(fd), `${gnupg.homedir}/${name}`]),
    ["--symlink", SOCKET_INSIDE, `${gnupg.homedir}/S.gpg-agent`],
    "folder" in socket ? ["--ro-bind", socket.folder, INSIDE] : ["--ro-bind", socket.path, SOCKET_INSIDE],
    ["--chdir", workIn]
  ].flat()
}
