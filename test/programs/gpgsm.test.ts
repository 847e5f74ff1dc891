// gpgsm, GnuPG's other program, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk, type RunOptions, type RunResult } from "@gripgate/testkit/run"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Flow, type Place, sameBothWays } from "../e2e/both-ways.ts"

const gpgsm = needs("gpgsm")
const offline = ["--disable-dirmngr", "--disable-crl-checks", "--no-tty", "--yes", "--status-fd", "2"]
/** The passphrase comes on standard input, so that everything else has to be a file. */
const loopback = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
const text = "a text\n"
const pin = { pin: "abc" }

const parameters = [
  "Key-Type: RSA",
  "Key-Length: 2048",
  "Key-Usage: sign, encrypt",
  "Serial: random",
  "Name-DN: CN=Carol",
  "Name-Email: carol@example.org",
  "Not-After: 2090-01-01",
  "%commit",
  ""
].join("\n")

/** Runs gpgsm on a file in a homedir; what is given as `passphrase` it gets by loopback. */
const runOn = async (
  runWith: (argv: ReadonlyArray<string>, options: RunOptions) => Promise<RunResult>,
  home: Homedir,
  args: ReadonlyArray<string>,
  options: { readonly passphrase?: string; readonly input?: string | Buffer } = {}
): Promise<RunResult> => {
  const { input, passphrase } = options
  if (input !== undefined) await writeFile(join(home.path, "input"), input)
  const argv = [gpgsm, ...offline, ...passphrase === undefined ? [] : loopback, ...args]
  return runWith(input === undefined ? argv : [...argv, join(home.path, "input")], {
    env: home.env,
    input: passphrase === undefined ? "" : `${passphrase}\n`
  })
}

/** A homedir with a root certificate of its own, its key and the trust in it, as a tar file. */
const makeCertificate = async (): Promise<Buffer> => {
  await using home = await makeHomedir({ agentConf: ["disable-scdaemon"] })
  const made = await runOn(runOk, home, ["--generate-key"], { passphrase: "abc", input: parameters })
  await runOn(runOk, home, ["--import"], { input: made.stdout })
  const listed = (await runOn(runOk, home, ["--with-colons", "-k"])).stdout.toString()
  await writeFile(join(home.path, "trustlist.txt"), `${/^fpr:+([0-9A-F]{40}):/m.exec(listed)![1]} S relax\n`)
  const names = ["private-keys-v1.d", "pubring.kbx", "trustlist.txt"]
  return (await runOk(["tar", "-C", home.path, "-c", ...names])).stdout
}
let certificate: Promise<Buffer> | undefined
const given = (): Promise<Buffer> => certificate ??= makeCertificate()

const unpack = (home: Homedir, tar: Buffer, ...names: ReadonlyArray<string>) =>
  runOk(["tar", "-C", home.path, "-x", ...names], { input: tar })

/** The owner gets key and trust, both get the certificate. */
const prepare: NonNullable<Flow["prepare"]> = async ({ client, owner }, tar) => {
  await unpack(owner, tar)
  await unpack(client, tar, "pubring.kbx")
}
const withCertificate = { keys: [], given, prepare } as const

type Options = Parameters<typeof runOn>[3]
const sm = ({ client, run }: Place, args: ReadonlyArray<string>, options?: Options) => runOn(run, client, args, options)
const quietly = ({ client, quietly }: Place, args: ReadonlyArray<string>, options?: Options) =>
  runOn(quietly, client, args, options)

const signed = async ({ owner }: Place, { stdout }: RunResult) => {
  const { stderr } = await runOn(run, owner, ["--verify"], { input: stdout })
  assert.match(stderr, /GOODSIG [0-9A-F]{40} \/CN=Carol/)
}
const readable = async (_: Place, { stdout }: RunResult) => assert.strictEqual(stdout.toString(), text)

