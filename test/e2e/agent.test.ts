// What GnuPG's programs ask of the agent besides the use of keys, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import type { RunResult } from "@gripgate/testkit/run"
import { existsSync } from "node:fs"
import { type Place, sameBothWays } from "./both-ways.ts"

const { plain: alice, protected: bob } = fixtureKeys
const text = "a text to sign\n"
const pin = { pin: "abc" }
const sign = ({ gpg }: Place, ...args: ReadonlyArray<string>) => gpg([...args, "--clearsign"], { input: text })
const asText = async (_: Place, { stdout }: RunResult) => stdout.toString().split("\n")

describe("a list of secret keys is the same both ways", () => {
  const listed = async (place: Place, result: RunResult) => {
    assert.match(result.stdout.toString(), /alice@example\.org[^]*bob@example\.org/)
    return asText(place, result)
  }
  sameBothWays([
    {
      name: "for people",
      keys: ["plain", "protected", "rsa"],
      command: ({ gpg }) => gpg(["-K"]),
      compare: listed
    },
    {
      name: "for programs, with keygrips",
      keys: ["plain", "protected", "rsa"],
      command: ({ gpg }) => gpg(["-K", "--with-colons", "--with-keygrip"]),
      compare: async (place, result) => {
        assert.include(result.stdout.toString(), bob.keygrips.encryption)
        return listed(place, result)
      }
    },
    {
      name: "with one key's secret part gone",
      keys: ["plain", "protected"],
      prepare: ({ owner }) => owner.gpg(["--yes", "--delete-secret-keys", bob.fingerprint]),
      command: ({ gpg }) => gpg(["-K", "--with-colons"]),
      compare: async (place, result) => {
        assert.notInclude(result.stdout.toString(), "bob@example.org")
        return asText(place, result)
      }
    },
    {
      name: "of a key that is not there",
      command: ({ gpg }) => gpg(["-K", bob.fingerprint]),
      exits: [2],
      says: /^gpg: error reading key: No (?:secret|public) key$/m
    },
    { name: "of an owner without keys", keys: [], command: ({ gpg }) => gpg(["-K"]), compare: asText }
  ])
})

describe("a card that is not there is the same both ways", () => {
  sameBothWays([
    {
      name: "--card-status with an agent that is not to use a card",
      command: ({ gpg }) => gpg(["--batch", "--card-status"]),
      exits: [2],
      says: /^gpg: OpenPGP card not available: Not supported$/m
    },
    {
      name: "--card-status without a card daemon",
      agentConf: ["scdaemon-program /nonexistent/scdaemon"],
      command: ({ gpg }) => gpg(["--batch", "--card-status"]),
      exits: [2],
      says: /^gpg: OpenPGP card not available: No SmartCard daemon$/m
    },
    {
      name: "a signature without a key named, which looks for a card",
      agentConf: ["scdaemon-program /nonexistent/scdaemon"],
      command: (place) => sign(place),
      compare: async (_, { stdout }) => assert.include(stdout.toString(), "BEGIN PGP SIGNATURE")
    }
  ])
})

describe("the agent's own life is the same both ways", () => {
  const unlock = (place: Place) => place.quietly(["gpg", "--clearsign"], { input: text })
  sameBothWays([
    {
      name: "gpgconf --kill",
      command: async ({ owner, run }) => {
        const pid = await owner.agentPid()
        const result = await run(["gpgconf", "--kill", "gpg-agent"])
        assert.deepEqual(await waitGone([pid!], 5_000), [], "the agent has ended")
        return result
      },
      compare: async ({ owner }) => {
        assert.isUndefined(await owner.agentPid())
        assert.isFalse(existsSync(await owner.agentSocket()))
      }
    },
    {
      name: "gpgconf --reload, which makes the agent forget",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      prepare: unlock,
      command: async (place) => {
        const pid = await place.owner.agentPid()
        await place.run(["gpgconf", "--reload", "gpg-agent"])
        assert.strictEqual(await place.owner.agentPid(), pid)
        assert.isTrue(isAlive(pid!))
        return sign(place)
      },
      exits: [0, 2],
      says: /^gpg: signing failed: Operation cancelled$/m
    },
    {
      name: "gpgconf --launch, with an agent that runs",
      command: ({ run }) => run(["gpgconf", "--launch", "gpg-agent"])
    }
  ])
})

describe("a request from elsewhere is the same both ways", () => {
  sameBothWays([
    {
      name: "gpg --request-origin browser",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: (place) => sign(place, "--request-origin", "browser")
    },
    {
      name: "gpg --request-origin remote, which may not take a key along",
      keys: ["protected"],
      command: ({ gpg }) => gpg(["--request-origin", "remote", "--export-secret-keys"]),
      exits: [2],
      says: /Forbidden/
    },
    {
      name: "a cache apart: what was unlocked for a browser is not for others",
      keys: ["protected"],
      pinentry: { answers: [pin, "cancel"] },
      command: async (place) => {
        await sign(place, "--request-origin", "browser")
        await sign(place, "--request-origin", "browser")
        return sign(place)
      },
      exits: [0, 0, 2],
      says: /^gpg: signing failed: Operation cancelled$/m
    },
    {
      name: "loopback for a browser",
      keys: ["protected"],
      command: (place) =>
        sign(place, "--request-origin", "browser", "--batch", "--pinentry-mode", "loopback", "--passphrase", "abc")
    }
  ])
})

