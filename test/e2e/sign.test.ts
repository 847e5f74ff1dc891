// Signatures of every kind, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { type Flow, sameBothWays } from "./both-ways.ts"
import { assertSigned } from "./evidence.ts"

const alice = fixtureKeys.plain.fingerprint
const bob = fixtureKeys.protected.fingerprint
const text = "a text to sign\n"
const pin = { pin: "abc" }
const loopback = (passphrase: string) => ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]

describe("a signature is the same both ways", () => {
  sameBothWays([
    {
      name: "sign",
      command: ({ gpg }) => gpg(["--sign"], { input: text }),
      compare: (place, { stdout }) => assertSigned(place, stdout, [alice])
    },
    {
      name: "clearsign with a pinentry",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      compare: async (place, { stdout }) => {
        assert.strictEqual(await place.owner.pinentry.questions(), 1)
        assert.include(stdout.toString(), `\n\n${text}-----BEGIN`)
        return assertSigned(place, stdout, [bob])
      }
    },
    {
      name: "detach-sign with RSA, in armor",
      keys: ["rsa"],
      command: ({ gpg }) => gpg(["--armor", "--detach-sign"], { input: text }),
      compare: (place, { stdout }) => assertSigned(place, stdout, [fixtureKeys.rsa.fingerprint], text)
    },
    {
      name: "with a loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("abc"), "--clearsign"], { input: text }),
      compare: async (place, { stdout }) => {
        assert.strictEqual(await place.owner.pinentry.questions(), 0)
        return assertSigned(place, stdout, [bob])
      }
    },
    {
      name: "with a wrong loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("not it"), "-u", bob, "--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: signing failed: Bad passphrase$/m
    },
    {
      name: "with no loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback(""), "-u", bob, "--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: signing failed: No passphrase given$/m
    },
    {
      name: "with a passphrase longer than the agent takes",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("x".repeat(256)), "-u", bob, "--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: signing failed: Too much data for IPC layer$/m,
      refusals: [/refused PKSIGN of anyone .*: more than 255 bytes for PASSPHRASE$/]
    },
    {
      name: "with a key that is unlocked already",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      prepare: ({ quietly }) => quietly(["gpg", "--clearsign"], { input: text }),
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      compare: async (place, { stdout }) => {
        assert.strictEqual(await place.owner.pinentry.questions(), 1, "that of the first signature")
        return assertSigned(place, stdout, [bob])
      }
    },
    {
      name: "a wrong answer in the pinentry, then the right one",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "not it" }, pin] },
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      compare: (place, { stdout }) => assertSigned(place, stdout, [bob])
    },
    {
      name: "three wrong answers in the pinentry",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "not it" }] },
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: signing failed: Bad passphrase$/m,
      compare: async ({ owner }) => assert.strictEqual(await owner.pinentry.questions(), 3)
    },
    ...([
      ["cancel", /^gpg: signing failed: Operation cancelled$/m],
      ["close", /^gpg: signing failed: Operation fully cancelled$/m],
      ["crash", /^gpg: signing failed: End of file$/m]
    ] as const).map(([answer, says]): Flow => ({
      name: `the person at the pinentry: ${answer}`,
      keys: ["protected"],
      pinentry: { answers: [answer] },
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      exits: [2],
      says
    })),
    {
      name: "encrypt and sign",
      keys: ["plain", "protected"],
      command: ({ gpg }) => gpg(["-u", alice, "-r", bob, "--sign", "--encrypt"], { input: text }),
      compare: async ({ owner }, { stdout }) => {
        const opened = await owner.gpg([...loopback("abc"), "--status-fd", "2", "--decrypt"], { input: stdout })
        assert.include(opened.stderr, `VALIDSIG ${alice}`)
        assert.strictEqual(opened.stdout.toString(), text)
      }
    },
    {
      name: "two signers",
      keys: ["plain", "protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["-u", alice, "-u", bob, "--sign"], { input: text }),
      compare: (place, { stdout }) => assertSigned(place, stdout, [alice, bob])
    },
    {
      name: "a signature on another's key",
      keys: ["plain", "protected"],
      command: ({ gpg }) => gpg(["--batch", "--yes", "-u", alice, "--quick-sign-key", bob]),
      compare: async ({ client }) => {
        const { stdout } = await client.gpg(["--with-colons", "--check-signatures", bob])
        assert.include(stdout.toString(), `:${alice.slice(-16)}:`)
      }
    },
    {
      name: "a further user id",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--batch", "--quick-add-uid", bob, "Bobby <bobby@example.org>"]),
      compare: async ({ client }) =>
        assert.include(
          (await client.gpg(["--with-colons", "-k", bob])).stdout.toString(),
          ":Bobby <bobby@example.org>:"
        )
    },
    {
      name: "a certificate of revocation",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--no-tty", "--command-fd", "0", "--gen-revoke", bob], { input: "y\n0\n\ny\n" }),
      compare: async (_, { stdout }) => assert.include(stdout.toString(), "-----BEGIN PGP PUBLIC KEY BLOCK-----")
    },
    {
      name: "a key that is not there",
      command: ({ gpg }) => gpg(["-u", bob, "--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: skipped ".*": No secret key$/m
    },
    {
      name: "a public key without its secret one",
      keys: ["plain", "protected"],
      prepare: ({ owner }) => owner.gpg(["--yes", "--delete-secret-keys", bob]),
      command: ({ gpg }) => gpg(["-u", bob, "--clearsign"], { input: text }),
      exits: [2],
      says: /^gpg: skipped ".*": No secret key$/m
    }
  ])
})
