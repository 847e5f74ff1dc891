// The texts of all units, and which of them there are.
import { assert, describe, it } from "@effect/vitest"
import { paths, systemPaths } from "@gripgate/proxy/paths"
import * as Result from "effect/Result"
import { basename } from "node:path"
import { ownAgentFrom } from "../../src/agent-program.ts"
import { installSystem } from "../../src/units/install-system.ts"
import { systemEnvironment, systemUnits } from "../../src/units/system-units.ts"
import { isOurs, type UnitFile } from "../../src/units/unit-file.ts"
import { placesAt, standardPlaces, userUnits } from "../../src/units/user-units.ts"

const programs = { node: "/usr/bin/node", launcher: "/opt/grip gate/gripgate.mjs" }

/** The values of a setting in a unit, in order. */
const values = (text: string, name: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : [])

const named = (files: ReadonlyArray<UnitFile>, name: string): string => {
  const file = files.find(({ path }) => path.endsWith(`/${name}`))
  assert.isDefined(file, name)
  return file!.text
}

describe("a user's units", () => {
  const plain = userUnits({ programs, folder: "/u" })

  it("are a service that a socket starts, both with the mark", () => {
    assert.deepStrictEqual(plain.map(({ path }) => path), ["/u/gripgate.service", "/u/gripgate.socket"])
    for (const { text } of plain) assert.isTrue(isOurs(text))
    const service = named(plain, "gripgate.service")
    assert.deepStrictEqual(values(service, "ExecStart"), ["/usr/bin/node \"/opt/grip gate/gripgate.mjs\" serve"])
    assert.deepStrictEqual(values(service, "Requires"), ["gripgate.socket"])
    const socket = named(plain, "gripgate.socket")
    assert.deepStrictEqual(values(socket, "ListenStream"), ["%t/gripgate/S.gpg-agent"])
    assert.deepStrictEqual([values(socket, "SocketMode"), values(socket, "DirectoryMode")], [["0600"], ["0700"]])
  })

  it("let Node compile, and never give the service up", () => {
    const service = named(plain, "gripgate.service")
    assert.deepStrictEqual(values(service, "MemoryDenyWriteExecute"), [])
    assert.deepStrictEqual(values(service, "StartLimitIntervalSec"), ["0"])
    assert.deepStrictEqual(values(service, "NoNewPrivileges"), ["yes"])
  })

  it("as a stand-in take the places of GnuPG's sockets, and move its own units aside", () => {
    const files = userUnits({ programs, folder: "/u", standIn: { places: standardPlaces } })
    assert.match(values(named(files, "gripgate.service"), "ExecStart")[0]!, / serve --upstream %t\/gnupg\/S\.gripgate$/)
    const sockets = [
      ["standard", "S.gpg-agent", "anyone"],
      ["extra", "S.gpg-agent.extra", "origin.remote"],
      ["browser", "S.gpg-agent.browser", "origin.browser"]
    ] as const
    for (const [unit, path, name] of sockets) {
      const text = named(files, `gripgate-${unit}.socket`)
      assert.deepStrictEqual(values(text, "ListenStream"), [`%t/gnupg/${path}`])
      assert.deepStrictEqual(values(text, "FileDescriptorName"), [name])
      assert.deepStrictEqual(values(text, "Service"), ["gripgate.service"])
    }
    for (const [unit, end] of [["gpg-agent", ""], ["gpg-agent-extra", ".extra"], ["gpg-agent-browser", ".browser"]]) {
      const text = named(files, `${unit}.socket.d/gripgate.conf`)
      assert.deepStrictEqual(values(text, "ListenStream"), ["", `%t/gnupg/S.gripgate${end}`])
    }
    assert.notInclude(files.map(({ path }) => basename(path)).join(), "ssh")
  })

  it("for another homedir have absolute paths, and an agent of their own", () => {
    const at = (name: string) => `/run/user/7/gnupg/d.x%/${name}`
    const places = placesAt({
      agent: at("S.gpg-agent"),
      extra: at("S.gpg-agent.extra"),
      browser: at("S.gpg-agent.browser")
    })!
    const agent = { program: "/usr/bin/gpg-agent", option: "--supervised" } as const
    const files = userUnits({ programs, folder: "/u", homedir: "/h o", standIn: { places, agent } })
    assert.match(
      values(named(files, "gripgate.service"), "ExecStart")[0]!,
      / serve --homedir "\/h o" --upstream \/run\/user\/7\/gnupg\/d\.x%%\/S\.gripgate$/
    )
    assert.deepStrictEqual(values(named(files, "gripgate-agent.service"), "ExecStart"), [
      "/usr/bin/gpg-agent --homedir \"/h o\" --supervised"
    ])
    const names = ["gripgate-agent", "gripgate-agent-extra", "gripgate-agent-browser"].map((unit) => {
      const text = named(files, `${unit}.socket`)
      assert.deepStrictEqual(values(text, "Service"), ["gripgate-agent.service"])
      return [values(text, "FileDescriptorName")[0], values(text, "ListenStream")[0]]
    })
    const moved = "/run/user/7/gnupg/d.x%%/S.gripgate"
    assert.deepStrictEqual(names, [["std", moved], ["extra", `${moved}.extra`], ["browser", `${moved}.browser`]])
    assert.isFalse(files.some(({ path }) => path.endsWith(".conf")))
    assert.isUndefined(placesAt({ agent: "/a\nb/S", extra: "/x", browser: "/y" }))
  })
})

