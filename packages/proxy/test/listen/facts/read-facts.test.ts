// Real clients at a real server, and what they can and cannot make of themselves. A test that root alone can carry out shows
// the same with processes that are made up.
import { assert, describe, it } from "@effect/vitest"
import { factNames, transportFacts } from "@gripgate/policy/client/match"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Peer } from "../../../src/listen/facts/peer.ts"
import type { Processes, Stat } from "../../../src/listen/facts/process.ts"
import { factsAvailable, factsOfPeer, factsOfPid, readFacts, readSlow } from "../../../src/listen/facts/read-facts.ts"
import { LATE, slow } from "../../../src/listen/facts/slow.ts"
import { peer } from "../../../src/native.ts"
import { startChild } from "../../support/child.ts"
import { connected, ended, startServer } from "./server.ts"

const uid = process.getuid!()
const gid = process.getgid!()
const isRoot = uid === 0
const both = new Set(["cmdline", "flatpak"] as const)

/** What nobody knows of a client whose process is gone. */
const local = factNames.filter((fact) => !transportFacts.has(fact))
const ofProcess = local.filter((fact) => !["user", "group", "label"].includes(fact))

/** The program `sleep`, by the path that /proc will show. */
const sleepProgram = fs.realpathSync("/bin/sleep")

describe("readFacts", () => {
  it.live("tells of a client what the kernel and /proc say", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      const facts = readFacts(socket, server.path)
      assert.strictEqual(facts.socket, server.path)
      assert.strictEqual(facts.pid, child.pid)
      assert.strictEqual(facts.uid, process.geteuid!())
      assert.strictEqual(facts.gid, process.getegid!())
      assert.deepStrictEqual(facts.groups?.toSorted(), kernelGroups())
      assert.strictEqual(facts.exe, process.execPath)
      assert.strictEqual(facts.program, process.execPath)
      assert.strictEqual(facts.cwd, process.cwd())
      assert.isDefined(facts.cgroup)
      assert.isUndefined(facts.cmdline)
      assert.deepStrictEqual(facts.chain[0], { pid: child.pid, exe: process.execPath })
      if (facts.chain.length > 1) assert.deepStrictEqual(facts.chain[1], { pid: process.pid, exe: process.execPath })
    }))

  it.live("tells which other user and groups a client has: all that root can give it, else its own", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      // more than the first read has room for
      const groups = Array.from({ length: 300 }, (_, index) => 5000 + index)
      const { socket } = yield* connected(server, isRoot ? { groups, user: 4711 } : {})
      const facts = readFacts(socket, server.path)
      assert.deepStrictEqual(facts.groups?.toSorted(), isRoot ? groups : kernelGroups())
      assert.strictEqual(facts.uid, isRoot ? 4711 : uid)
      assert.strictEqual(facts.gid, gid)
    }))

  it.live("keeps no descriptor of a client's process", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      const pidfds = () =>
        fs.readdirSync("/proc/self/fd").filter((fd) => {
          try {
            return fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").includes("\nPid:")
          } catch {
            return false
          }
        }).length
      const before = pidfds()
      for (let i = 0; i < 50; i++) readFacts(socket, server.path)
      yield* child.kill("SIGKILL")
      for (let i = 0; i < 50; i++) readFacts(socket, server.path)
      assert.strictEqual(pidfds(), before)
    }))

  it.live("knows nothing of a connection that is closed already", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { socket } = yield* connected(server)
      socket.destroy()
      assert.deepStrictEqual(readFacts(socket, server.path), { socket: server.path, chain: [], unread: local })
    }))

  it.live("names whoever called GnuPG's programs, and not a program by its name alone", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const gpg = join(server.dir, "gpg")
      fs.copyFileSync(process.execPath, gpg, fs.constants.COPYFILE_FICLONE)
      const script = `require("net").connect(${JSON.stringify(server.path)}).on("close", () => process.exit())`
      // a leader of a session of its own, that waits for its child
      const shell = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn("sh", ["-c", "\"$0\" -e \"$1\"; true", gpg, script], { detached: true, stdio: "ignore" })
        ),
        (shell) => Effect.callback<void>((resume) => void shell.once("exit", () => resume(Effect.void)))
      )
      const socket = yield* Effect.acquireRelease(server.accepted, (socket) => Effect.sync(() => socket.destroy()))
      const { chain, exe, program, pid } = readFacts(socket, server.path)
      const sh = fs.realpathSync("/bin/sh")
      assert.deepStrictEqual(chain.map((process) => [process.pid, process.exe]), [[pid, gpg], [shell.pid, sh]])
      assert.strictEqual(program, sh)
      // the same bytes at another path are another program
      assert.strictEqual(exe, gpg)
      fs.rmSync(gpg)
      const later = readFacts(socket, server.path)
      assert.isUndefined(later.exe)
      assert.deepStrictEqual(later.chain.map((process) => process.exe), [undefined, sh])
      fs.writeFileSync(gpg, "")
      assert.isUndefined(readFacts(socket, server.path).exe)
    }))
})

