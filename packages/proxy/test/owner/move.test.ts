import { assert, describe, it } from "@effect/vitest"
import { movedTo } from "../../src/owner/move.ts"
import { placeOf } from "../../src/owner/place.ts"

const taken = (environment: Readonly<Record<string, string>>) => {
  const place = movedTo(environment, process.getuid!())
  return typeof place === "string" ? place : place.variables
}

describe("a place that the owner names", () => {
  it("is what a pinentry needs of his environment, and nothing else", () => {
    const display = {
      DISPLAY: ":1",
      XAUTHORITY: "/home/alice/.Xauthority",
      WAYLAND_DISPLAY: "wayland-1",
      TERM: "xterm"
    }
    assert.deepStrictEqual(taken({ ...display, LC_ALL: "de_DE.UTF-8", PATH: "/evil", LD_PRELOAD: "/evil.so" }), {
      ...display,
      LC_ALL: "de_DE.UTF-8"
    })
    assert.deepStrictEqual(taken({}), {})
  })

  it("has no value by which a program would run another, or show its dialogs to somebody else", () => {
    for (
      const [name, good, bad] of [
        ["DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus", "unixexec:path=/tmp/evil"],
        ["DBUS_SESSION_BUS_ADDRESS", "unix:abstract=/tmp/dbus-1,guid=0af", "unix:path=/a;unixexec:path=/tmp/evil"],
        ["DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus", "tcp:host=evil,port=1"],
        ["QT_QPA_PLATFORM", "xcb", "vnc"],
        ["QT_QPA_PLATFORM", "wayland;xcb", "xcb;vnc:port=5900"],
        ["GTK_IM_MODULE", "ibus", "/tmp/evil.so"],
        ["QT_IM_MODULE", "fcitx", "../evil"]
      ] as const
    ) {
      assert.deepStrictEqual(taken({ [name]: good }), { [name]: good })
      assert.deepStrictEqual(taken({ [name]: bad }), {}, bad)
    }
  })

  it("has a terminal that is one, and his own", () => {
    assert.strictEqual(taken({ GPG_TTY: "/nowhere" }), "there is no terminal \"/nowhere\"")
    assert.strictEqual(taken({ GPG_TTY: "/etc/passwd" }), "\"/etc/passwd\" is no terminal")
    // /dev/null is a character device of root's
    const place = movedTo({ GPG_TTY: "/dev/null" }, 4711)
    assert.strictEqual(place, "\"/dev/null\" is the terminal of another user")
  })

  it("has no token for a gate, which would get to the agent and into the environment of a pinentry", () => {
    for (const value of ["gripgate:gg1-a-b-c", "gripgate:", "gripgate:gg1-a-b-c mine"]) {
      const { options, variables } = placeOf({ PINENTRY_USER_DATA: value, TERM: "xterm" })
      assert.deepStrictEqual(variables, { TERM: "xterm" }, value)
      assert.notInclude([...options.values()].join(""), "PINENTRY_USER_DATA", value)
      assert.deepStrictEqual(taken({ PINENTRY_USER_DATA: value }), {}, value)
    }
    assert.deepStrictEqual(taken({ PINENTRY_USER_DATA: "mine" }), { PINENTRY_USER_DATA: "mine" })
  })

  it("becomes options for an agent, each in one line", () => {
    const { options, variables } = placeOf({
      GPG_TTY: "/dev/pts/3",
      DISPLAY: ":0",
      LANG: "C",
      XMODIFIERS: "a\nOPTION pinentry-mode=loopback"
    })
    assert.deepStrictEqual(
      Object.fromEntries([...options].map(([name, line]) => [name, line.toString()])),
      {
        ttyname: "OPTION ttyname=/dev/pts/3\n",
        display: "OPTION display=:0\n",
        "lc-ctype": "OPTION lc-ctype=C\n",
        "lc-messages": "OPTION lc-messages=C\n"
      }
    )
    assert.deepStrictEqual(variables, { GPG_TTY: "/dev/pts/3", DISPLAY: ":0", LANG: "C" })
  })
})
