import { assert, describe, it } from "@effect/vitest"
import { chainOf, MAX_CHAIN, programOf } from "../../../src/listen/facts/chain.ts"
import { parseStat, type Processes, type Stat } from "../../../src/listen/facts/process.ts"

interface Fake extends Stat {
  readonly exe?: string
}

const machine = (all: Readonly<Record<number, Fake>>): Pick<Processes, "exe" | "stat"> => ({
  exe: (pid) => all[pid]?.exe,
  stat: (pid) => all[pid]
})

const chain = (all: Readonly<Record<number, Fake>>, pid: number) =>
  chainOf(pid, all[pid]!.exe, all[pid]!, machine(all)).chain.map(({ exe, pid }) =>
    exe === undefined ? [pid] : [pid, exe]
  )

const gpg = { parent: 20, session: 10, started: 30, exe: "/usr/bin/gpg" }
const git = { parent: 10, session: 10, started: 20, exe: "/usr/bin/git" }
const bash = { parent: 5, session: 10, started: 10, exe: "/usr/bin/bash" }

describe("chainOf", () => {
  it("goes from the client up to the leader of its session", () => {
    const all = { 30: gpg, 20: git, 10: bash, 5: { parent: 1, session: 5, started: 1, exe: "/usr/bin/sshd" } }
    assert.deepStrictEqual(chain(all, 30), [[30, "/usr/bin/gpg"], [20, "/usr/bin/git"], [10, "/usr/bin/bash"]])
    assert.deepStrictEqual(chain(all, 10), [[10, "/usr/bin/bash"]])
  })

  it("tells the leader of the session where it goes up to that one", () => {
    const leader = (all: Readonly<Record<number, Fake>>, pid: number) =>
      chainOf(pid, all[pid]!.exe, all[pid]!, machine(all)).leader
    assert.deepStrictEqual(leader({ 30: gpg, 20: git, 10: bash }, 30), { pid: 10, started: 10 })
    assert.deepStrictEqual(leader({ 10: bash }, 10), { pid: 10, started: 10 })
    // one that has ended, that is out of sight, or that is too far away
    assert.isUndefined(leader({ 30: gpg, 20: git }, 30))
    assert.isUndefined(leader({ 30: { ...gpg, session: 0, parent: 0 } }, 30))
  })

  it("ends where an orphan was taken in by another session, and where there is no parent", () => {
    const init = { parent: 0, session: 1, started: 0, exe: "/usr/bin/init" }
    assert.deepStrictEqual(chain({ 30: { ...gpg, parent: 1 }, 1: init }, 30), [[30, "/usr/bin/gpg"]])
    assert.deepStrictEqual(chain({ 30: { ...gpg, parent: 0 } }, 30), [[30, "/usr/bin/gpg"]])
    assert.deepStrictEqual(chain({ 30: gpg }, 30), [[30, "/usr/bin/gpg"]])
  })

  it("does not believe in a parent that is younger than its child", () => {
    assert.deepStrictEqual(chain({ 30: gpg, 20: { ...git, started: 31 }, 10: bash }, 30), [[30, "/usr/bin/gpg"]])
    assert.lengthOf(chain({ 30: gpg, 20: { ...git, started: 30 }, 10: bash }, 30), 3)
  })

  it("does not take the program of a parent's successor", () => {
    // the parent ends between the two looks at it
    const pids: Array<number> = []
    const successor = { exe: () => "/usr/bin/evil", stat: (pid: number) => (pids.push(pid), { ...git, started: 99 }) }
    assert.deepStrictEqual(chainOf(30, gpg.exe, gpg, successor), { chain: [{ pid: 30, exe: gpg.exe }] })
    assert.deepStrictEqual(pids, [20])
  })

  it("comes to an end in a loop and in a crowd", () => {
    const loop = { parent: 30, session: 10, started: 30, exe: "/usr/bin/loop" }
    assert.deepStrictEqual(chain({ 30: gpg, 20: loop }, 30), [[30, "/usr/bin/gpg"], [20, "/usr/bin/loop"]])
    const crowd = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [100 - index, { parent: 99 - index, session: 1, started: 5 }])
    )
    assert.lengthOf(chain(crowd, 100), MAX_CHAIN)
  })
})

describe("programOf", () => {
  it("is whoever called GnuPG's own programs", () => {
    const of = (...paths: ReadonlyArray<string | undefined>) =>
      programOf(paths.map((exe, pid) => exe === undefined ? { pid } : { pid, exe }))
    assert.strictEqual(of("/usr/bin/gpg", "/usr/bin/git", "/usr/bin/bash"), "/usr/bin/git")
    assert.strictEqual(of("/usr/bin/gpg-connect-agent", "/opt/x/gpgme-json", "/usr/bin/firefox"), "/usr/bin/firefox")
    assert.strictEqual(of("/usr/bin/mail"), "/usr/bin/mail")
    assert.strictEqual(of("/usr/bin/gpg", "/usr/bin/gpgsm"), "/usr/bin/gpg")
    assert.strictEqual(of("/opt/gpg/bin/mail", "/usr/bin/bash"), "/opt/gpg/bin/mail")
    // it may be this one, so it is no other
    assert.isUndefined(of("/usr/bin/gpg", undefined, "/usr/bin/git"))
    assert.isUndefined(of(undefined))
    assert.isUndefined(of())
  })
})

describe("parseStat", () => {
  const rest = "4711 4712 4713 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 11 0 987654 1 2 3\n"
  const stat = { parent: 4711, session: 4713, started: 987654 }

  it("finds its fields after any name that a process gives itself", () => {
    for (const name of ["gpg", "a b", "x) S 1 1 1", ")", "(", "\n", ") Z "]) {
      assert.deepStrictEqual(parseStat(`30 (${name}) S ${rest}`), stat, name)
    }
  })

  it("knows no process that has ended", () => {
    for (const state of ["Z", "X"]) assert.isUndefined(parseStat(`30 (gpg) ${state} ${rest}`))
    for (const text of ["", "30 (gpg", "30 (gpg) S 1 1 1", `30 (gpg) S x${rest}`]) assert.isUndefined(parseStat(text))
  })
})
