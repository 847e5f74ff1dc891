// A client homedir with stock gpg: what is in it, what a renewal brings and takes, and that no moment of being killed spoils it.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey } from "@gripgate/testkit/keys"
import { processesOf, waitGone } from "@gripgate/testkit/processes"
import { runOk } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { appendFile, chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fillHome, mendHome } from "../../src/home/home.ts"
import { readMark } from "../../src/home/mark.ts"

const { plain, protected: bob } = fixtureKeys

describe("a client homedir", () => {
  const stack = new AsyncDisposableStack()
  let owner: Homedir
  let folder: string
  let number = 0
  beforeAll(async () => {
    owner = stack.use(await makeHomedir())
    for (const name of ["plain", "protected"] as const) await importKey(owner, name)
    folder = await makeFolder("gh")
    stack.defer(() => removeFolder(folder))
  })
  afterAll(() => stack.disposeAsync())

  const socket = "/nowhere/S.gpg-agent"
  const freshDir = () => join(folder, `h${++number}`)
  const fill = (dir: string, more: { readonly socket?: string; readonly app?: string } = {}) =>
    Effect.runPromise(
      Effect.result(fillHome({ dir, app: "mail", socket, keys: { kind: "owner", homedir: owner.path }, ...more }))
    )
  const filled = async (dir: string, more?: Parameters<typeof fill>[1]) => {
    const result = await fill(dir, more)
    if (Result.isFailure(result)) throw result.failure
    return result.success
  }
  const refused = async (dir: string, more?: Parameters<typeof fill>[1]): Promise<string> => {
    const result = await fill(dir, more)
    return Result.isFailure(result) ? result.failure.message : ""
  }
  const gpg = (dir: string, ...args: ReadonlyArray<string>) =>
    runOk(["gpg", "--homedir", dir, "--batch", ...args], { env: owner.env })
  const keysOf = async (dir: string) =>
    [...(await gpg(dir, "--with-colons", "-k")).stdout.toString().matchAll(/^pub:[^]*?^fpr:{9}(\w+):/gm)].map((
      [, key]
    ) => key)
      .toSorted()

  it("has the owner's public keys and trust, a redirect where gpgconf says, and no-autostart for every version", async () => {
    const dir = freshDir()
    const made = await filled(dir)
    assert.strictEqual(statSync(dir).mode & 0o777, 0o700)
    assert.sameMembers([...made.added], [plain.fingerprint, bob.fingerprint])
    assert.deepStrictEqual(await keysOf(dir), [plain.fingerprint, bob.fingerprint].toSorted())
    const { stdout } = await runOk(["gpgconf", "--homedir", dir, "--list-dirs", "agent-socket"])
    assert.strictEqual(made.redirect, stdout.toString().trim())
    assert.strictEqual(readFileSync(made.redirect, "utf8"), `%Assuan%\nsocket=${socket}\n`)
    assert.strictEqual(statSync(made.redirect).mode & 0o777, 0o600)
    for (const name of ["gpg.conf", "gpgsm.conf", "common.conf"]) {
      assert.strictEqual(readFileSync(join(dir, name), "utf8"), "no-autostart\n")
    }
    const trust = async (homedir: string) =>
      (await gpg(homedir, "--export-ownertrust")).stdout.toString().split("\n").filter((line) => !line.startsWith("#"))
    assert.sameMembers(await trust(dir), await trust(owner.path))
    assert.isFalse(existsSync(join(dir, "private-keys-v1.d")))
    // a gpg that finds nobody there starts nobody
    const signed = await Promise.resolve(gpg(dir, "--clearsign", "/dev/null")).then(
      () => "",
      (error: Error) => error.message
    )
    assert.include(signed, "No agent running")
  })

  it("is renewed: new keys come, those that the owner has no more go, what the client imported stays", async () => {
    await using other = await makeHomedir()
    await importKey(other, "plain")
    const carol = await makeKey(other, { userId: "Carol <carol@example.org>", algo: "ed25519" })
    const dir = freshDir()
    const from = (homedir: string) =>
      Effect.runPromise(fillHome({ dir, app: "mail", socket, keys: { kind: "owner", homedir } }))
    await from(other.path)
    const dave = await makeKey(owner, { userId: "Dave <dave@example.org>", algo: "ed25519" })
    const exported = (await owner.gpg(["--export", dave.fingerprint])).stdout
    await runOk(["gpg", "--homedir", dir, "--batch", "--import"], { env: owner.env, input: exported })
    const erin = await makeKey(other, { userId: "Erin <erin@example.org>", algo: "ed25519" })
    await other.gpg(["--yes", "--delete-secret-and-public-key", carol.fingerprint])
    const renewed = await from(other.path)
    assert.deepStrictEqual(renewed.added, [erin.fingerprint])
    assert.deepStrictEqual(renewed.removed, [carol.fingerprint])
    assert.deepStrictEqual(await keysOf(dir), [plain.fingerprint, dave.fingerprint, erin.fingerprint].toSorted())
    // also when the owner has had, and has lost, what the client imported itself
    await other.run(["gpg", "--batch", "--import"], { input: exported })
    await from(other.path)
    await other.gpg(["--yes", "--delete-keys", dave.fingerprint])
    assert.deepStrictEqual((await from(other.path)).removed, [])
    assert.include(await keysOf(dir), dave.fingerprint)
  })

  it("leaves lines and files of the client's own as they are", async () => {
    const dir = freshDir()
    await filled(dir)
    const conf = join(dir, "gpg.conf")
    const elsewhere = join(folder, "common-elsewhere")
    await writeFile(conf, "armor\n# no-autostart\nno-emit-version")
    await chmod(conf, 0o640)
    await writeFile(elsewhere, "# mine\n")
    await rm(join(dir, "common.conf"))
    await symlink(elsewhere, join(dir, "common.conf"))
    await writeFile(join(dir, "gpg.conf-2.2"), "armor\n")
    await filled(dir)
    assert.strictEqual(await readFile(conf, "utf8"), "armor\n# no-autostart\nno-emit-version\nno-autostart\n")
    assert.strictEqual(statSync(conf).mode & 0o777, 0o640)
    assert.strictEqual(await readFile(elsewhere, "utf8"), "# mine\nno-autostart\n")
    assert.strictEqual(await readFile(join(dir, "gpg.conf-2.2"), "utf8"), "armor\nno-autostart\n")
    await filled(dir)
    assert.strictEqual(await readFile(conf, "utf8"), "armor\n# no-autostart\nno-emit-version\nno-autostart\n")
  })

  it("is mended without its keys being looked at: a redirect that is gone, an agent that took its place, a gate that moved", async () => {
    const dir = freshDir()
    const { redirect } = await filled(dir)
    const mend = (to: string) => Effect.runPromise(mendHome({ dir, app: "mail", socket: to }))
    await rm(redirect)
    await writeFile(join(dir, "gpg.conf"), "")
    assert.strictEqual((await mend(socket))?.redirect, redirect)
    assert.include(await readFile(redirect, "utf8"), socket)
    assert.strictEqual(await readFile(join(dir, "gpg.conf"), "utf8"), "no-autostart\n")
    await rm(redirect)
    await runOk(["gpgconf", "--homedir", dir, "--launch", "gpg-agent"], { env: owner.env })
    const agents = processesOf(dir)
    assert.lengthOf(agents, 1)
    await mend("/elsewhere/S")
    assert.deepStrictEqual(await waitGone(agents, 10_000), [], "it sees that its socket is gone")
    assert.strictEqual(await readFile(redirect, "utf8"), "%Assuan%\nsocket=/elsewhere/S\n")
    assert.strictEqual((await Effect.runPromise(readMark(dir)))?.socket, "/elsewhere/S")
    assert.isUndefined(await Effect.runPromise(mendHome({ dir: freshDir(), app: "mail", socket })))
  })

  it("is made whole after whoever made it was killed at any step", async () => {
    const dir = freshDir()
    await filled(dir)
    const mark = JSON.parse(await readFile(join(dir, "gripgate.json"), "utf8"))
    const files = readdirSync(dir)
    // what a killed writer leaves alone is no folder of somebody else's
    const begun = freshDir()
    await mkdir(begun)
    await writeFile(join(begun, ".gripgate.4711.tmp"), "{")
    await filled(begun)
    assert.notInclude(readdirSync(begun), ".gripgate.4711.tmp")
    for (
      const missing of [files.filter((name) => name !== "gripgate.json"), ["trustdb.gpg"], ["S.gpg-agent", "gpg.conf"]]
    ) {
      await writeFile(join(dir, "gripgate.json"), JSON.stringify({ ...mark, complete: false }))
      for (const name of missing) await rm(join(dir, name), { force: true })
      assert.isUndefined(await Effect.runPromise(mendHome({ dir, app: "mail", socket })), "that is not enough")
      await filled(dir)
      assert.deepStrictEqual(await keysOf(dir), [...mark.keys].toSorted())
      assert.deepStrictEqual(JSON.parse(await readFile(join(dir, "gripgate.json"), "utf8")), mark)
    }
  })

  it("is refused where the folder is somebody else's: full, of another app, newer, damaged", async () => {
    const full = freshDir()
    await mkdir(full)
    await writeFile(join(full, "file"), "")
    assert.match(await refused(full), /is not empty, and no client homedir of gripgate$/)
    assert.deepStrictEqual(readdirSync(full), ["file"])
    assert.match(await refused(owner.path), /is not empty/)

    const dir = freshDir()
    await filled(dir)
    assert.match(await refused(dir, { app: "other" }), /is the client homedir of the app mail, not of other$/)
    await writeFile(join(dir, "gripgate.json"), "{\"v\": 2}")
    assert.match(await refused(dir), /was written by a newer gripgate/)
    for (const text of ["", "{", "{\"v\": 1}", "{\"v\": \"1\"}", "[]"]) {
      await writeFile(join(dir, "gripgate.json"), text)
      assert.match(await refused(dir), /is damaged$/, text)
    }
    const file = join(folder, "plain-file")
    await appendFile(file, "")
    assert.match(await refused(file), /is not a folder/)
  })

  it("leads to no socket whose path GnuPG would read otherwise", async () => {
    for (const path of ["/a/${HOME}/S", "/a\n/S", "relative/S", `/${"x".repeat(107)}`]) {
      assert.match(await refused(freshDir(), { socket: path }), /no homedir can lead to the socket/, path)
    }
    const { redirect } = await filled(freshDir(), { socket: "/a b: ü/S" })
    assert.include(await readFile(redirect, "utf8"), "/a b: ü/S")
  })

  it("takes keys from a file, and nothing that is no public key", async () => {
    const dir = freshDir()
    const given = (certificates: Buffer) =>
      Effect.runPromise(Effect.result(fillHome({ dir, app: "mail", socket, keys: { kind: "given", certificates } })))
    const armoured = (await owner.gpg(["--armor", "--export", plain.fingerprint])).stdout
    const made = await given(armoured)
    assert.deepStrictEqual(Result.isSuccess(made) && made.success.keys, [plain.fingerprint])
    assert.isNull((await Effect.runPromise(readMark(dir)))!.homedir)
    for (const bytes of [Buffer.alloc(0), Buffer.from("no keys\n")]) assert.isTrue(Result.isFailure(await given(bytes)))
    assert.deepStrictEqual(await keysOf(dir), [plain.fingerprint])
  })
})
