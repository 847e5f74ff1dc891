// Changing passphrases and deleting secret keys, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { type Place, sameBothWays } from "./both-ways.ts"

const alice = fixtureKeys.plain.fingerprint
const bob = fixtureKeys.protected.fingerprint
const pin = { pin: "abc" }
const loopback = ["--batch", "--pinentry-mode", "loopback"]

/** Whether a passphrase unlocks Bob's key, asked without anything that is remembered. */
const unlocks = async ({ owner }: Place, passphrase: string): Promise<boolean> => {
  await owner.killAgent()
  const args = ["gpg", ...loopback, "--passphrase", passphrase, "-u", bob, "--clearsign"]
  return (await owner.run(args, { input: "text\n" })).code === 0
}

const nowUnlocks = (right: string, wrong?: string) => async (place: Place) => {
  assert.isTrue(await unlocks(place, right), `unlocked by "${right}"`)
  if (wrong !== undefined) assert.isFalse(await unlocks(place, wrong), `not unlocked by "${wrong}"`)
}

describe("a change of passphrase is the same both ways", () => {
  sameBothWays([
    {
      name: "with a pinentry",
      keys: ["protected"],
      pinentry: { answers: [pin, { pin: "another passphrase, 8" }] },
      command: ({ gpg }) => gpg(["--batch", "--change-passphrase", bob]),
      compare: nowUnlocks("another passphrase, 8", "abc")
    },
    {
      // gpg has but one --passphrase, and gives it for the old one and for the new one
      name: "by loopback",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback, "--passphrase", "abc", "--change-passphrase", bob]),
      compare: nowUnlocks("abc")
    },
    {
      name: "by loopback, old and new one after the other",
      keys: ["protected"],
      command: ({ gpg }) =>
        gpg(["--pinentry-mode", "loopback", "--no-tty", "--command-fd", "0", "--change-passphrase", bob], {
          input: "abc\nanother\nabc\nanother\n"
        }),
      compare: nowUnlocks("another", "abc")
    },
    {
      // gpg itself ends with 0: nothing that happens here is an error to it
      name: "by loopback with a wrong passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback, "--passphrase", "not it", "--change-passphrase", bob]),
      says: /^gpg: error changing the passphrase for '.*': Bad passphrase$/m,
      compare: nowUnlocks("abc")
    },
    {
      name: "cancelled at the new passphrase",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      command: ({ gpg }) => gpg(["--batch", "--change-passphrase", bob]),
      compare: nowUnlocks("abc")
    },
    {
      name: "a dry run, which only checks the passphrase",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--batch", "--dry-run", "--change-passphrase", bob]),
      compare: nowUnlocks("abc")
    },
    {
      name: "a first passphrase for a key without one",
      pinentry: { answers: [{ pin: "a first passphrase, 8" }] },
      command: ({ gpg }) => gpg(["--batch", "--change-passphrase", alice])
    }
  ])
})

describe("a deletion of a secret key is the same both ways", () => {
  const answers = { input: "y\ny\n" }
  const interactive = ["--no-tty", "--command-fd", "0", "--delete-secret-keys", bob]
  const left = (number: number) => async (place: Place) => {
    const lines = await place.askAgent("KEYINFO --list")
    assert.strictEqual(lines.filter((line) => line.startsWith("S KEYINFO ")).length, number)
  }
  sameBothWays([
    {
      name: "without a question",
      keys: ["protected"],
      command: ({ gpg }) => gpg(["--batch", "--yes", "--delete-secret-keys", bob]),
      compare: left(0)
    },
    {
      name: "confirmed by the owner, key by key",
      keys: ["protected"],
      pinentry: { answers: [{ confirm: true }] },
      command: ({ gpg }) => gpg(interactive, answers),
      compare: left(0)
    },
    {
      name: "not confirmed by the owner",
      keys: ["protected"],
      pinentry: { answers: [{ confirm: false }] },
      command: ({ gpg }) => gpg(interactive, answers),
      exits: [2],
      says: /^gpg: deleting secret key failed: /m,
      compare: left(2)
    },
    {
      name: "by loopback, where nobody can confirm",
      keys: ["protected"],
      command: ({ gpg }) => gpg(["--pinentry-mode", "loopback", ...interactive], answers),
      exits: [2],
      says: /^gpg: deleting secret key failed: No pinentry$/m,
      compare: left(2)
    },
    {
      name: "of a key that is not there",
      keys: ["plain"],
      command: ({ gpg }) => gpg(["--batch", "--yes", "--delete-secret-keys", bob]),
      exits: [2],
      says: /^gpg: .*: /m,
      compare: left(2)
    }
  ])
})