describe("an agent that allows no loopback is the same both ways", () => {
  const agentConf = ["disable-scdaemon", "no-allow-loopback-pinentry"]
  const loopback = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "abc"]
  const says = /^gpg: setting pinentry mode 'loopback' failed: Not supported$/m
  sameBothWays([
    {
      name: "a signature with a key named",
      keys: ["protected"],
      agentConf,
      command: (place) => sign(place, ...loopback, "-u", bob.fingerprint),
      exits: [2],
      says
    },
    {
      name: "a decryption",
      keys: ["protected"],
      agentConf,
      given: async (home) => (await home.gpg(["-r", bob.fingerprint, "--encrypt"], { input: text })).stdout,
      command: ({ gpg }, input) => gpg([...loopback, "--decrypt"], { input }),
      exits: [2],
      says
    }
  ])
})

describe("the other programs of GnuPG are the same both ways", () => {
  const ask = (...commands: ReadonlyArray<string>) => ({ run }: Place) =>
    run(["gpg-connect-agent", ...commands, "/bye"])
  const preset = async ({ quietly }: Place) =>
    `${(await quietly(["gpgconf", "--list-dirs", "libexecdir"])).stdout.toString().trim()}/gpg-preset-passphrase`
  const agentConf = ["disable-scdaemon", "allow-preset-passphrase"]
  sameBothWays([
    {
      name: "gpg-connect-agent: what the agent is and has",
      keys: ["plain", "protected"],
      command: ask(
        "GETINFO version",
        "getinfo s2k_count",
        "GETINFO restricted",
        "GETINFO cmd_has_option GET_PASSPHRASE repeat",
        "GETINFO cmd_has_option GET_PASSPHRASE nonsense",
        `HAVEKEY ${alice.keygrips.primary}`,
        `havekey ${"0".repeat(40)}`,
        `KEYINFO ${bob.keygrips.primary}`,
        `KEYINFO --data ${bob.keygrips.encryption}`,
        `READKEY ${alice.keygrips.encryption}`,
        "GETVAL nothing",
        "LISTTRUSTED",
        "NOP"
      ),
      compare: asText
    },
    {
      name: "gpg-connect-agent: the agent's process",
      command: ask("GETINFO pid"),
      compare: async ({ owner }, { stdout }) =>
        assert.strictEqual(stdout.toString(), `D ${await owner.agentPid()}\nOK\n`)
    },
    {
      name: "gpg-connect-agent: a session of several steps",
      keys: ["protected"],
      command: ask(
        "OPTION pinentry-mode=loopback",
        `SIGKEY ${bob.keygrips.primary}`,
        "SETKEYDESC Please+sign",
        `SETHASH --hash=sha256 ${"ab".repeat(32)}`,
        "/definq PASSPHRASE /bin/echo -n abc",
        "PKSIGN",
        "RESET",
        "PKSIGN",
        "PUTVAL a-name a%20value",
        "GETVAL a-name"
      ),
      refusals: [/refused PKSIGN of anyone .*: no key was chosen$/],
      compare: asText
    },
    {
      name: "gpg-preset-passphrase, and a signature without a question",
      keys: ["protected"],
      agentConf,
      command: async (place) => {
        await place.run([await preset(place), "--preset", bob.keygrips.primary], { input: "abc" })
        return sign(place)
      },
      exits: [0, 0]
    },
    {
      name: "gpg-preset-passphrase --forget",
      keys: ["protected"],
      agentConf,
      command: async (place) => {
        await place.run([await preset(place), "--preset", bob.keygrips.primary], { input: "abc" })
        await place.run([await preset(place), "--forget", bob.keygrips.primary])
        return sign(place)
      },
      // it fails although it has done it: the agent tells a pinentry of it, and the program does not know that question
      exits: [0, 2, 2],
      says: /^gpg: signing failed: Operation cancelled$/m
    },
    {
      name: "gpg-preset-passphrase with an agent that does not allow it",
      keys: ["protected"],
      command: async ({ owner, ...place }) =>
        place.run([await preset({ owner, ...place }), "--preset", bob.keygrips.primary], { input: "abc" }),
      exits: [2],
      says: /^gpg-preset-passphrase: caching passphrase failed: Not supported$/m
    }
  ])
})

describe("a prompt appears where the client is, both ways", () => {
  sameBothWays([
    {
      name: "display, terminal, locale and what else a pinentry is told",
      keys: ["protected"],
      pinentry: { answers: [pin] },
      command: ({ gpg }) =>
        gpg(["--clearsign"], {
          input: text,
          env: {
            DISPLAY: ":77",
            GPG_TTY: "/dev/null",
            TERM: "vt100",
            LC_ALL: "de_DE.UTF-8",
            XAUTHORITY: "/nowhere/authority",
            WAYLAND_DISPLAY: "wayland-7",
            DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere/bus",
            QT_IM_MODULE: "a module",
            PINENTRY_USER_DATA: "a=word, and 100 %"
          }
        }),
      compare: async ({ owner }) => {
        const [start] = await owner.pinentry.log()
        assert.isTrue(start?.event === "start" && start.argv.includes(":77"), JSON.stringify(start))
        assert.isTrue(start?.event === "start" && start.env["PINENTRY_USER_DATA"] === "a=word, and 100 %")
      }
    }
  ])
})
