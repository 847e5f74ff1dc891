import { assert, describe, it } from "@effect/vitest"
import { parseConnect, writeConnect } from "@gripgate/proxy/listen/far/connect-descriptor"
import { parseQrexec } from "@gripgate/proxy/listen/far/qrexec-descriptor"
import * as fc from "fast-check"

describe("the descriptor of gripgate connect", () => {
  const read = (text: string) => parseConnect(Buffer.from(text))

  it("is what is written, read again", () => {
    for (
      const client of [
        { named: "build", via: "ssh", remote: "SHA256:abc+/@192.0.2.7" },
        { named: "build", via: "ssh" },
        { named: "a_b-1", via: "connect" },
        { named: "work", via: "qrexec", qube: "my-work.1" }
      ] as const
    ) assert.deepStrictEqual(read(writeConnect(client).slice(0, -1)), client)
    assert.strictEqual(
      writeConnect({ named: "b", via: "ssh", remote: "::1" }),
      "{\"v\":1,\"app\":\"b\",\"via\":\"ssh\",\"remote\":\"::1\"}\n"
    )
  })

  it.each([
    ["is no JSON", "{"],
    ["is no JSON", ""],
    ["is no object", "7"],
    ["is no object", "null"],
    ["another version", "{\"v\":2,\"app\":\"build\",\"via\":\"ssh\"}"],
    ["another version", "[]"],
    ["names no transport", "{\"v\":1,\"app\":\"build\"}"],
    ["names no transport", "{\"v\":1,\"app\":\"build\",\"via\":\"kernel\"}"],
    ["names no app", "{\"v\":1,\"via\":\"ssh\"}"],
    ["names no app", "{\"v\":1,\"app\":\"Build\",\"via\":\"ssh\"}"],
    ["names no app", "{\"v\":1,\"app\":\"(nobody)\",\"via\":\"ssh\"}"],
    ["no such remote", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\",\"remote\":\"a b\"}"],
    ["no such remote", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\",\"remote\":7}"],
    ["no such remote", "{\"v\":1,\"app\":\"build\",\"via\":\"connect\",\"remote\":\"192.0.2.7\"}"],
    ["no such qube", "{\"v\":1,\"app\":\"build\",\"via\":\"qrexec\"}"],
    ["no such qube", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\",\"qube\":\"work\"}"],
    ["no such qube", "{\"v\":1,\"app\":\"build\",\"via\":\"qrexec\",\"qube\":\"-work\"}"],
    ["spelled otherwise", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\" }"],
    ["spelled otherwise", "{\"app\":\"build\",\"v\":1,\"via\":\"ssh\"}"],
    ["spelled otherwise", "{\"v\":1,\"app\":\"other\",\"app\":\"build\",\"via\":\"ssh\"}"],
    ["spelled otherwise", "{\"v\":1,\"app\":\"b\\u0075ild\",\"via\":\"ssh\"}"],
    ["spelled otherwise", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\",\"uid\":0}"],
    ["spelled otherwise", "{\"v\":1,\"app\":\"build\",\"via\":\"ssh\"}\r"]
  ])("is refused where it %s: %s", (why, text) => assert.include(read(text), why))

  it("is refused with any byte changed, added or left out, or is that of another client", () => {
    const text = Buffer.from(writeConnect({ named: "build", via: "ssh", remote: "192.0.2.7" })).subarray(0, -1)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), fc.constantFrom(0, 1, 2), (at, byte, kind) => {
        const parts = [
          text.subarray(0, at),
          ...kind === 0 ? [] : [Buffer.of(byte)],
          text.subarray(kind === 1 ? at : at + 1)
        ]
        const changed = Buffer.concat(parts)
        const client = parseConnect(changed)
        if (typeof client === "string") return
        assert.strictEqual(writeConnect({ named: "", ...client }).slice(0, -1), changed.toString())
      })
    )
  })
})

describe("the descriptor of qrexec", () => {
  const read = (text: string) => parseQrexec(Buffer.from(text, "latin1"))

  it.each([
    ["gripgate.Connect work", { via: "qrexec", qube: "work" }],
    ["gripgate.Connect+ work", { via: "qrexec", qube: "work" }],
    ["gripgate.Connect+build work", { via: "qrexec", qube: "work", named: "build" }],
    ["gripgate.Connect+build disp1234 name dom0", { via: "qrexec", qube: "disp1234", named: "build" }],
    ["gripgate.Connect+build work keyword adminvm", { via: "qrexec", qube: "work", named: "build" }],
    ["gripgate.Connect+build work keyword @dispvm:fedora-41", { via: "qrexec", qube: "work", named: "build" }]
  ])("is read: %s", (text, client) => assert.deepStrictEqual(read(text), client as never))

  it.each([
    ["neither two nor four words", ""],
    ["neither two nor four words", "gripgate.Connect"],
    ["neither two nor four words", "gripgate.Connect work "],
    ["neither two nor four words", "gripgate.Connect work name"],
    ["neither two nor four words", "gripgate.Connect  work"],
    ["neither two nor four words", "gripgate.Connect work name dom0 x"],
    ["another service", " gripgate.Connect"],
    ["another service", "qubes.Gpg work"],
    ["another service", "gripgate.ConnectX work"],
    ["another service", "gripgate.connect work"],
    ["another service", "gripgate.Connect+BUILD work"],
    ["another service", "gripgate.Connect+build+x work"],
    ["another service", "gripgate.Connect+../x work"],
    ["another service", `gripgate.Connect+${"a".repeat(64)} work`],
    ["name of a qube", "gripgate.Connect 1work"],
    ["name of a qube", "gripgate.Connect @dispvm"],
    ["name of a qube", "gripgate.Connect w\u00f6rk"],
    ["name of a qube", "gripgate.Connect work\n"],
    ["name of a qube", `gripgate.Connect ${"w".repeat(32)}`],
    ["no such target", "gripgate.Connect work type dom0"],
    ["no such target", "gripgate.Connect work name @dom0"],
    ["no such target", "gripgate.Connect work keyword @DISPVM"]
  ])("is refused: %s: %j", (why, text) => assert.include(read(text), why))
})