describe("gpgsm is the same both ways", () => {
  const sign = (passphrase?: string) => (place: Place) =>
    sm(place, ["-u", "carol@example.org", "--sign"], { input: text, ...passphrase !== undefined && { passphrase } })
  const encrypted = async (place: Place) =>
    (await quietly(place, ["-r", "carol@example.org", "--encrypt"], { input: text })).stdout
  const signature = async (place: Place) =>
    (await quietly(place, ["--sign"], { input: text, passphrase: "abc" })).stdout
  sameBothWays([
    {
      ...withCertificate,
      name: "a list of secret keys",
      command: (place) => sm(place, ["--with-colons", "-K"]),
      compare: async (_, { stdout }) => {
        assert.match(stdout.toString(), /^crs:/m)
        return stdout.toString().split("\n")
      }
    },
    {
      ...withCertificate,
      name: "sign with a pinentry",
      pinentry: { answers: [pin] },
      command: sign(),
      compare: signed
    },
    { ...withCertificate, name: "sign with a loopback passphrase", command: sign("abc"), compare: signed },
    {
      ...withCertificate,
      name: "sign with a wrong loopback passphrase",
      command: sign("not it"),
      exits: [2],
      says: /^gpgsm: error creating signature: Bad passphrase/m
    },
    {
      ...withCertificate,
      name: "sign with a pinentry that is cancelled",
      command: sign(),
      exits: [2],
      says: /^gpgsm: error creating signature: Operation cancelled/m
    },
    {
      ...withCertificate,
      name: "verify",
      command: async (place) => sm(place, ["--verify"], { input: await signature(place) }),
      compare: async (_, { stderr }) => assert.include(stderr, "Good signature")
    },
    {
      ...withCertificate,
      name: "verify with a root that the owner is asked to trust",
      pinentry: { answers: [{ confirm: true }] },
      prepare: async (place, tar) => {
        await prepare(place, tar)
        await writeFile(join(place.client.path, "signature"), await signature(place))
        // without a file the agent does not ask: it would not make one (GnuPG agent/trustlist.c)
        await writeFile(join(place.owner.path, "trustlist.txt"), "")
        await place.owner.run(["gpgconf", "--reload", "gpg-agent"])
      },
      command: (place) => sm(place, ["--verify", join(place.client.path, "signature")]),
      compare: async ({ askAgent, owner }) => {
        assert.strictEqual(await owner.pinentry.questions(), 2)
        return askAgent("LISTTRUSTED")
      }
    },
    {
      ...withCertificate,
      name: "decrypt with a pinentry",
      pinentry: { answers: [pin] },
      command: async (place) => sm(place, ["--decrypt"], { input: await encrypted(place) }),
      compare: readable
    },
    {
      ...withCertificate,
      name: "decrypt with a loopback passphrase",
      command: async (place) => sm(place, ["--decrypt"], { input: await encrypted(place), passphrase: "abc" }),
      compare: readable
    },
    {
      ...withCertificate,
      name: "take a secret key along, as PKCS#12",
      command: (place) => sm(place, ["--export-secret-key-p12", "carol@example.org"], { passphrase: "abc" }),
      compare: async (_, { stdout }) => assert.isAbove(stdout.length, 1000)
    },
    {
      name: "bring a secret key, as PKCS#12",
      keys: [],
      given: async (home) => {
        await unpack(home, await given())
        const args = ["--export-secret-key-p12", "carol@example.org"]
        return (await runOn(runOk, home, args, { passphrase: "abc" })).stdout
      },
      pinentry: { answers: [pin, { pin: "a passphrase of its own, 8" }] },
      command: (place, p12) => sm(place, ["--import"], { input: p12 })
    },
    {
      name: "make a key, with its progress",
      keys: [],
      pinentry: { answers: [{ pin: "a passphrase of its own, 8" }] },
      command: (place) => sm(place, ["--batch", "--generate-key"], { input: parameters }),
      compare: async (_, { stdout }) => assert.isAbove(stdout.length, 500)
    },
    {
      name: "learn a card that is not there",
      keys: [],
      agentConf: ["scdaemon-program /nonexistent/scdaemon"],
      command: (place) => sm(place, ["--learn-card"]),
      exits: [2],
      says: /^gpgsm: error learning card: No SmartCard daemon$/m
    }
  ])
})
