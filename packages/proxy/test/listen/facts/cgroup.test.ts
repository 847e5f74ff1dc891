import { assert, describe, it } from "@effect/vitest"
import { type CgroupFacts, parseCgroup, snapOfLabel } from "../../../src/listen/facts/cgroup.ts"

const ID = "8f2c1d4e5b6a79808f2c1d4e5b6a79808f2c1d4e5b6a79808f2c1d4e5b6a7980"
const OTHER = "0".repeat(64)
const USER = "/user.slice/user-1000.slice/user@1000.service"
const user = { unit: "user@1000.service" }

/** What the path of a cgroup (v2) says beside itself. */
const of = (path: string): Omit<CgroupFacts, "cgroup"> => {
  const { cgroup, ...facts } = parseCgroup(`0::${path}\n`)
  assert.strictEqual(cgroup, path)
  return facts
}

const assertTable = (rows: ReadonlyArray<readonly [string, Omit<CgroupFacts, "cgroup">]>) => {
  for (const [path, facts] of rows) assert.deepStrictEqual(of(path), facts, path)
}

describe("parseCgroup", () => {
  it("finds the unit by systemd's own rule: the first name that is no slice", () => {
    assertTable([
      ["/system.slice/mailpile.service", { unit: "mailpile.service" }],
      ["/system.slice/mailpile.service/worker/1", { unit: "mailpile.service" }],
      ["/system.slice/system-getty.slice/getty@tty1.service", { unit: "getty@tty1.service" }],
      ["/system.slice/dev-disk-by\\x2duuid.swap", { unit: "dev-disk-by\\x2duuid.swap" }],
      ["/system.slice/_cpu.service", { unit: "cpu.service" }],
      ["/user.slice/user-1000.slice/session-2.scope", { unit: "session-2.scope" }],
      ["/init.scope", { unit: "init.scope" }],
      ["/", {}],
      ["/user.slice", {}],
      ["/system.slice/getty@.service", {}],
      ["/system.slice/getty####@tty6.service", {}],
      ["/system.slice/@x.service", {}],
      ["/system.slice/.service", {}],
      ["/mailpile", {}],
      [`/system.slice/${"x".repeat(260)}.service`, {}],
      // seen from inside a cgroup namespace, whoever is outside
      ["/../../system.slice/mailpile.service", {}]
    ])
  })

  it("does not believe names below a unit: whoever has the unit's cgroup delegated chooses them", () => {
    assertTable([
      ["/system.slice/evil.service/mailpile.service", { unit: "evil.service" }],
      ["/system.slice/evil.service/system.slice/mailpile.service", { unit: "evil.service" }],
      ["/system.slice/evil.service/user@1000.service/mailpile.service", { unit: "evil.service" }],
      [`${USER}/system.slice/mailpile.service`, { ...user, userUnit: "mailpile.service" }]
    ])
  })

  it("finds the unit of the user's own systemd", () => {
    assertTable([
      [`${USER}/app.slice/mail.service`, { ...user, userUnit: "mail.service" }],
      [`${USER}/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1f.scope`, {
        ...user,
        userUnit: "vte-spawn-1f.scope"
      }],
      [`${USER}/init.scope`, { ...user, userUnit: "init.scope" }],
      [USER, user],
      [`${USER}/app.slice`, user],
      ["/user.slice/user-1000.slice/user@x.service/mail.service", { unit: "user@x.service" }]
    ])
  })

  it("finds containers of docker, podman, lxc and systemd-nspawn", () => {
    const machine = "/machine.slice"
    assertTable([
      [`/docker/${ID}`, { container: `docker:${ID}` }],
      [`/system.slice/docker-${ID}.scope`, { unit: `docker-${ID}.scope`, container: `docker:${ID}` }],
      [`${USER}/user.slice/docker-${ID}.scope`, {
        ...user,
        userUnit: `docker-${ID}.scope`,
        container: `docker:${ID}`
      }],
      [`${machine}/libpod-${ID}.scope`, { unit: `libpod-${ID}.scope`, container: `podman:${ID}` }],
      [`${machine}/libpod-${ID}.scope/container`, { unit: `libpod-${ID}.scope`, container: `podman:${ID}` }],
      [`/libpod_parent/libpod-${ID}`, { container: `podman:${ID}` }],
      [`${USER}/user.slice/libpod-${ID}.scope/container`, {
        ...user,
        userUnit: `libpod-${ID}.scope`,
        container: `podman:${ID}`
      }],
      [`/system.slice/web.service/libpod-payload-${ID}`, { unit: "web.service", container: `podman:${ID}` }],
      ["/lxc.payload.web", { container: "lxc:web" }],
      ["/lxc.payload.web/system.slice/nginx.service", { container: "lxc:web" }],
      ["/lxc/web/init.scope", { container: "lxc:web" }],
      ["/lxc.payload/web", { container: "lxc:web" }],
      [`${machine}/machine-web.scope/payload`, { unit: "machine-web.scope", container: "machine:web" }],
      [`${machine}/machine-my\\x2dbox.scope/payload/system.slice/nginx.service`, {
        unit: "machine-my\\x2dbox.scope",
        container: "machine:my-box"
      }],
      [`${machine}/systemd-nspawn@web.service/payload/init.scope`, {
        unit: "systemd-nspawn@web.service",
        container: "machine:web"
      }]
    ])
  })

  it("takes the outermost container, and nobody who only watches one", () => {
    assertTable([
      [`/docker/${ID}/docker/${OTHER}`, { container: `docker:${ID}` }],
      [`/lxc.payload.web/docker/${OTHER}`, { container: "lxc:web" }],
      [`/machine.slice/libpod-conmon-${ID}.scope`, { unit: `libpod-conmon-${ID}.scope` }],
      ["/lxc.monitor.web", {}],
      ["/machine.slice/machine-web.scope/supervisor", { unit: "machine-web.scope" }],
      ["/machine.slice/systemd-nspawn@web.service/supervisor", { unit: "systemd-nspawn@web.service" }],
      ["/system.slice/docker.service", { unit: "docker.service" }],
      ["/docker/buildkit", {}]
    ])
  })

  it("finds snaps and the application of a Flatpak's scope", () => {
    const snap = "snap.firefox.firefox-2f9c3a7e-5d0c-4f57-9a34-6f7f6b9f0c11.scope"
    const flatpak = "app-flatpak-org.gnome.Maps-12345.scope"
    assertTable([
      [`${USER}/app.slice/${snap}`, { ...user, userUnit: snap, snap: "firefox" }],
      ["/system.slice/snap.lxd.daemon.service", { unit: "snap.lxd.daemon.service", snap: "lxd" }],
      ["/system.slice/snap.my-mail_work.app.service", { unit: "snap.my-mail_work.app.service", snap: "my-mail_work" }],
      [`/system.slice/snap.a\\x2bb.hook.install-1.scope`, {
        unit: "snap.a\\x2bb.hook.install-1.scope",
        snap: "a"
      }],
      ["/system.slice/snap-core-1.mount", { unit: "snap-core-1.mount" }],
      [`${USER}/app.slice/${flatpak}`, { ...user, userUnit: flatpak, flatpak: "org.gnome.Maps" }],
      [`${USER}/app.slice/app-flatpak-org.x.My\\x2dApp-1.scope`, {
        ...user,
        userUnit: "app-flatpak-org.x.My\\x2dApp-1.scope",
        flatpak: "org.x.My-App"
      }],
      [`/system.slice/${flatpak}`, { unit: flatpak }]
    ])
  })

  it("reads systemd's own hierarchy where there is v1, else that of v2", () => {
    const v1 = "12:pids:/user.slice\n2:cpu,cpuacct:/a:b\n1:name=systemd:/system.slice/mail.service\n"
    const facts = { cgroup: "/system.slice/mail.service", unit: "mail.service" }
    assert.deepStrictEqual(parseCgroup(v1), facts)
    assert.deepStrictEqual(parseCgroup(`${v1}0::/\n`), facts)
    assert.deepStrictEqual(parseCgroup("3:cpu:/a\n0::/system.slice/mail.service\n"), facts)
    assert.deepStrictEqual(parseCgroup("0::/a:b/c.service\n"), { cgroup: "/a:b/c.service" })
  })

  it("says nothing of a cgroup that is gone, or of a text that is none", () => {
    for (const text of ["", "\n", "0:", "0::", "0::relative\n", "0::/system.slice/mail.service (deleted)\n"]) {
      assert.deepStrictEqual(parseCgroup(text), {}, text)
    }
  })
})

describe("snapOfLabel", () => {
  it("names the snap that AppArmor confines to, and knows when it confines to none", () => {
    assert.deepStrictEqual(snapOfLabel("snap.firefox.firefox (enforce)"), { snap: "firefox" })
    assert.deepStrictEqual(snapOfLabel("snap.a+b.hook.install (complain)"), { snap: "a" })
    for (const label of ["unconfined", "docker-default (enforce)", "snap.firefox (enforce)", "/snap.a.b (enforce)"]) {
      assert.strictEqual(snapOfLabel(label), "none", label)
    }
    for (const label of [undefined, "system_u:system_r:sshd_t:s0", "snap.a.b"]) {
      assert.isUndefined(snapOfLabel(label))
    }
  })
})