describe("a client that lies", () => {
  it.live("about its name changes its command line, and neither exe nor any id", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server, { title: "/usr/bin/git) S 1 1 1" })
      const facts = readFacts(socket, server.path)
      assert.strictEqual(facts.exe, process.execPath)
      assert.strictEqual(facts.pid, child.pid)
      assert.isAtLeast(facts.started ?? 0, 1)
      assert.match((yield* readSlow(facts, both)).cmdline ?? "", /^\/usr\/bin\/git\) S 1 1 1/)
    }))

  it.live("and becomes another program shows that one from then on, which is why exe is advisory", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      const before = readFacts(socket, server.path)
      yield* Effect.sync(() => child.process.send({ exec: [sleepProgram, "1000"] }))
      yield* ended(socket)
      const after = readFacts(socket, server.path)
      assert.strictEqual(before.exe, process.execPath)
      assert.strictEqual(after.exe, sleepProgram)
      // it is the same process
      assert.strictEqual(after.pid, before.pid)
      assert.strictEqual(after.started, before.started)
    }))

  it.live("and leaves its connection to a child keeps its user, and nothing that /proc says is believed", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      const { gid, groups, label, pid, uid } = readFacts(socket, server.path)
      child.process.send({ handOver: true })
      yield* child.exited
      // somebody has it still
      assert.isFalse(socket.readableEnded)
      const kernel = Object.entries({ pid, uid, gid, groups, label }).filter(([, value]) => value !== undefined)
      assert.deepStrictEqual(readFacts(socket, server.path), {
        socket: server.path,
        chain: [],
        ...Object.fromEntries(kernel),
        unread: ofProcess
      })
    }))

  it.live("by its successor's pid is not its successor", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      const facts = readFacts(socket, server.path)
      assert.strictEqual(facts.pid, child.pid)
      yield* child.kill("SIGKILL")
      const successor = yield* successorOf(child.pid)
      if (successor) assert.strictEqual(fs.readlinkSync(`/proc/${child.pid}/exe`), sleepProgram)
      const after = readFacts(socket, server.path)
      assert.strictEqual(after.pid, child.pid)
      assert.strictEqual(after.uid, facts.uid)
      if (successor && !peer.hasPidfd()) {
        // whoever came before the facts were read cannot be told from the client: the gate says so when it starts
        assert.include(factsAvailable() ?? "", "before Linux 6.5")
      } else {
        assert.isUndefined(after.exe)
        assert.deepStrictEqual(after.chain, [])
      }
      const slowly = yield* readSlow(facts, both)
      assert.isUndefined(slowly.cmdline)
    }))

  it.live("by not letting its command line be read stops nobody", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const hanging = Promise.withResolvers<void>()
      yield* Effect.addFinalizer(() => Effect.sync(hanging.resolve))
      const { socket } = yield* connected(server)
      assert.strictEqual(yield* slow.read(() => hanging.promise), LATE)
      const facts = readFacts(socket, server.path)
      assert.strictEqual(facts.exe, process.execPath)
      const without = yield* readSlow(facts, both)
      // somewhere above this test a process may hide its program, and then that is unread too
      assert.deepStrictEqual(without, { ...facts, unread: [...facts.unread ?? [], "cmdline", "flatpak"] })
      hanging.resolve()
      assert.include((yield* readSlow(facts, both)).cmdline ?? "", "client-program.ts")
    }))
})

describe("readSlow", () => {
  it.live("does not take the name of a scope for a sandbox once it has looked, and adds only what it was asked for", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { socket } = yield* connected(server)
      const facts = readFacts(socket, server.path)
      const scope = { ...facts, flatpak: "org.gnome.Maps" }
      assert.deepStrictEqual(yield* readSlow(scope, new Set(["flatpak"] as const)), facts)
      assert.deepStrictEqual(yield* readSlow(scope, new Set()), scope)
    }))
})

