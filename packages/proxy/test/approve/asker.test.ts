import { assert, describe, it } from "@effect/vitest"
import { askerOf, holderKey, holderOf } from "../../src/approve/asker.ts"

const shell = { pid: 100, started: 5 }
const facts = { socket: "/run/S", chain: [], uid: 1000, leader: shell, program: "/usr/bin/git" }

describe("holderOf", () => {
  it("is the app, whatever else is known", () => {
    assert.deepStrictEqual(holderOf("git", { socket: "/run/S", chain: [] }), { kind: "app", app: "git" })
  })

  it("is one program in one session of one user where there is no app", () => {
    const key = (more: object) => {
      const holder = holderOf(undefined, { ...facts, ...more })
      return holder && holderKey(holder)
    }
    const others = [
      key({ uid: 1001 }),
      key({ leader: { ...shell, pid: 101 } }),
      key({ leader: { ...shell, started: 6 } }),
      key({ program: "/usr/bin/mutt" }),
      key({ snap: "code" }),
      key({ flatpak: "code" }),
      key({ flatpak: "code", container: "code" }),
      key({ container: "code /usr/bin/git" })
    ]
    assert.strictEqual(new Set([key({}), ...others]).size, 9)
    assert.notInclude(others, undefined)
  })

  it("is nobody where something of that is not known, or where the session is everybody's", () => {
    const { leader, program, uid, ...rest } = facts
    assert.isUndefined(holderOf(undefined, { ...rest, leader, program }))
    assert.isUndefined(holderOf(undefined, { ...rest, uid, program }))
    assert.isUndefined(holderOf(undefined, { ...rest, uid, leader }))
    assert.isUndefined(holderOf(undefined, { ...facts, leader: { pid: 1, started: 0 } }))
  })

  it("never makes an app's grant of another's, whatever a program is called", () => {
    const app = holderKey({ kind: "app", app: "git" })
    const sly = holderOf(undefined, { ...facts, program: "app git" })
    assert.notStrictEqual(holderKey(sly!), app)
    assert.match(holderKey(sly!), /^session /)
  })
})

describe("askerOf", () => {
  it("is the app, else the user apart by sandbox, and never a process", () => {
    assert.strictEqual(askerOf("git", facts), "app git")
    assert.strictEqual(askerOf(undefined, facts), "user 1000")
    assert.strictEqual(askerOf(undefined, { ...facts, pid: 7 }), "user 1000")
    // the names are their own choice, and each new one would be asked for anew
    for (const more of [{ flatpak: "org.a.B" }, { flatpak: "org.a.C" }, { snap: "x" }, { container: "0123" }]) {
      assert.strictEqual(askerOf(undefined, { ...facts, ...more }), "user 1000, in a sandbox")
    }
    assert.strictEqual(askerOf(undefined, { ...facts, unit: "x.service" }), "user 1000")
    assert.strictEqual(askerOf(undefined, { socket: "/run/S", chain: [] }), "user unknown")
  })
})
