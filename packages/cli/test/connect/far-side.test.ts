import { assert, describe, it } from "@effect/vitest"
import { plain } from "gripgate/connect/connect"
import { farSide } from "gripgate/connect/far-side"
import { createHash } from "node:crypto"
import { chmodSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { makeFolder, put } from "../support/cli.ts"

const uid = process.getuid!()
const SSH = "192.0.2.7 50412 198.51.100.1 22"

describe("what a transport says of the far side", () => {
  it("is an address where sshd has set it, and nothing where nobody has", () => {
    assert.deepStrictEqual(farSide({}, uid), { via: "connect" })
    assert.deepStrictEqual(farSide({ SSH_CONNECTION: SSH }, uid), { via: "ssh", remote: "192.0.2.7" })
    const v6 = "fe80::1%eth0 50412 fe80::2 22"
    assert.deepStrictEqual(farSide({ SSH_CONNECTION: v6 }, uid), { via: "ssh", remote: "fe80::1%eth0" })
    assert.deepStrictEqual(farSide({ SSH_CONNECTION: "" }, uid), { via: "ssh" })
  })

  it("is nothing that a client can send along", () => {
    const sent = {
      SSH_ORIGINAL_COMMAND: "gripgate connect release",
      GRIPGATE_APP: "release",
      GRIPGATE_VIA: "qrexec",
      QREXEC_REMOTE_DOMAIN: "vault",
      QREXEC_SERVICE_ARGUMENT: "release",
      SSH_CLIENT: "127.0.0.1 1 22"
    }
    assert.deepStrictEqual(farSide({ ...sent, SSH_CONNECTION: SSH }, uid), { via: "ssh", remote: "192.0.2.7" })
  })

  it("is a qube where qrexec has set it", () => {
    assert.deepStrictEqual(farSide({ QREXEC_REMOTE_DOMAIN: "work" }, uid), { via: "qrexec", qube: "work" })
    for (const name of ["", "@dispvm", "a b", "1"]) {
      assert.strictEqual(farSide({ QREXEC_REMOTE_DOMAIN: name }, uid), "QREXEC_REMOTE_DOMAIN is no name of a qube")
    }
  })

  it("has the key that the client showed, where sshd says it in a file of this user", () => {
    const folder = makeFolder()
    const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIGJlZm9yZSB0aGUgZ2F0ZSB0aGVyZSBpcyBubyBrZXkh"
    const print = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace("=", "")
    const remoteOf = (auth: string) => farSide({ SSH_CONNECTION: SSH, SSH_USER_AUTH: auth }, uid)
    const withKey = { via: "ssh", remote: `SHA256:${print}@192.0.2.7` } as const
    const withoutKey = { via: "ssh", remote: "192.0.2.7" } as const
    const file = put(folder, "auth", `publickey ssh-ed25519 ${blob}\n`)
    assert.deepStrictEqual(remoteOf(file), withoutKey, "others may read it, so it is not sshd's")
    chmodSync(file, 0o600)
    assert.deepStrictEqual(remoteOf(file), withKey)
    assert.deepStrictEqual(farSide({ SSH_CONNECTION: SSH, SSH_USER_AUTH: file }, uid + 1), withoutKey)
    symlinkSync(file, join(folder, "link"))
    for (const other of [join(folder, "link"), join(folder, "none"), folder, "/dev/null", ""]) {
      assert.deepStrictEqual(remoteOf(other), withoutKey, other)
    }
    for (
      const text of [
        "password\n",
        `publickey ssh-ed25519-cert-v01@openssh.com ${blob}\n`,
        "publickey ssh-ed25519 not@base64\n",
        `a publickey ssh-ed25519 ${blob}\n`,
        ""
      ]
    ) {
      chmodSync(put(folder, "auth", text), 0o600)
      assert.deepStrictEqual(remoteOf(file), withoutKey, text)
    }
    chmodSync(put(folder, "auth", `password\npublickey ssh-ed25519 ${blob}\n`), 0o600)
    assert.deepStrictEqual(remoteOf(file), withKey)
  })
})

describe("a command line of gripgate connect that the small bundle takes", () => {
  it.each([
    [["build"], { app: "build", socket: undefined }],
    [["build", "--socket", "/run/c"], { app: "build", socket: "/run/c" }],
    [[], undefined],
    [["Build"], undefined],
    [["--help"], undefined],
    [["build", "--help"], undefined],
    [["build", "-h"], undefined],
    [["build", "--socket"], undefined],
    [["build", "--socket", ""], undefined],
    [["build", "--socket", "--help"], undefined],
    [["build", "--socket=/run/c"], undefined],
    [["--socket", "/run/c", "build"], undefined],
    [["build", "other"], undefined]
  ])("%j", (args, options) => assert.deepStrictEqual(plain(args), options))
})