describe("factsOfPeer", () => {
  const stat: Stat = { parent: 0, session: 30, started: 900 }
  const from = (changes: Partial<Processes>): Processes => ({
    exe: () => "/usr/bin/mail",
    cwd: () => "/home/mail",
    stat: () => stat,
    cgroup: () => "0::/system.slice/snap.mail.mail.service\n",
    pidOf: () => 30,
    ...changes
  })
  const mail = (changes: Partial<Peer> = {}): Peer => ({
    pid: 30,
    uid: 8,
    gid: 8,
    groups: [],
    label: undefined,
    guard: { kind: "pidfd", pidfd: 7 },
    ...changes
  })
  const bare = { socket: "/run/S", pid: 30, uid: 8, gid: 8, groups: [], chain: [] }
  const kernel = { ...bare, unread: ofProcess }
  const unit = "snap.mail.mail.service"
  const all = {
    ...bare,
    started: 900,
    exe: "/usr/bin/mail",
    cwd: "/home/mail",
    cgroup: `/system.slice/${unit}`,
    unit,
    snap: "mail",
    chain: [{ pid: 30, exe: "/usr/bin/mail" }],
    leader: { pid: 30, started: 900 },
    program: "/usr/bin/mail"
  }

  it("believes /proc while the descriptor is that of the same process", () => {
    assert.deepStrictEqual(factsOfPeer(mail(), "/run/S", from({})), all)
    for (const now of [-1, 31, undefined]) {
      assert.deepStrictEqual(factsOfPeer(mail(), "/run/S", from({ pidOf: () => now })), kernel)
    }
  })

  it("believes /proc, where there is no descriptor, while the process is no younger than before", () => {
    const guard = { kind: "start" } as const
    assert.deepStrictEqual(factsOfPeer(mail({ guard }), "/run/S", from({})), all)
    for (const now of [undefined, { ...stat, started: 901 }]) {
      let calls = 0
      const changed = from({ stat: () => calls++ === 0 ? stat : now })
      assert.deepStrictEqual(factsOfPeer(mail({ guard }), "/run/S", changed), kernel)
    }
  })

  it("does not even look at a process that has ended, or at one outside of our namespace", () => {
    const never = (): never => assert.fail("looked at a process")
    const nothing = { exe: never, cwd: never, stat: never, cgroup: never, pidOf: never }
    const gone = { kind: "gone" } as const
    assert.deepStrictEqual(factsOfPeer(mail({ guard: gone }), "/run/S", nothing), kernel)
    const { pid: _, ...rest } = kernel
    assert.deepStrictEqual(factsOfPeer(mail({ pid: undefined, guard: gone }), "/run/S", nothing), rest)
  })

  it("takes the snap from AppArmor where that speaks, else from the cgroup", () => {
    const snap = (label: string) => factsOfPeer(mail({ label }), "/run/S", from({})).snap
    assert.strictEqual(snap("snap.firefox.firefox (enforce)"), "firefox")
    assert.isUndefined(snap("unconfined"))
    assert.strictEqual(snap("system_u:system_r:init_t:s0"), "mail")
  })
})

describe("factsOfPid", () => {
  it.live("tells the same of a process that has not connected", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { child, socket } = yield* connected(server)
      assert.deepStrictEqual(yield* factsOfPid(child.pid, server.path), readFacts(socket, server.path))
      yield* child.kill("SIGKILL")
      assert.isUndefined(yield* factsOfPid(child.pid, server.path))
      assert.isUndefined(yield* factsOfPid(0, server.path))
    }))
})

describe("factsAvailable", () => {
  it("has nothing to say where everything can be known", () => {
    assert.strictEqual(factsAvailable() === undefined, peer.hasPidfd() && fs.existsSync("/proc/1/stat"))
  })

  it.live("says that without koffi nothing is known, and nothing is", () =>
    Effect.gen(function*() {
      const { path } = yield* startServer
      const child = yield* startChild("../listen/facts/client-program.ts", { preload: ["no-koffi.ts"] })
      yield* child.hear
      yield* child.ask({ connect: path })
      assert.deepStrictEqual(yield* child.ask({ available: true }), {
        available: "koffi cannot be loaded, so of clients nothing is known but the socket they come through: "
          + "Cannot find module 'koffi'",
        facts: { socket: "a path", chain: [], unread: local }
      })
    }))
})

describe("peer", () => {
  it("says that it does not know, whatever it is asked of", () => {
    const file = fs.openSync("/dev/null", "r")
    for (const fd of [-1, file]) {
      assert.isUndefined(peer.credentials(fd))
      assert.isUndefined(peer.groups(fd))
      assert.isUndefined(peer.label(fd))
      assert.notTypeOf(peer.pidfd(fd), "number")
    }
    fs.closeSync(file)
  })
})

/** Supplementary groups as the kernel has them; Node adds the effective one. */
const kernelGroups = (): ReadonlyArray<number> => {
  const text = /^Groups:\t(.*)$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? ""
  return text.split(" ").filter(Boolean).map(Number).toSorted()
}

/** Gives the pid of a process that has ended to a new one, `sleep`, where this user may choose pids; whether that is so. */
const successorOf = (pid: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        for (let i = 0; i < 200; i++) {
          try {
            fs.writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1))
          } catch {
            return undefined
          }
          const child = spawn(sleepProgram, ["1000"], { stdio: "ignore" })
          if (child.pid === pid) return child
          child.kill("SIGKILL")
        }
        return undefined
      }),
      (child) =>
        child === undefined
          ? Effect.void
          : Effect.callback<void>((resume) => {
            child.once("exit", () => resume(Effect.void))
            child.kill("SIGKILL")
          })
    ),
    (child) => child !== undefined
  )
