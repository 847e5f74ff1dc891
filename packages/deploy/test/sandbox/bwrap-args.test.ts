// The arguments of bubblewrap: what is mounted over what, and in which order.
import { assert, describe, it } from "@effect/vitest"
import { bwrapArgs, type Sandbox } from "../../src/sandbox/bwrap-args.ts"

const base: Sandbox = {
  emptied: ["/tmp", "/run"],
  home: "/home/alice",
  workIn: "/home/alice/project",
  writable: ["/home/alice/project"],
  readable: [],
  hiddenFolders: ["/home/alice/.gnupg", "/home/alice/.config/gripgate"],
  hiddenFiles: ["/home/alice/S"],
  gnupg: { homedir: "/home/alice/.gnupg", files: [{ name: "pubring.kbx", fd: 5 }] },
  socket: { folder: "/run/user/1000/gripgate/apps/agent" },
  shareNet: true,
  filterFd: 4,
  statusFd: 3
}

const argsOf = (changed: Partial<Sandbox> = {}): string => ` ${bwrapArgs({ ...base, ...changed }).join(" ")} `

/** Each of these, in this order. */
const assertOrder = (args: string, ...parts: ReadonlyArray<string>): void => {
  let from = 0
  for (const part of parts) {
    const at = args.indexOf(` ${part} `, from)
    assert.isAtLeast(at, 0, `${part} is missing after position ${from} in ${args}`)
    from = at + part.length
  }
}

describe("bwrapArgs", () => {
  it("covers after it has shown, and puts GnuPG's files and the socket in last", () => {
    assertOrder(
      argsOf(),
      "--ro-bind / /",
      "--tmpfs /tmp",
      "--tmpfs /run",
      "--proc /proc",
      "--ro-bind-try /proc/sys /proc/sys",
      "--bind /home/alice/project /home/alice/project",
      "--perms 0500 --tmpfs /home/alice/.config/gripgate --remount-ro /home/alice/.config/gripgate",
      "--ro-bind /dev/null /home/alice/S",
      "--perms 0700 --tmpfs /home/alice/.gnupg",
      "--perms 0600 --file 5 /home/alice/.gnupg/pubring.kbx",
      "--symlink /run/gripgate/S.gpg-agent /home/alice/.gnupg/S.gpg-agent",
      "--ro-bind /run/user/1000/gripgate/apps/agent /run/gripgate",
      "--chdir /home/alice/project"
    )
  })

  it("leaves no namespace but that of the network, and no capability", () => {
    const args = argsOf()
    for (
      const part of ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-drop ALL"]
    ) {
      assert.include(args, ` ${part} `)
    }
    assert.notInclude(args, "--unshare-net")
    assert.include(argsOf({ shareNet: false }), " --unshare-net ")
  })

  it("gives a session of its own where there is no filter for the terminal", () => {
    assert.include(argsOf(), " --seccomp 4 ")
    assert.notInclude(argsOf(), "--new-session")
    assert.include(argsOf({ filterFd: undefined }), " --new-session ")
  })

  it("shows nothing again that may not be written to, but what lies in an emptied folder", () => {
    const args = argsOf({ workIn: "/home/alice", writable: [] })
    assert.notInclude(args, " --bind ")
    assert.notInclude(args, " /home/alice /home/alice ")
    assert.include(argsOf({ readable: ["/tmp/x"] }), " --ro-bind /tmp/x /tmp/x ")
  })

  it("has nothing to cover in a folder that is emptied, unless it is shown again", () => {
    const hidden = { hiddenFolders: ["/tmp/state", "/tmp/project/state"], hiddenFiles: ["/tmp/S", "/tmp/project/S"] }
    const args = argsOf({ ...hidden, home: "/tmp/home", workIn: "/tmp/project", writable: ["/tmp/project"] })
    assertOrder(
      args,
      "--tmpfs /tmp",
      "--dir /tmp/home",
      "--bind /tmp/project /tmp/project",
      "--tmpfs /tmp/project/state"
    )
    assert.include(args, " /dev/null /tmp/project/S ")
    assert.notInclude(args, " /tmp/state ")
    assert.notInclude(args, " /tmp/S ")
  })

  it("binds a socket by itself where its folder is not for it alone", () => {
    assert.include(
      argsOf({ socket: { path: "/srv/agent.sock" } }),
      " --ro-bind /srv/agent.sock /run/gripgate/S.gpg-agent "
    )
  })
})
