// Encryption with a passphrase, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import type { Homedir } from "@gripgate/testkit/homedir"
import type { RunResult } from "@gripgate/testkit/run"
import { type Place, sameBothWays } from "./both-ways.ts"

const text = "a text to keep\n"
const pin = { pin: "sesame, open 8" }
const loopback = (passphrase: string) => ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]

const encrypted = async (home: Homedir): Promise<Buffer> =>
  (await home.gpg([...loopback(pin.pin), "--symmetric"], { input: text })).stdout
const readable = async (_: Place, { stdout }: RunResult) => assert.strictEqual(stdout.toString(), text)
const opens = async ({ owner }: Place, { stdout }: RunResult) => {
  const opened = await owner.gpg([...loopback(pin.pin), "--decrypt"], { input: stdout })
  assert.strictEqual(opened.stdout.toString(), text)
}

describe("symmetric encryption is the same both ways", () => {
  sameBothWays([
    {
      name: "with a pinentry",
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--symmetric"], { input: text }),
      compare: opens
    },
    {
      name: "with a loopback passphrase, which gpg keeps to itself",
      command: ({ gpg }) => gpg([...loopback(pin.pin), "--symmetric"], { input: text }),
      compare: opens
    },
    {
      name: "with a loopback passphrase that gpg is asked for",
      command: ({ gpg }) =>
        gpg(["--pinentry-mode", "loopback", "--no-tty", "--command-fd", "0", "-o", "-", "-c", "/etc/hostname"], {
          input: `${pin.pin}\n${pin.pin}\n`
        })
    },
    {
      name: "with a pinentry that is cancelled",
      pinentry: { answers: ["cancel"] },
      command: ({ gpg }) => gpg(["--symmetric"], { input: text }),
      exits: [2],
      says: /^gpg: (?:error creating passphrase|cancelled by user)/m
    },
    {
      name: "for a recipient too",
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--symmetric", "--encrypt", "-r", "alice@example.org"], { input: text }),
      compare: async ({ quietly }, { stdout }) => {
        const opened = await quietly(["gpg", "--decrypt"], { input: stdout })
        assert.strictEqual(opened.stdout.toString(), text)
      }
    }
  ])
})

describe("symmetric decryption is the same both ways", () => {
  const decrypt = ({ gpg }: Place, input: Buffer) => gpg(["--decrypt"], { input })
  sameBothWays([
    { name: "with a pinentry", pinentry: { answers: [pin] }, given: encrypted, command: decrypt, compare: readable },
    {
      name: "a second time, when the agent remembers",
      pinentry: { answers: [pin, "cancel"] },
      given: encrypted,
      prepare: ({ quietly }, input) => quietly(["gpg", "--decrypt"], { input }),
      command: decrypt,
      compare: readable
    },
    {
      name: "with a wrong answer in the pinentry, then the right one",
      pinentry: { answers: [{ pin: "not it" }, pin] },
      given: encrypted,
      command: async (place, input) => {
        await decrypt(place, input)
        return decrypt(place, input)
      },
      exits: [2, 0],
      says: /^gpg: decryption failed: Bad session key$/m,
      compare: readable
    },
    {
      name: "with a pinentry that is cancelled",
      pinentry: { answers: ["cancel"] },
      given: encrypted,
      command: decrypt,
      exits: [2],
      says: /^gpg: decryption failed: /m
    }
  ])
})
