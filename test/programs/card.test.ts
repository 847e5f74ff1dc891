// Smart cards with a card daemon and without a card, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { sameBothWays } from "../e2e/both-ways.ts"

const agentConf = [`scdaemon-program ${needs("scdaemon")}`]
const { plain: alice } = fixtureKeys
const text = "a text\n"

describe("a card that is not in the reader is the same both ways", () => {
  sameBothWays([
    {
      name: "--card-status",
      agentConf,
      command: ({ gpg }) => gpg(["--batch", "--card-status"]),
      exits: [2],
      says: /^gpg: OpenPGP card not available: No such device$/m
    },
    {
      name: "a signature without a key named, which looks for a card first",
      agentConf,
      command: ({ gpg }) => gpg(["--clearsign"], { input: text }),
      compare: async (_, { stdout }) => assert.include(stdout.toString(), "BEGIN PGP SIGNATURE")
    },
    {
      name: "a hidden recipient, which may be a key on a card",
      agentConf,
      given: async (home) => (await home.gpg(["-R", alice.fingerprint, "--encrypt"], { input: text })).stdout,
      command: ({ gpg }, input) => gpg(["--decrypt"], { input }),
      compare: async (_, { stdout }) => assert.strictEqual(stdout.toString(), text)
    },
    {
      name: "what gpg-connect-agent asks the card daemon, comments and unknown words included",
      agentConf,
      command: ({ run }) =>
        run([
          "gpg-connect-agent",
          "SCD GETINFO version",
          "scd serialno",
          "SCD GETATTR KEY-FPR",
          "LEARN --sendinfo",
          "SCD KILLSCD",
          "/bye"
        ]),
      compare: async (_, { stdout }) => stdout.toString().split("\n")
    }
  ])
})
