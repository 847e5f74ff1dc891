// Tests are never skipped: one that needs a program says so at its top, and where the program is missing it fails with a
// line that names the Debian package to install.
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

const PACKAGES = {
  busctl: "systemd",
  bwrap: "bubblewrap",
  "dbus-daemon": "dbus-daemon",
  "dbus-send": "dbus-bin",
  git: "git",
  gpg: "gpg",
  "gpg-agent": "gpg-agent",
  "gpg-connect-agent": "gpgconf",
  gpgconf: "gpgconf",
  gpg1: "gnupg1",
  gpgsm: "gpgsm",
  "pinentry-curses": "pinentry-curses",
  "pinentry-tty": "pinentry-tty",
  // gpgme for Python, which brings the interpreter along
  python3: "python3-gpg",
  scdaemon: "scdaemon",
  script: "bsdutils",
  setpriv: "util-linux",
  "systemd-run": "systemd",
  socat: "socat",
  ssh: "openssh-client",
  sshd: "openssh-server",
  "systemd-analyze": "systemd",
  "systemd-socket-activate": "systemd",
  "systemd-sysusers": "systemd",
  tmux: "tmux",
  unshare: "util-linux"
} as const

export type Program = keyof typeof PACKAGES

/** Where Debian and others put GnuPG's helpers and the daemons that are on nobody's PATH. */
const ELSEWHERE = ["/usr/lib/gnupg", "/usr/libexec", "/usr/libexec/gnupg", "/usr/sbin", "/usr/local/sbin"]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The absolute path of a program, or an Error of one line that names its Debian package. */
export const needs = (program: Program, path: string = process.env["PATH"] ?? ""): string => {
  const found = [...path.split(delimiter), ...ELSEWHERE].filter((folder) => folder !== "").map((folder) =>
    join(folder, program)
  ).find(isExecutable)
  if (found !== undefined) return found
  throw new Error(
    `this test needs the program ${program}, which is not installed: apt-get install ${PACKAGES[program]}`
  )
}
