// Decryptions of every kind, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import type { Homedir } from "@gripgate/testkit/homedir"
import { fixtureKeys } from "@gripgate/testkit/keys"
import type { RunResult } from "@gripgate/testkit/run"
import { type Flow, type Place, sameBothWays } from "./both-ways.ts"

const text = "a text to read\n"
const pin = { pin: "abc" }
const { plain, protected: bob, rsa } = fixtureKeys
const loopback = (passphrase: string) => ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]

const encrypted = (...to: ReadonlyArray<string>) => async (home: Homedir): Promise<Buffer> =>
  (await home.gpg([...to, "--encrypt"], { input: text })).stdout
const forBob = encrypted("-r", bob.fingerprint)
const decrypt = (...args: ReadonlyArray<string>) => ({ gpg }: Place, input: Buffer) =>
  gpg([...args, "--decrypt"], { input })
const readable = async (_: Place, { stdout }: RunResult) => assert.strictEqual(stdout.toString(), text)
const unreadable = async (_: Place, { stdout }: RunResult) => assert.strictEqual(stdout.length, 0)

describe("a decryption is the same both ways", () => {
  sameBothWays([
    { name: "without a passphrase", given: encrypted("-r", plain.fingerprint), command: decrypt(), compare: readable },
    {
      name: "with RSA",
      keys: ["rsa"],
      given: encrypted("-r", rsa.fingerprint),
      command: decrypt(),
      compare: readable
    },
    {
      name: "with a pinentry",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      given: forBob,
      command: decrypt(),
      compare: readable
    },
    {
      name: "with a loopback passphrase",
      keys: ["protected"],
      given: forBob,
      command: decrypt(...loopback("abc")),
      compare: readable
    },
    {
      name: "with a loopback passphrase from a file descriptor",
      keys: ["protected"],
      given: forBob,
      prepare: async ({ quietly }, given) => await quietly(["tee", "message"], { input: given }),
      command: ({ gpg }) =>
        gpg(["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--decrypt", "message"], {
          input: "abc\n"
        }),
      compare: readable
    },
    {
      name: "with a wrong loopback passphrase",
      keys: ["protected"],
      given: forBob,
      command: decrypt(...loopback("not it")),
      exits: [2],
      says: /^gpg: public key decryption failed: Bad passphrase$/m,
      compare: unreadable
    },
    {
      name: "with a key that is unlocked already",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      given: forBob,
      prepare: ({ quietly }, input) => quietly(["gpg", "--decrypt"], { input }),
      command: decrypt(),
      compare: async (place, result) => {
        assert.strictEqual(await place.owner.pinentry.questions(), 1, "that of the first decryption")
        await readable(place, result)
      }
    },
    {
      name: "with a passphrase that another key of the same was unlocked with",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      given: forBob,
      prepare: ({ quietly }) => quietly(["gpg", "--clearsign"], { input: text }),
      command: decrypt(),
      compare: readable
    },
    {
      name: "a wrong answer in the pinentry, then the right one",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "not it" }, pin] },
      given: forBob,
      command: decrypt(),
      compare: readable
    },
    ...(["cancel", "close"] as const).map((answer): Flow => ({
      name: `the person at the pinentry: ${answer}`,
      keys: ["protected"],
      pinentry: { answers: [answer] },
      given: forBob,
      command: decrypt(),
      exits: [2],
      says: /^gpg: public key decryption failed: Operation (?:fully )?cancelled$/m,
      compare: unreadable
    })),
    {
      name: "a hidden recipient, among the keys of several",
      keys: ["plain", "protected"],
      pinentry: { answers: [pin] },
      given: encrypted("-R", bob.fingerprint),
      command: decrypt(),
      // gpg tries Alice's key first, and counts it as an error that it does not fit
      exits: [2],
      says: /^gpg: okay, we are the anonymous recipient\.$/m,
      compare: readable
    },
    {
      name: "two recipients, the first of whom is not there",
      keys: ["plain", "protected"],
      given: encrypted("-r", bob.fingerprint, "-r", plain.fingerprint),
      prepare: ({ owner }) => owner.gpg(["--yes", "--delete-secret-keys", bob.fingerprint]),
      command: decrypt(),
      compare: readable
    },
    {
      name: "no recipient of whom is there",
      keys: ["plain", "protected"],
      given: encrypted("-r", bob.fingerprint),
      prepare: ({ owner }) => owner.gpg(["--yes", "--delete-secret-keys", bob.fingerprint]),
      command: decrypt(),
      exits: [2],
      says: /^gpg: decryption failed: No secret key$/m,
      compare: unreadable
    },
    {
      name: "a message that is signed too",
      given: encrypted("-r", plain.fingerprint, "--sign"),
      command: decrypt(),
      compare: readable
    },
    {
      name: "a look at the packets, which decrypts as well",
      given: encrypted("-r", plain.fingerprint),
      command: ({ gpg }, input) => gpg(["--list-packets"], { input }),
      compare: async (_, { stdout }) => stdout.toString().split("\n")
    },
    {
      name: "two messages in one run",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      given: forBob,
      prepare: async ({ quietly }, input) => {
        for (const name of ["one.gpg", "two.gpg"]) await quietly(["tee", name], { input })
      },
      command: ({ gpg }) => gpg(["--decrypt-files", "one.gpg", "two.gpg"]),
      compare: async ({ quietly }) => {
        const read = await quietly(["cat", "one", "two"])
        assert.strictEqual(read.stdout.toString(), text + text)
      }
    }
  ])
})
