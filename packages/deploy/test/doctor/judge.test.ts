// What is said of what was seen, where the situation cannot be made on every machine: versions, locks, units of systemd, answers.
import { assert, describe, it } from "@effect/vitest"
import { changedBy } from "../../src/doctor/changed-by.ts"
import { holderOf, judgeSocket } from "../../src/doctor/gate.ts"
import { autostartFiles, isInStep, judgePrivateKeys } from "../../src/doctor/homes.ts"
import { judgeBwrap, judgeGnupg } from "../../src/doctor/installed.ts"
import { judgeConflict, programsIn } from "../../src/doctor/units.ts"

const ids = (findings: ReadonlyArray<{ readonly id: string }>) => findings.map(({ id }) => id)

describe("GnuPG's versions", () => {
  const of = (gpg: string | undefined, agent = gpg) =>
    ids(judgeGnupg({ gpg, "gpg-agent": agent, gpgconf: gpg, gpgsm: undefined }))

  it("from 2.2 to 2.5 are known", () => {
    for (const version of ["2.2.0", "2.2.40", "2.4.7", "2.5.12"]) {
      assert.deepStrictEqual(of(version), ["installed.gnupg"])
    }
  })

  it("that are older do not work, and that are newer are told", () => {
    assert.deepStrictEqual(new Set(of("2.0.31")), new Set(["installed.gnupg-old"]))
    assert.deepStrictEqual(new Set(of("1.4.23")), new Set(["installed.gnupg-old"]))
    assert.deepStrictEqual(new Set(of("2.6.0")), new Set(["installed.gnupg-new"]))
    assert.deepStrictEqual(new Set(of("2.10.1")), new Set(["installed.gnupg-new"]))
    assert.deepStrictEqual(of(""), Array.from({ length: 3 }, () => "installed.gnupg-old"))
  })

  it("that are missing, or mixed, are told", () => {
    assert.deepStrictEqual(of(undefined), Array.from({ length: 3 }, () => "installed.gnupg-missing"))
    assert.deepStrictEqual(of("2.2.40", "2.4.7"), ["installed.gnupg-mixed"])
  })
})

describe("bubblewrap", () => {
  it("that does not work is not the same as none", () => {
    assert.strictEqual(judgeBwrap("missing").id, "installed.bwrap-missing")
    assert.include(judgeBwrap({ broken: "No permissions to create new namespace" }).message, "No permissions to create")
    assert.strictEqual(judgeBwrap("works").level, "ok")
  })
})

describe("the kernel's table of locks", () => {
  // recorded: proc(5); the device of /dev/vda is 254:0, fe:00
  const table = [
    "1: POSIX  ADVISORY  WRITE 900 fe:00:77 0 EOF",
    "2: FLOCK  ADVISORY  WRITE 4711 fe:00:4242 0 EOF",
    "3: FLOCK  ADVISORY  READ  4712 fe:00:5 0 EOF",
    "2: -> FLOCK  ADVISORY  WRITE 4713 fe:00:4242 0 EOF",
    ""
  ].join("\n")

  it("names who holds a file", () => {
    assert.strictEqual(holderOf(table, { dev: 254 * 256, ino: 4242 }), 4711)
    for (const ino of [77, 5, 42]) assert.isUndefined(holderOf(table, { dev: 254 * 256, ino }))
    assert.isUndefined(holderOf(table, { dev: 253 * 256, ino: 4242 }))
  })
})

describe("a socket that the gate names", () => {
  it("is as it should be for a client that may not connect to it", () => {
    const socket = { path: "/run/x", app: "mail" }
    assert.strictEqual(judgeSocket(socket, { kind: "denied" }, 0o600).id, "gate.socket")
    assert.strictEqual(judgeSocket(socket, { kind: "stale" }, 0o600).id, "gate.socket-missing")
    assert.strictEqual(judgeSocket(socket, { kind: "foreign", pid: undefined }, 0o600).id, "gate.socket-taken")
  })
})

