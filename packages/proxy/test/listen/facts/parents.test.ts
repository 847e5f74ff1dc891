import { assert, describe, it } from "@effect/vitest"
import { MAX_PARENTS, parentsOf } from "../../../src/listen/facts/parents.ts"
import { processes, type Stat } from "../../../src/listen/facts/process.ts"

interface Fake extends Stat {
  readonly exe?: string
}

const machine = (all: Readonly<Record<number, Fake>>) => ({
  exe: (pid: number) => all[pid]?.exe,
  stat: (pid: number) => all[pid]
})

const me = { parent: 20, session: 20, started: 30 }
const shell = { parent: 10, session: 20, started: 20, exe: "/usr/bin/bash" }
const su = { parent: 1, session: 10, started: 10 }
const init = { parent: 0, session: 1, started: 0, exe: "/sbin/init" }
const all = { 30: me, 20: shell, 10: su, 1: init }

const pids = (machines: Readonly<Record<number, Fake>>, started = 30) =>
  parentsOf({ pid: 30, started }, machine(machines)).map(({ pid }) => pid)

describe("parentsOf", () => {
  it("goes up to the first process, through other sessions and users", () => {
    assert.deepStrictEqual(parentsOf({ pid: 30, started: 30 }, machine(all)), [
      { pid: 20, exe: "/usr/bin/bash" },
      { pid: 10 },
      { pid: 1, exe: "/sbin/init" }
    ])
  })

  it("is nothing of a process that has ended, or that is another by now", () => {
    assert.deepStrictEqual(pids({}), [])
    assert.deepStrictEqual(pids(all, 29), [])
    assert.deepStrictEqual(parentsOf({}, machine(all)), [])
  })

  it("ends where a parent cannot be seen or is younger than its child, in a loop and in a crowd", () => {
    assert.deepStrictEqual(pids({ 30: me, 20: shell }), [20])
    assert.deepStrictEqual(pids({ ...all, 10: { ...su, started: 21 } }), [20])
    assert.deepStrictEqual(pids({ ...all, 10: { ...su, parent: 20 } }), [20, 10])
    assert.deepStrictEqual(pids({ ...all, 10: { ...su, parent: 30 } }), [20, 10])
    const crowd = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [i + 1, { parent: i, session: 1, started: i + 1 }])
    )
    assert.lengthOf(parentsOf({ pid: 200, started: 200 }, machine(crowd)), MAX_PARENTS)
  })

  it("finds the parent of this process", () => {
    const [parent] = parentsOf({ pid: process.pid, started: processes.stat(process.pid)!.started })
    assert.strictEqual(parent?.pid, process.ppid)
  })
})
