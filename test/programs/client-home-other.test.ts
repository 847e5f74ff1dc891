// A client under another Unix user: the homedir that it makes itself of keys it was given, at the owner's gate, as it stands in
// docs/clients.md.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { startGate } from "@gripgate/testkit/gate-process"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { chmod, realpath } from "node:fs/promises"
import { join } from "node:path"
import { giveToOther, OTHER, runAsOther } from "../support/as-user.ts"
import { PROGRAM } from "../support/command-line.ts"

const { plain, protected: bob } = fixtureKeys

describe("another user", () => {
  it("makes a homedir of keys that it is given, signs as its app, and has neither keys nor policy nor another's homedir", async () => {
    await using stack = new AsyncDisposableStack()
    const owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    for (const name of ["plain", "protected"] as const) await importKey(owner, name)
    const folder = await realpath(await makeFolder("go"))
    stack.defer(() => removeFolder(folder))
    await chmod(folder, 0o711)
    const socket = join(folder, "mail")
    const policy = [
      "default = \"allow\"",
      "[apps.mail]",
      `match = { user = "${OTHER.name}" }`,
      `socket = "${socket}"`,
      "socket-mode = \"0666\"",
      `keys = ["${plain.fingerprint}"]`,
      ""
    ].join("\n")
    const gate = stack.use(await startGate({ home: owner, policy }))
    const home = await realpath(await makeFolder("gt"))
    stack.defer(() => removeFolder(home))
    stack.use(await giveToOther(home))
    const env = { HOME: home, PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8" }
    const as = (argv: ReadonlyArray<string>, input?: Uint8Array | string) =>
      runAsOther(argv, { env, cwd: home, ...input !== undefined && { input } })
    const gripgate = (...args: ReadonlyArray<string>) => [process.execPath, PROGRAM, ...args]

    const keys = (await owner.gpg(["--export", plain.fingerprint])).stdout
    const made = await as(gripgate("home", "mail", "--keys", "-", "--socket", socket), keys)
    assert.strictEqual(made.code, 0, made.stderr)
    const dir = join(home, ".local/share/gripgate/homes/mail")
    assert.strictEqual(made.stdout.toString(), `${dir}\n`)

    const gpg = ["gpg", "--homedir", dir, "--batch", "--no-tty"]
    const signed = await as([...gpg, "--clearsign"], "a text\n")
    assert.strictEqual(signed.code, 0, signed.stderr)
    await gate.waitForLog(/allowed sign .* to app mail /)
    await owner.gpg(["--verify"], { input: signed.stdout })
    const other = await as([...gpg, "-u", bob.fingerprint, "--clearsign"], "a text\n")
    assert.include(other.stderr, "No secret key")

    // the owner's policy and homedir are closed to it, and that is said
    const unread = await as(gripgate("home", "mail", "--policy", gate.policyFile!))
    assert.strictEqual(unread.code, 78)
    assert.include(unread.stderr, "permission denied")
    const unexported = await as(
      gripgate("home", "other", "--homedir", owner.path, "--keys", "-", "--socket", socket),
      keys
    )
    assert.strictEqual(unexported.code, 64)
    const taken = await as(gripgate("home", "mail", "--dir", folder, "--keys", "-", "--socket", socket), keys)
    assert.strictEqual(taken.code, 1)
    assert.include(taken.stderr, "belongs to somebody else")
  })
})
