// Client homedirs, and the client's side: made as they should be, and then broken in one way after the other.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey, makeKey } from "@gripgate/testkit/keys"
import { chmod, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { MAIN } from "../../support/cli.ts"
import { type Examined, examineIn, mend } from "../../support/doctor.ts"

interface Place extends AsyncDisposable {
  readonly owner: Homedir
  readonly client: Homedir
  readonly gate: Gate
  readonly socket: string
  /** As the client, whose homedir is that of the environment. */
  readonly examine: (args?: ReadonlyArray<string>) => Promise<Examined>
}

const policy = (socket: string) =>
  `default = "forbid"\n[apps.mail]\nsocket = "${socket}"\nkeys = ["alice@example.org"]\nsign = "allow"\n`

const mark = (client: Homedir, owner: Homedir, socket: string, keys: ReadonlyArray<string>, v = 1) =>
  writeFile(
    join(client.path, "gripgate.json"),
    JSON.stringify({ v, app: "mail", socket, homedir: owner.path, keys, complete: true })
  )

/** An owner with a key, a gate for his app mail, and the client homedir of that. */
const makePlace = async (): Promise<Place> => {
  await using stack = new AsyncDisposableStack()
  const owner = stack.use(await makeHomedir())
  const { fingerprint } = await importKey(owner, "plain")
  const folder = await makeFolder("gh")
  stack.defer(() => removeFolder(folder))
  await mkdir(join(folder, "mail"), { mode: 0o700 })
  const socket = join(folder, "mail", "S.gpg-agent")
  const gate = stack.use(await startGate({ home: owner, program: MAIN, policy: policy(socket) }))
  const client = stack.use(await makeClientHome({ owner, socket }))
  await mark(client, owner, socket, [fingerprint])
  const closing = stack.move()
  return {
    owner,
    client,
    gate,
    socket,
    examine: (args = []) => examineIn(client.env, args),
    [Symbol.asyncDispose]: () => closing.disposeAsync()
  }
}

describe("gripgate doctor: a client homedir", () => {
  it("leads to its gate: gpg reaches it as that app, with its keys and no other", async () => {
    await using place = await makePlace()
    await makeKey(place.owner, { userId: "Bob <bob@example.org>", algo: "ed25519" })
    const keys = await place.owner.gpg(["--export", "bob@example.org"])
    await place.client.gpg(["--import"], { input: keys.stdout })
    const { only } = await place.examine(["--app", "mail"])
    assert.include(only("homes.good").message, "the homedir of mail leads to its gate")
    assert.strictEqual(only("client.reaches").message, "gpg reaches the gate, as the app mail (by socket)")
    assert.strictEqual(only("client.keys").message, "it sees the keys of Alice <alice@example.org>")
  })

  it("is out of step when the owner has another key", async () => {
    await using place = await makePlace()
    assert.notInclude((await place.examine()).ids, "homes.old-keys")
    await makeKey(place.owner, { userId: "Bob <bob@example.org>", algo: "ed25519" })
    const { code, only } = await place.examine()
    assert.deepStrictEqual([only("homes.old-keys").fix, code], ["gripgate home mail --refresh", 0])
  })

  it("is wrong without no-autostart: a program would start an agent over the socket", async () => {
    await using place = await makePlace()
    for (const name of ["gpg.conf", "gpgsm.conf", "common.conf"]) {
      await writeFile(join(place.client.path, name), "# no-autostart\n")
    }
    const { code, findings } = await place.examine()
    const missing = findings.filter(({ id }) => id === "homes.autostart")
    assert.isAtLeast(missing.length, 1)
    assert.deepStrictEqual([missing[0]!.fix, code], ["gripgate home mail --refresh", 1])
  })

  it("is wrong where its redirect is gone, leads elsewhere, or to the agent itself", async () => {
    await using place = await makePlace()
    const redirect = await place.client.agentSocket()
    await rm(redirect)
    assert.strictEqual((await place.examine()).only("homes.no-redirect").where, redirect)
    await writeFile(redirect, `%Assuan%\nsocket=${place.gate.socket}\n`)
    const elsewhere = await place.examine(["--app", "mail"])
    assert.include(elsewhere.only("homes.elsewhere").message, `leads to ${place.gate.socket}`)
    assert.include(elsewhere.only("client.other").message, "as no app, not as mail")
    await place.owner.launchAgent()
    await rm(redirect)
    await symlink(await place.owner.agentSocket(), redirect)
    const around = await place.examine(["--app", "mail"])
    assert.strictEqual(around.only("client.no-gate").fix, "eval \"$(gripgate env mail)\"")
    assert.include(around.ids, "homes.elsewhere")
  })

  it("is wrong while no gate listens, and good again after a restart", async () => {
    await using place = await makePlace()
    await place.gate.stop("SIGKILL")
    const { only } = await place.examine(["--app", "mail"])
    assert.deepStrictEqual([only("homes.dead").where, only("homes.dead").fix], [place.socket, "gripgate serve"])
    assert.include(only("client.no-gate").message, "gpg finds no gate")
    await using _ = await startGate({ home: place.owner, program: MAIN, policy: policy(place.socket) })
    assert.include((await place.examine()).ids, "homes.good")
  })

  it("is wrong with the owner's private keys in it; others are none of the owner's", async () => {
    await using place = await makePlace()
    const folder = join(place.client.path, "private-keys-v1.d")
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, `${"A".repeat(40)}.key`), "")
    assert.strictEqual((await place.examine()).only("homes.own-keys").level, "note")
    await cp(join(place.owner.path, "private-keys-v1.d"), folder, { recursive: true })
    assert.strictEqual((await place.examine()).only("homes.private-keys").where, folder)
  })

  it("is wrong where others may write to the folder of the socket", async () => {
    await using place = await makePlace()
    await chmod(join(place.socket, ".."), 0o777)
    const { findings, only } = await place.examine()
    const open = only("homes.open")
    assert.strictEqual(open.where, join(place.socket, ".."))
    assert.isTrue(findings.some(({ id }) => id === "homes.good") === false)
    await mend(place.client, open.fix)
    assert.include((await place.examine()).ids, "homes.good")
  })

  it("with a mark that cannot be used is told as such", async () => {
    await using place = await makePlace()
    await mark(place.client, place.owner, place.socket, [], 2)
    assert.include((await place.examine()).only("homes.mark").message, "a newer gripgate wrote it")
    await writeFile(join(place.client.path, "gripgate.json"), "{")
    assert.include((await place.examine()).only("homes.mark").message, "it is no mark of a client homedir")
  })

  it("is found at its standard place by the owner, too", async () => {
    await using place = await makePlace()
    const homes = join(place.owner.path, ".local", "share", "gripgate", "homes")
    await mkdir(homes, { recursive: true, mode: 0o700 })
    await symlink(place.client.path, join(homes, "mail"))
    const { only } = await examineIn(place.owner.env)
    assert.strictEqual(only("homes.good").where, join(homes, "mail"))
  })
})
