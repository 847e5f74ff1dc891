import { assert, describe, it } from "@effect/vitest"
import { placeOfThis } from "../../src/verbs/tty.ts"

describe("placeOfThis", () => {
  it("is what a pinentry needs of an environment, and the terminal", () => {
    assert.deepStrictEqual(
      placeOfThis(
        { TERM: "xterm", DISPLAY: ":0", LANG: "de_DE.UTF-8", PATH: "/bin", LD_PRELOAD: "/x.so", XAUTHORITY: "" },
        () => "/dev/pts/3"
      ),
      { GPG_TTY: "/dev/pts/3", TERM: "xterm", DISPLAY: ":0", LANG: "de_DE.UTF-8" }
    )
  })

  it("takes the terminal that GPG_TTY names, unless that is none", () => {
    const here = () => "/dev/pts/3"
    assert.strictEqual(placeOfThis({ GPG_TTY: "/dev/pts/7" }, here)["GPG_TTY"], "/dev/pts/7")
    for (const none of ["", "not a tty", undefined]) {
      assert.strictEqual(placeOfThis({ GPG_TTY: none }, here)["GPG_TTY"], "/dev/pts/3")
    }
    assert.deepStrictEqual(placeOfThis({ GPG_TTY: "not a tty" }, () => undefined), {})
  })

  it("leaves out what a gate would not take", () => {
    for (const env of [{ XMODIFIERS: "x".repeat(4097) }, { PINENTRY_USER_DATA: "gripgate:gg1-a-b-c" }]) {
      assert.deepStrictEqual(placeOfThis({ ...env, TERM: "xterm" }, () => undefined), { TERM: "xterm" })
    }
  })
})
