// Secret keys out of the agent and into it, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, readKey } from "@gripgate/testkit/keys"
import type { RunResult } from "@gripgate/testkit/run"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Place, sameBothWays } from "./both-ways.ts"

const { plain: alice, protected: bob } = fixtureKeys
const pin = { pin: "abc" }
const loopback = (passphrase: string) => ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]

/** Imports what was exported elsewhere, and signs there with what came. */
const carries = (key: typeof alice | typeof bob) => async (_: Place, { stdout }: RunResult) => {
  await using elsewhere = await makeHomedir({ agentConf: ["disable-scdaemon"] })
  await elsewhere.gpg(["--import"], { input: stdout })
  assert.deepEqual((await readKey(elsewhere, key.fingerprint)).keygrips, key.keygrips)
  const how = key.passphrase === "" ? [] : loopback(key.passphrase)
  await elsewhere.gpg([...how, "--clearsign"], { input: "text\n" })
}
const nothing = async (_: Place, { stdout }: RunResult) => assert.strictEqual(stdout.length, 0)

describe("an export of secret keys is the same both ways", () => {
  const args = ["--armor", "--export-secret-keys"]
  sameBothWays([
    { name: "without a passphrase", command: ({ gpg }) => gpg(args), compare: carries(alice) },
    {
      name: "with a pinentry, key by key",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(args),
      compare: carries(bob)
    },
    {
      name: "with a loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("abc"), ...args]),
      compare: carries(bob)
    },
    {
      name: "with a wrong loopback passphrase",
      keys: ["protected"],
      command: ({ gpg }) => gpg([...loopback("not it"), ...args]),
      exits: [2],
      says: /^gpg: key .*: error receiving key from agent: Bad passphrase - skipped$/m,
      compare: nothing
    },
    {
      name: "with a pinentry that is cancelled",
      keys: ["protected"],
      pinentry: { answers: ["cancel"] },
      command: ({ gpg }) => gpg(args),
      exits: [2],
      says: /^gpg: key .*: error receiving key from agent: Operation cancelled - skipped$/m,
      compare: nothing
    },
    {
      name: "of the subkeys only",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) => gpg(["--export-secret-subkeys"]),
      compare: async (_, { stdout }) => {
        await using elsewhere = await makeHomedir({ agentConf: ["disable-scdaemon"] })
        await elsewhere.gpg(["--import"], { input: stdout })
        const listed = await elsewhere.gpg(["--with-colons", "-K"])
        assert.match(listed.stdout.toString(), /^sec:.*:#::/m)
        return listed.stdout.toString().split("\n")
      }
    }
  ])
})

describe("an import of secret keys is the same both ways", () => {
  const agentHas = (number: number) => async (place: Place) =>
    assert.strictEqual((await place.askAgent("KEYINFO --list")).length - 1, number)
  const asFile = (armored: string) => ({ client }: Place) => writeFile(join(client.path, "key.asc"), armored)
  sameBothWays([
    {
      name: "without a passphrase",
      keys: [],
      command: ({ gpg }) => gpg(["--batch", "--import"], { input: alice.armored }),
      compare: agentHas(2)
    },
    {
      name: "in batch mode, which leaves the protection as it is",
      keys: [],
      command: ({ gpg }) => gpg(["--batch", "--import"], { input: bob.armored }),
      compare: agentHas(2)
    },
    {
      name: "with a pinentry",
      keys: [],
      pinentry: { answers: [pin] },
      prepare: asFile(bob.armored),
      command: ({ gpg }) => gpg(["--no-tty", "--yes", "--import", "key.asc"]),
      compare: agentHas(2)
    },
    {
      name: "with a pinentry that is cancelled",
      keys: [],
      pinentry: { answers: ["cancel"] },
      prepare: asFile(bob.armored),
      command: ({ gpg }) => gpg(["--no-tty", "--yes", "--import", "key.asc"]),
      exits: [2],
      says: /^gpg: key .*: secret key import cancelled|Operation cancelled/m,
      compare: agentHas(0)
    },
    {
      name: "with a loopback passphrase",
      keys: [],
      prepare: asFile(bob.armored),
      command: ({ gpg }) =>
        gpg(["--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--import", "key.asc"], {
          input: "abc\n"
        }),
      compare: agentHas(2)
    },
    {
      name: "of a key that is there already",
      keys: ["protected"],
      command: ({ gpg }) => gpg(["--batch", "--import"], { input: bob.armored }),
      compare: agentHas(2)
    },
    {
      name: "of an RSA key of 4096 bits, which takes many lines",
      keys: [],
      command: ({ gpg }) => gpg(["--batch", "--import"], { input: fixtureKeys.rsa.armored }),
      compare: agentHas(2)
    }
  ])
})
