// Making keys and subkeys, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { type Place, sameBothWays } from "./both-ways.ts"
import { assertSigned } from "./evidence.ts"

const bob = fixtureKeys.protected.fingerprint
const text = "a text to sign\n"
const pin = { pin: "abc" }
const who = "New <new@example.org>"
const loopback = (passphrase: string) => ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]
const quick = ["--batch", "--quick-generate-key", who, "ed25519", "default", "never"]

/** What the client lists of the new key, and proof that it signs when it is given its passphrase. */
const usable = (passphrase: string) => async (place: Place): Promise<ReadonlyArray<string>> => {
  const listed = await place.quietly(["gpg", "--with-colons", "--with-keygrip", "-K", "new@example.org"])
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed.stdout.toString())![1]!
  await place.owner.killAgent()
  await place.owner.launchAgent()
  const how = passphrase === "" ? ["--batch", "--pinentry-mode", "error"] : loopback(passphrase)
  const signed = await place.quietly(["gpg", ...how, "-u", "new@example.org", "--sign"], { input: text })
  assert.strictEqual(signed.code, 0, signed.stderr)
  await place.owner.gpg(["--import"], { input: (await place.client.gpg(["--export", fingerprint])).stdout })
  await assertSigned(place, signed.stdout, [fingerprint])
  return listed.stdout.toString().split("\n")
}

const parameters = (...protection: ReadonlyArray<string>): string =>
  [
    "Key-Type: EDDSA",
    "Key-Curve: ed25519",
    "Subkey-Type: ECDH",
    "Subkey-Curve: cv25519",
    "Name-Real: New",
    "Name-Email: new@example.org",
    "Expire-Date: 0",
    ...protection,
    "%commit",
    ""
  ].join("\n")

describe("a new key is the same both ways", () => {
  sameBothWays([
    {
      name: "with a pinentry",
      pinentry: { answers: [{ pin: "a new passphrase, 8" }] },
      command: ({ gpg }) => gpg(quick),
      compare: usable("a new passphrase, 8")
    },
    {
      name: "with a loopback passphrase",
      command: ({ gpg }) => gpg([...loopback("abc"), ...quick]),
      compare: usable("abc")
    },
    {
      name: "without one, by loopback",
      command: ({ gpg }) => gpg([...loopback(""), ...quick]),
      compare: usable("")
    },
    {
      name: "with a subkey, from parameters, with a pinentry",
      pinentry: { answers: [{ pin: "a new passphrase, 8" }] },
      command: ({ gpg }) => gpg(["--batch", "--generate-key"], { input: parameters() }),
      compare: usable("a new passphrase, 8")
    },
    {
      name: "with a subkey, from parameters with a passphrase",
      command: ({ gpg }) => gpg(["--batch", "--generate-key"], { input: parameters("Passphrase: in the file") }),
      compare: usable("in the file")
    },
    {
      name: "with a subkey, from parameters without protection",
      command: ({ gpg }) => gpg(["--batch", "--generate-key"], { input: parameters("%no-protection") }),
      compare: usable("")
    },
    {
      name: "with RSA, which shows its progress",
      command: ({ gpg }) =>
        gpg([...loopback(""), "--enable-progress-filter", "--quick-generate-key", who, "rsa1024", "default", "never"]),
      compare: async (place, { stderr }) => {
        assert.include(stderr, "[GNUPG:] PROGRESS primegen ")
        return usable("")(place)
      }
    },
    {
      name: "a pinentry that is cancelled",
      pinentry: { answers: ["cancel"] },
      command: ({ gpg }) => gpg(quick),
      exits: [2],
      says: /^gpg: agent_genkey failed: Operation cancelled$/m
    },
    {
      name: "a passphrase that the owner's rules do not like, and the owner insists",
      agentConf: ["min-passphrase-len 12"],
      pinentry: { answers: [{ pin: "short" }, { confirm: true }] },
      command: ({ gpg }) => gpg(quick),
      compare: usable("short")
    },
    {
      name: "no passphrase at all, and the owner confirms it",
      pinentry: { answers: [{ pin: "" }, { confirm: true }] },
      command: ({ gpg }) => gpg(quick),
      compare: usable("")
    }
  ])
})

describe("a new subkey is the same both ways", () => {
  const add = ["--quick-add-key", bob, "cv25519", "encr", "never"]
  const listed = async ({ client }: Place) => {
    const { stdout } = await client.gpg(["--with-colons", "-k", bob])
    assert.strictEqual(stdout.toString().match(/^sub:/gm)?.length, 2)
    return stdout.toString().split("\n")
  }
  sameBothWays([
    {
      name: "with a pinentry",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--batch", ...add]),
      compare: listed
    },
    {
      name: "with a loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("abc"), ...add]),
      compare: listed
    },
    {
      name: "with a wrong loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("not it"), ...add]),
      exits: [2],
      says: /Bad passphrase$/m
    },
    {
      name: "with a pinentry that is cancelled",
      keys: ["protected"],
      pinentry: { answers: ["cancel"] },
      command: ({ gpg }) => gpg(["--batch", ...add]),
      exits: [2],
      says: /Operation cancelled$/m
    }
  ])
})
