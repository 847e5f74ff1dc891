// gpg 1.4, which has its own keys and asks the agent only for passphrases, directly and through a gate that allows everything.
// It finds the agent by GPG_AGENT_INFO and follows no redirect file.
import { assert, describe } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { runOk, type RunResult } from "@gripgate/testkit/run"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { type Flow, type Place, sameBothWays } from "../e2e/both-ways.ts"

const gpg1 = needs("gpg1")
const text = "a text\n"
const pin = { pin: "abc" }

const parameters = [
  "Key-Type: RSA",
  "Key-Length: 1024",
  "Name-Real: Dave",
  "Name-Email: dave@example.org",
  "Expire-Date: 0",
  "Passphrase: abc",
  "%commit",
  ""
].join("\n")

/** gpg 1.4's homedir with a key in it, as a tar file. */
const makeKey = async (): Promise<Buffer> => {
  const folder = await makeFolder("g1")
  try {
    const quick = ["--quick-random", "--batch", "--no-use-agent", "--homedir", folder]
    await runOk([gpg1, ...quick, "--gen-key"], { input: parameters, env: { PATH: process.env["PATH"]! } })
    return (await runOk(["tar", "-C", folder, "-c", "pubring.gpg", "secring.gpg", "trustdb.gpg"])).stdout
  } finally {
    await removeFolder(folder)
  }
}
let key: Promise<Buffer> | undefined

const homeOf = ({ client }: Place) => join(client.path, "g1")
const withKey: Pick<Flow, "keys" | "given" | "prepare"> = {
  keys: [],
  given: () => key ??= makeKey(),
  prepare: async (place, tar) => {
    await mkdir(homeOf(place), { mode: 0o700 })
    await runOk(["tar", "-C", homeOf(place), "-x"], { input: tar })
  }
}

const gpg = (place: Place, ...args: ReadonlyArray<string>): Promise<RunResult> =>
  place.run([gpg1, "--homedir", homeOf(place), "--use-agent", "--batch", "--no-tty", "--status-fd", "2", ...args], {
    input: text,
    env: { GPG_AGENT_INFO: `${place.socket}:0:1` }
  })
const sign = (place: Place) => gpg(place, "--clearsign")
const signed = async (place: Place, { stdout }: RunResult) => {
  const { stderr } = await place.quietly([gpg1, "--homedir", homeOf(place), "--verify"], { input: stdout })
  assert.include(stderr, "Good signature from \"Dave <dave@example.org>\"")
}

describe("gpg 1.4 is the same both ways", () => {
  sameBothWays([
    { ...withKey, name: "sign", pinentry: { answers: [pin] }, command: sign, compare: signed },
    {
      ...withKey,
      name: "sign a second time, when the agent remembers",
      pinentry: { answers: [pin, "cancel"] },
      command: async (place) => {
        await sign(place)
        return sign(place)
      },
      exits: [0, 0],
      compare: async (place, result) => {
        assert.strictEqual(await place.owner.pinentry.questions(), 1)
        await signed(place, result)
      }
    },
    {
      ...withKey,
      name: "a wrong passphrase, three times",
      pinentry: { answers: [{ pin: "not it" }] },
      command: sign,
      exits: [2],
      says: /^gpg: .*clearsign failed: bad passphrase$/m,
      compare: async ({ owner }) => assert.strictEqual(await owner.pinentry.questions(), 3)
    },
    {
      ...withKey,
      name: "a wrong passphrase, then the right one",
      pinentry: { answers: [{ pin: "not it" }, pin] },
      command: sign,
      compare: signed
    },
    {
      ...withKey,
      name: "a pinentry that is cancelled",
      command: sign,
      exits: [2],
      says: /^gpg: cancelled by user$/m
    },
    {
      ...withKey,
      name: "encrypt symmetrically",
      pinentry: { answers: [pin] },
      command: (place) => gpg(place, "--symmetric"),
      compare: async ({ owner }, { stdout }) => {
        const args = ["--pinentry-mode", "loopback", "--passphrase", "abc", "--decrypt"]
        assert.strictEqual((await owner.gpg(args, { input: stdout })).stdout.toString(), text)
      }
    }
  ])
})