describe("who could change a file or a folder", () => {
  const seen = (mode: number, kind: "file" | "folder" = "folder", uid = 1000) => ({ kind, mode, uid, dev: 1, ino: 1 })

  it("is everybody, a group, or whoever owns it", () => {
    assert.isUndefined(changedBy(seen(0o755), 1000))
    assert.isUndefined(changedBy(seen(0o755, "folder", 0), 1000))
    assert.match(changedBy(seen(0o777), 1000)!, /^everybody/)
    assert.match(changedBy(seen(0o775), 1000)!, /^its group/)
    assert.match(changedBy(seen(0o700, "folder", 1001), 1000)!, /^it belongs to somebody else \(uid 1001\)/)
    // in /tmp nobody takes the place of another's file
    assert.isUndefined(changedBy(seen(0o1777, "folder", 0), 1000))
    assert.match(changedBy(seen(0o1666, "file"), 1000)!, /^everybody/)
  })
})

describe("no-autostart", () => {
  it("is looked for where the installed version reads it", () => {
    assert.deepStrictEqual(autostartFiles("2.2.40", true), ["gpg.conf", "gpgsm.conf"])
    assert.deepStrictEqual(autostartFiles("2.2.40", false), ["gpg.conf"])
    assert.deepStrictEqual(autostartFiles("2.4.7", true), ["common.conf"])
    assert.deepStrictEqual(autostartFiles("2.5.12", false), ["common.conf"])
  })
})

describe("a client's keyring", () => {
  const certificate = (fingerprint: string, userId = "Alice") =>
    ({ fingerprint, userIds: [{ text: userId }], keys: [], ultimate: false }) as const

  it("is in step with the owner's where it has all of it as it is, and nothing that is gone there", () => {
    const [a, b] = [certificate("A"), certificate("B")]
    assert.isTrue(isInStep([a], [a], ["A"]))
    assert.isFalse(isInStep([a, b], [a], ["A"]))
    assert.isFalse(isInStep([certificate("A", "Alice Smith")], [a], ["A"]))
    assert.isFalse(isInStep([a], [a, b], ["A", "B"]))
    // the program's own
    assert.isTrue(isInStep([a], [a, b], ["A"]))
  })

  it("with private keys is told apart by whose they are", () => {
    assert.deepStrictEqual(ids(judgePrivateKeys("/x", new Set(["A"]), new Set(["A", "B"]))), ["homes.private-keys"])
    assert.deepStrictEqual(ids(judgePrivateKeys("/x", new Set(["A"]), new Set(["B"]))), ["homes.own-keys"])
    assert.deepStrictEqual(judgePrivateKeys("/x", new Set(), new Set(["B"])), [])
  })
})

describe("systemd's units", () => {
  it("name their program and its script, however they are quoted", () => {
    const text = [
      "[Service]",
      "ExecStart=/usr/bin/node \"/opt/a b/gripgate.mjs\" serve \\",
      "  --listen /run/x",
      "ExecReload=-/bin/kill -HUP $MAINPID",
      "ExecStartPre=+'/opt/100%%/x' y",
      "ExecStart=%h/node /usr/bin/y",
      "# ExecStart=/not/this"
    ].join("\n")
    assert.deepStrictEqual(programsIn(text), [
      "/usr/bin/node",
      "/opt/a b/gripgate.mjs",
      "/bin/kill",
      "/opt/100%/x",
      "/usr/bin/y"
    ])
  })

  it("of GnuPG are in the way only where a gate stands in, and nobody has moved or masked them", () => {
    const unit = { enabled: "/etc/systemd/user/sockets.target.wants/gpg-agent.socket", masked: false, dropIns: [] }
    assert.deepStrictEqual(ids(judgeConflict(unit, true)), ["units.conflict"])
    assert.deepStrictEqual(judgeConflict(unit, false), [])
    assert.deepStrictEqual(judgeConflict({ ...unit, enabled: undefined }, true), [])
    assert.deepStrictEqual(judgeConflict({ ...unit, masked: true }, true), [])
    const dropIn = (text: string) => ({ ...unit, dropIns: [{ file: "x.conf", text }] })
    assert.deepStrictEqual(
      judgeConflict(dropIn("[Socket]\nListenStream=\nListenStream=%t/gnupg/S.gripgate\n"), true),
      []
    )
    assert.deepStrictEqual(ids(judgeConflict(dropIn("[Socket]\nSocketMode=0600\n"), true)), ["units.conflict"])
  })
})
