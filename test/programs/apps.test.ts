// One gate before one agent, and three apps with stock gpg: known by a socket, by a user, and by a program. Each has the keys
// that the policy gives it; all others do not exist for it.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey, makeKey, readKey, type TestKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import type { RunOptions, RunResult } from "@gripgate/testkit/run"
import { chmod, copyFile, mkdir, realpath, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { giveToOther, OTHER, runAsOther } from "../support/as-user.ts"

const apps = ["mail", "daemon", "release"] as const
type App = typeof apps[number]

/** Everybody with a key; the last one's is for no app. */
const people = [...apps, "nobody's"] as const
type Person = typeof people[number]

const howKnown: Readonly<Record<App, string>> = {
  mail: "known by its socket",
  daemon: "known by its user",
  release: "known by its program"
}

const text = "a text\n"

/** What a policy may call the keys of an app. */
const namings: Readonly<Record<string, (key: TestKey) => ReadonlyArray<string>>> = {
  keygrips: ({ keygrips: { encryption, primary } }) => [`grip:${primary}`, `grip:${encryption}`],
  addresses: ({ userId }) => [/<(.*)>/.exec(userId)![1]!],
  fingerprints: ({ fingerprint }) => [fingerprint]
}

/** A client with all public keys and no private one. */
interface Client {
  gpg(args: ReadonlyArray<string>, options?: Omit<RunOptions, "env">): Promise<RunResult>
}

interface Stage {
  readonly owner: Homedir
  readonly keys: Readonly<Record<Person, TestKey>>
  /** The text, encrypted to one key each. */
  readonly encrypted: Readonly<Record<Person, Buffer>>
  /** The text, encrypted to all keys. */
  readonly forAll: Buffer
  /** Sockets lie here, and the program of one app; everybody can reach it, and nobody can look into it. */
  readonly folder: string
}

const makeStage = async (stack: AsyncDisposableStack): Promise<Stage> => {
  for (const program of ["gpg", "gpg-agent"] as const) needs(program)
  const folder = await realpath(await makeFolder("ga"))
  stack.defer(() => removeFolder(folder))
  await chmod(folder, 0o711)
  await mkdir(join(folder, "bin"))
  await copyFile(needs("gpg"), join(folder, "bin", "gpg"))
  const owner = stack.use(
    await makeHomedir({
      agentConf: ["disable-scdaemon"],
      pinentry: { answers: [], default: { pin: fixtureKeys.protected.passphrase } }
    })
  )
  for (const name of ["plain", "protected", "rsa"] as const) await importKey(owner, name)
  const made = await makeKey(owner, { userId: "Dave <dave@example.org>", algo: "ed25519", subkey: "cv25519" })
  const keys = {
    mail: await readKey(owner, fixtureKeys.plain.fingerprint),
    daemon: await readKey(owner, fixtureKeys.protected.fingerprint),
    release: await readKey(owner, fixtureKeys.rsa.fingerprint),
    "nobody's": made
  }
  const encrypt = async (...whose: ReadonlyArray<Person>) => {
    const recipients = whose.flatMap((person) => ["-r", keys[person].fingerprint])
    return (await owner.gpg([...recipients, "--encrypt"], { input: text })).stdout
  }
  const forAll = await encrypt(...people)
  const encrypted = {
    mail: await encrypt("mail"),
    daemon: await encrypt("daemon"),
    release: await encrypt("release"),
    "nobody's": await encrypt("nobody's")
  }
  return { owner, keys, encrypted, forAll, folder }
}

const socketOf = ({ folder }: Stage, app: App): string => join(folder, "apps", app)
const programOf = ({ folder }: Stage): string => join(folder, "bin", "gpg")

const policyOf = (stage: Stage, naming: string): string => {
  const keysOf = (app: App) => `keys = ${JSON.stringify(namings[naming]!(stage.keys[app]))}`
  return [
    "default = \"allow\"",
    "[apps.mail]",
    `socket = "${socketOf(stage, "mail")}"`,
    keysOf("mail"),
    "[apps.daemon]",
    `match = { user = "${OTHER.name}" }`,
    `socket = "${socketOf(stage, "daemon")}"`,
    "socket-mode = \"0666\"",
    keysOf("daemon"),
    "[apps.release]",
    `match = { exe = "${programOf(stage)}" }`,
    keysOf("release"),
    "[anyone]",
    "keys = []",
    ""
  ].join("\n")
}

/** A client of one socket, which runs `program` as the user of the tests, or gpg as another one. */
const makeClient = async (
  stack: AsyncDisposableStack,
  { owner }: Stage,
  socket: string,
  how: { readonly program?: string; readonly other?: true } = {}
): Promise<Client> => {
  const home = stack.use(await makeClientHome({ owner, socket }))
  const argv = [how.program ?? "gpg", "--batch", "--no-tty", "--trust-model", "always"]
  if (how.other === undefined) return { gpg: (args, options) => home.run([...argv, ...args], options) }
  // the other user has no directory for sockets, so this is where its gpg looks
  await writeFile(join(home.path, "S.gpg-agent"), `%Assuan%\nsocket=${socket}\n`, { mode: 0o600 })
  stack.use(await giveToOther(home.path))
  return { gpg: (args, options) => runAsOther([...argv, ...args], { ...options, env: home.env }) }
}

/** The keygrips that gpg lists as secret keys which are there, field 15 (GnuPG doc/DETAILS). */
const listedBy = async (client: Client): Promise<ReadonlyArray<string>> => {
  const { code, stderr, stdout } = await client.gpg(["--with-colons", "--with-keygrip", "-K"])
  assert.strictEqual(code, 0, stderr)
  assert.notMatch(stderr, /Forbidden|gripgate/)
  const grips: Array<string> = []
  let isThere = false
  for (const [record, ...fields] of stdout.toString().split("\n").map((line) => line.split(":"))) {
    if (record === "sec" || record === "ssb") isThere = fields[13] === "+"
    if (record === "sec") assert.isTrue(isThere, "a certificate whose primary key is not there is not listed either")
    if (record === "grp" && isThere) grips.push(fields[8]!)
  }
  return grips.toSorted()
}

const gripsOf = ({ keygrips: { encryption, primary } }: TestKey): ReadonlyArray<string> =>
  [primary, encryption!].toSorted()

const assertNoSecretKey = ({ code, stderr, stdout }: RunResult): void => {
  assert.strictEqual(code, 2, stderr)
  assert.include(stderr, "No secret key\n")
  assert.notMatch(stderr, /Forbidden|gripgate|[Pp]ermission|not allowed/)
  assert.strictEqual(stdout.length, 0)
}

describe("three apps of one gate", () => {
  const whole = new AsyncDisposableStack()
  let stage: Stage
  beforeAll(async () => {
    stage = await makeStage(whole)
  })
  afterAll(() => whole.disposeAsync())

  for (const naming of Object.keys(namings)) {
    describe(`by ${naming}`, () => {
      const stack = new AsyncDisposableStack()
      let gate: Gate
      let clients: Readonly<Record<App, Client>>
      beforeAll(async () => {
        gate = stack.use(
          await startGate({
            home: stage.owner,
            policy: policyOf(stage, naming),
            listen: join(stage.folder, "open"),
            args: ["--state", join(stage.owner.path, "state"), "--control", join(stage.owner.path, "control")]
          })
        )
        clients = {
          mail: await makeClient(stack, stage, socketOf(stage, "mail")),
          daemon: await makeClient(stack, stage, socketOf(stage, "daemon"), { other: true }),
          release: await makeClient(stack, stage, gate.socket, { program: programOf(stage) })
        }
      })
      afterAll(() => stack.disposeAsync())

      for (const app of apps) {
        const others = people.filter((person) => person !== app)

        describe(`the one ${howKnown[app]}`, () => {
          it("lists its own keys and no other", async () => {
            assert.deepStrictEqual(await listedBy(clients[app]), gripsOf(stage.keys[app]))
          })

          it("signs with its own key, named or not", async () => {
            for (const user of [["-u", stage.keys[app].fingerprint], []]) {
              const { code, stderr, stdout } = await clients[app].gpg([...user, "--detach-sign"], { input: text })
              assert.strictEqual(code, 0, stderr)
              const signature = join(stage.owner.path, "text.sig")
              await writeFile(signature, stdout)
              const verified = await stage.owner.gpg(["--status-fd", "1", "--verify", signature, "-"], { input: text })
              assert.include(verified.stdout.toString(), `[GNUPG:] VALIDSIG ${stage.keys[app].fingerprint} `)
            }
          })

          it("decrypts what is for its own key, alone or among others", async () => {
            for (const input of [stage.encrypted[app], stage.forAll]) {
              const { code, stderr, stdout } = await clients[app].gpg(["--decrypt"], { input })
              assert.strictEqual(code, 0, stderr)
              assert.strictEqual(stdout.toString(), text)
              assert.notMatch(stderr, /Forbidden|gripgate/)
            }
          })

          for (const other of others) {
            const whose = other === "nobody's" ? "the key of no app" : `the key of the one ${howKnown[other]}`

            it(`cannot sign with ${whose}: no secret key`, async () => {
              for (const name of [stage.keys[other].fingerprint, stage.keys[other].userId]) {
                assertNoSecretKey(await clients[app].gpg(["-u", name, "--detach-sign"], { input: text }))
              }
            })

            it(`cannot decrypt with ${whose}: no secret key`, async () => {
              assertNoSecretKey(await clients[app].gpg(["--decrypt"], { input: stage.encrypted[other] }))
            })
          }
        })
      }

      it("whoever else comes through the socket of a user, or to the open one, has no key", async () => {
        await using more = new AsyncDisposableStack()
        for (const socket of [socketOf(stage, "daemon"), gate.socket]) {
          const client = await makeClient(more, stage, socket)
          assert.deepStrictEqual(await listedBy(client), [])
          for (const person of people) {
            const { fingerprint } = stage.keys[person]
            assertNoSecretKey(await client.gpg(["-u", fingerprint, "--detach-sign"], { input: text }))
          }
        }
      })

      it("and nobody else can use the socket that one app owns", async () => {
        await using more = new AsyncDisposableStack()
        for (const socket of [socketOf(stage, "mail"), gate.socket]) {
          const client = await makeClient(more, stage, socket, { other: true })
          const { code, stderr, stdout } = await client.gpg(["--with-colons", "-K"])
          assert.notInclude(stdout.toString(), "sec:", stderr)
          assert.isNotNull(code)
          const signed = await client.gpg(["-u", stage.keys.mail.fingerprint, "--detach-sign"], { input: text })
          assert.strictEqual(signed.code, 2, signed.stderr)
        }
      })
    })
  }
})