describe("ownAgentFrom", () => {
  it("knows how each version takes its sockets", () => {
    const components = "gpg:OpenPGP:/usr/bin/gpg\ngpg-agent:Private Keys:/usr/bin/gpg-agent\n"
    const option = (version: string) => ownAgentFrom(components, `gpgconf (GnuPG) ${version}\n`)?.option
    assert.deepStrictEqual(["2.2.40", "2.4.7", "2.5.2"].map(option), Array(3).fill("--supervised"))
    assert.deepStrictEqual(["2.5.3", "2.5.12", "2.6.0", "3.0"].map(option), Array(4).fill("--deprecated-supervised"))
    assert.isUndefined(ownAgentFrom("gpg:OpenPGP:/usr/bin/gpg\n", "2.2.40"))
  })
})

describe("the system's units", () => {
  const sockets = [
    { app: "mail", path: "/run/gripgate/apps/mail/S.gpg-agent", mode: 0o660, group: "mailers" },
    { app: "ci", path: "/srv/ci/agent", mode: 0o600 }
  ]
  const files = systemUnits({ programs, root: "/", sockets, groups: ["keys"] }) as ReadonlyArray<UnitFile>

  it("have a socket for each app that owns one, as the policy says who may connect", () => {
    const mail = named(files, "gripgate-mail.socket")
    assert.deepStrictEqual(values(mail, "ListenStream"), ["/run/gripgate/apps/mail/S.gpg-agent"])
    assert.deepStrictEqual(
      ["FileDescriptorName", "SocketUser", "SocketGroup", "SocketMode"].map((name) => values(mail, name)[0]),
      ["mail", "gripgate", "mailers", "0660"]
    )
    assert.deepStrictEqual(values(named(files, "gripgate-ci.socket"), "SocketGroup"), ["gripgate"])
    assert.deepStrictEqual(values(named(files, "gripgate.service"), "SupplementaryGroups"), ["keys"])
  })

  it("name the policy, so that without one nothing is allowed", () => {
    assert.match(
      values(named(files, "gripgate.service"), "ExecStart")[0]!,
      / serve --policy \/etc\/gripgate\/policy\.toml$/
    )
  })

  it("give the gate an environment in which its places are those of the system", () => {
    const found = paths({ env: systemEnvironment, uid: 4711, home: "/nowhere" })
    for (const name of ["policyFile", "stateDir", "listenSocket", "controlSocket"] as const) {
      assert.strictEqual(found[name], systemPaths[name])
    }
    assert.strictEqual(found.appSocket("x"), systemPaths.appSocket("x"))
  })

  it("keep what would hide the clients from the gate turned off", () => {
    const service = named(files, "gripgate.service")
    for (const name of ["PrivateUsers", "ProtectProc", "ProcSubset", "MemoryDenyWriteExecute", "RuntimeDirectory"]) {
      assert.deepStrictEqual(values(service, name), [], name)
    }
  })

  it("cannot hold a socket whose path is no value", () => {
    const found = systemUnits({ programs, root: "/", groups: [], sockets: [{ app: "x", path: "/a\nb", mode: 0o600 }] })
    assert.deepStrictEqual(found, { unusable: "/a\nb" })
  })

  it("are not made where the service could not see its own program", () => {
    const at = (node: string, root?: string) =>
      installSystem({ programs: { ...programs, node }, root, policy: { sockets: [], groups: [], owned: true } })
    for (const node of ["/home/a/node", "/tmp/node", "/var/tmp/node"]) {
      const found = at(node)
      assert.isTrue(Result.isFailure(found))
      assert.include(Result.isFailure(found) ? found.failure.message : "", node)
      assert.isTrue(Result.isSuccess(at(node, "/image")), "an image has its programs elsewhere")
    }
    assert.isTrue(Result.isSuccess(at("/usr/bin/node")))
    assert.isTrue(Result.isSuccess(at("/homeless/node")))
  })
})
