import { assert, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Policy } from "@gripgate/policy/policy"
import type { Passed } from "@gripgate/proxy/listen/activation"
import { paths } from "@gripgate/proxy/paths"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { listenOn } from "../../src/verbs/listen-on.ts"

const policy: Policy = Result.getOrThrow(parsePolicy(
  `default = "ask"
[apps.git]
socket = "git"
keys = ["*"]
[apps.mail]
socket = "/run/mail/agent"
keys = ["*"]
`,
  "p.toml"
))

const standard = paths({ env: { XDG_RUNTIME_DIR: "/run/user/7", HOME: "/home/a" }, uid: 7, home: "/home/a" })

const sockets = (flags: ReadonlyArray<string>, by: Policy = policy, passed: ReadonlyArray<Passed> = []) =>
  Effect.runSync(listenOn(flags, by, standard, passed))

const errorOf = (flags: ReadonlyArray<string>, passed: ReadonlyArray<Passed> = []) => {
  const failed = Effect.runSync(Effect.flip(listenOn(flags, policy, standard, passed)))
  if (failed._tag === "Failure") return failed.complaints[0]
  const [error] = failed.errors
  return error?._tag === "UserError" ? error.cause : error
}

describe("listenOn", () => {
  it("is the standard socket, and those that apps own, where no flag names one", () => {
    assert.deepStrictEqual(sockets([], builtin("allow")), [{ path: "/run/user/7/gripgate/S.gpg-agent", mode: 0o600 }])
    assert.deepStrictEqual(sockets([]), [
      { path: "/run/user/7/gripgate/S.gpg-agent", mode: 0o600 },
      { path: "/run/user/7/gripgate/apps/git/S.gpg-agent", app: "git", mode: 0o600 },
      { path: "/run/mail/agent", app: "mail", mode: 0o600 }
    ])
  })

  it("is what the flags name instead, and the sockets of the other apps", () => {
    assert.deepStrictEqual(sockets(["/a", "git=/g"]), [
      { path: "/a", mode: 0o600 },
      { path: "/g", app: "git" },
      { path: "/run/mail/agent", app: "mail", mode: 0o600 }
    ])
  })

  it("leaves nothing for whoever is no app where only an app is named", () => {
    assert.deepStrictEqual(sockets(["git=/g", "git=/h"]).map(({ app }) => app), ["git", "git", "mail"])
  })

  it("gives the sockets that no app owns the access that [gate] says", () => {
    const shared: Policy = { ...policy, gate: { sockets: ["S.x"], access: { mode: 0o660, group: "mail" } } }
    assert.deepStrictEqual(sockets([], shared)[0], { path: "/run/user/7/gripgate/S.x", mode: 0o660, group: "mail" })
    assert.deepStrictEqual(sockets(["/a"], shared)[0], { path: "/a", mode: 0o660, group: "mail" })
    assert.deepStrictEqual(sockets(["git=/g"], shared)[0], { path: "/g", app: "git" })
  })

  it("takes a relative path, and one with a = in it, which cannot be an app's", () => {
    const here = process.cwd()
    assert.deepStrictEqual(sockets(["a", "./b=c", "/D=e"], builtin("allow")), [
      { path: `${here}/a`, mode: 0o600 },
      { path: `${here}/b=c`, mode: 0o600 },
      { path: "/D=e", mode: 0o600 }
    ])
  })

  it("refuses an app that the policy does not have, an empty socket, and the same socket twice", () => {
    assert.deepStrictEqual(errorOf(["gut=/x"]), {
      message: "--listen gut=/x: the policy has no app \"gut\"",
      hint: "did you mean \"git\"?"
    })
    assert.deepStrictEqual(errorOf(["a=b"]), {
      message: "--listen a=b: the policy has no app \"a\"",
      hint: "for a path with a = in it write ./a=b"
    })
    assert.include(errorOf(["git="]), { message: "--listen needs a socket" })
    assert.include(errorOf(["/run/mail/agent"]), { message: "/run/mail/agent would be listened at twice" })
  })
  describe("with sockets that were handed over", () => {
    const handed = (...names: ReadonlyArray<string | undefined>): ReadonlyArray<Passed> =>
      names.map((name, index) => ({ fd: 3 + index, name, path: `/run/x/${index}` }))

    it("knows an app by its name, and makes no other socket for it", () => {
      assert.deepStrictEqual(sockets([], policy, handed("git")), [
        { path: "/run/x/0", fd: 3, app: "git" },
        { path: "/run/user/7/gripgate/S.gpg-agent", mode: 0o600 },
        { path: "/run/mail/agent", app: "mail", mode: 0o600 }
      ])
    })

    it("makes no standard socket beside one that is for whoever is no app", () => {
      for (const name of ["anyone", "gripgate.socket", "any-unit@x.socket", undefined]) {
        assert.deepStrictEqual(sockets([], builtin("allow"), handed(name)), [{ path: "/run/x/0", fd: 3 }])
      }
    })

    it("tells restricted clients apart, and they are not in the place of the standard socket", () => {
      assert.deepStrictEqual(sockets([], builtin("allow"), handed("origin.remote", "origin.browser")), [
        { path: "/run/x/0", fd: 3, origin: "remote" },
        { path: "/run/x/1", fd: 4, origin: "browser" },
        { path: "/run/user/7/gripgate/S.gpg-agent", mode: 0o600 }
      ])
    })

    it("goes together with --listen, but not at the same place", () => {
      assert.deepStrictEqual(sockets(["/a"], builtin("allow"), handed("anyone")), [
        { path: "/run/x/0", fd: 3 },
        { path: "/a", mode: 0o600 }
      ])
      assert.include(errorOf(["/run/x/0"], handed("anyone")), { message: "/run/x/0 would be listened at twice" })
    })

    it("refuses a name that means nothing, and says what it could be", () => {
      assert.deepStrictEqual(errorOf([], handed("gut")), {
        message: "the socket /run/x/0 was handed over as \"gut\", which is no app of the policy",
        hint: "did you mean \"git\"?"
      })
      assert.include(errorOf([], handed("origin.remot")), { hint: "did you mean \"origin.remote\"?" })
      assert.include(errorOf([], handed("connection")), {
        hint: "FileDescriptorName= is one of git, mail, anyone, origin.remote, origin.browser"
      })
      assert.isDefined(errorOf([], handed("")))
    })
  })
})
