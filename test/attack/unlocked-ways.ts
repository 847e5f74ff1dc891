// Ways to a key that somebody else has unlocked, or to what opens it. What each yields directly at an agent is written beside it.
import type { RawClient, RawReply } from "@gripgate/testkit/raw-client"
import { DIGEST, ecdhCiphertext, outcome } from "../support/wire.ts"

/** What an attacker is after. */
export type Loot = "signature" | "session key" | "secret key" | "passphrase" | "new passphrase"

/** What can be known of the one who has unlocked a key: nothing here is a passphrase. */
export interface Known {
  /** Keygrips of the unlocked key, and of another one with the same passphrase that nobody unlocked. */
  readonly locked: { readonly primary: string; readonly encryption: string }
  readonly other: { readonly primary: string; readonly encryption: string }
  /** Nonces that were handed out by GENKEY and by PASSWD. */
  readonly cacheNonce: string
  readonly passwdNonce: string
  /** The cache id of a symmetric passphrase. */
  readonly symmetricId: string
}

/** A line and what became of it, the agent's inquiries answered as somebody answers who knows no passphrase. */
export interface Step {
  readonly line: string
  readonly outcome: string
  readonly reply: RawReply
}

export type Say = (line: string) => Promise<Step>

export interface Way {
  readonly name: string
  readonly go: (say: Say, known: Known) => Promise<unknown>
  /** What GnuPG 2.2.40 gives without a gate, in loopback mode; nothing where a later version or a card would be needed. */
  readonly direct: ReadonlyArray<Loot>
}

const answers: Readonly<Record<string, Buffer>> = {
  "INQUIRE CIPHERTEXT": ecdhCiphertext,
  "INQUIRE KEYPARAM": Buffer.from("(6:genkey(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa)))"),
  "INQUIRE KEYDATA": Buffer.alloc(40)
}

/** Says lines over a connection and notes what became of each. */
export const notingSteps = (client: RawClient, steps: Array<Step>): Say => async (line) => {
  let reply = await client.command(line)
  while (outcome(reply).startsWith("INQUIRE ")) {
    const answer = answers[outcome(reply)]
    reply = answer === undefined ? await client.command("CAN") : await client.answer(answer)
  }
  const step = { line, outcome: outcome(reply), reply }
  steps.push(step)
  return step
}

const wordOf = (line: string): string => line.split(/[ \t]/, 1)[0]!.toUpperCase()

/** What a step yields to whoever sent it. */
export const lootOf = ({ line, outcome, reply }: Step): Loot | undefined => {
  if (outcome !== "OK") return undefined
  switch (wordOf(line)) {
    case "PKSIGN":
      return "signature"
    case "PKDECRYPT":
      return "session key"
    case "EXPORT_KEY":
    case "KEYTOCARD":
      return "secret key"
    case "GET_PASSPHRASE":
      return "passphrase"
    case "KEYATTR":
      return reply.data.length > 0 ? "secret key" : undefined
    case "PASSWD":
      return line.includes("--verify") ? undefined : "new passphrase"
    case "SCD":
      return reply.data.length > 0 && /PKSIGN|PKAUTH|PKDECRYPT/i.test(line) ? "signature" : undefined
    default:
      return undefined
  }
}

/** Lines that have to be answered `Forbidden` where `sign` and `decrypt` need a token: they use a key, or what opens it. */
export const mustBeForbidden = (line: string): boolean =>
  /^(?:PKSIGN|PKDECRYPT|EXPORT_KEY|PASSWD(?! --verify )|KEYATTR \S+ Use)/.test(line)
  || /^(?:GET|PRESET|CLEAR)_PASSPHRASE (?:--\S+ )*[0-9A-F]{40} /.test(line)

const useOf = (verb: "sign" | "decrypt", grip: string): ReadonlyArray<string> =>
  verb === "sign" ? [`SIGKEY ${grip}`, `SETHASH 8 ${DIGEST}`, "PKSIGN"] : [`SETKEY ${grip}`, "PKDECRYPT"]

const all = async (say: Say, ...lines: ReadonlyArray<string>): Promise<void> => {
  for (const line of lines) await say(line)
}

const gripsListed = async (say: Say): Promise<ReadonlyArray<string>> =>
  (await say("KEYINFO --list")).reply.status.map((line) => line.split(" ")[1]!)

/** Makes a key with somebody else's passphrase, leaves that in the cache under the new key, and reads it there. */
const readThroughNewKey = async (say: Say, genkey: string): Promise<void> => {
  const before = new Set(await gripsListed(say))
  await say(genkey)
  for (const grip of await gripsListed(say)) {
    if (!before.has(grip)) await say(`GET_PASSPHRASE --no-ask ${grip} X X D`)
  }
}

/** Ways to spell the one attribute that is the key itself. */
const keySpellings = ["Key:", "Key", "key:", "KEY:", "kEy", "key", "--delete Key:"]

export const ways: ReadonlyArray<Way> = [
  {
    name: "the cache: a signature, with SIGKEY and with SETKEY",
    go: (say, { locked }) => all(say, ...useOf("sign", locked.primary), `SETKEY ${locked.primary}`, "PKSIGN"),
    direct: ["signature", "signature"]
  },
  {
    name: "the cache: a decryption",
    go: (say, { locked }) => all(say, ...useOf("decrypt", locked.encryption), "pkdecrypt"),
    direct: ["session key", "session key"]
  },
  {
    name: "the last good passphrase: a signature with another key",
    go: (say, { other }) => all(say, ...useOf("sign", other.primary)),
    direct: ["signature"]
  },
  {
    name: "the last good passphrase: a decryption with another key",
    go: (say, { other }) => all(say, ...useOf("decrypt", other.encryption)),
    direct: ["session key"]
  },
  {
    name: "a nonce of GENKEY, with PKSIGN in both spellings, where the cache is not used",
    go: (say, { cacheNonce, locked }) =>
      all(
        say,
        "OPTION use-cache-for-signing=0",
        ...useOf("sign", locked.primary).slice(0, 2),
        `PKSIGN -- ${cacheNonce}`,
        `PKSIGN ${cacheNonce}`,
        "PKSIGN"
      ),
    direct: ["signature", "signature"]
  },
  {
    name: "a nonce of PASSWD, with PKSIGN and another key",
    go: (say, { other, passwdNonce }) =>
      all(
        say,
        "OPTION use-cache-for-signing=0",
        ...useOf("sign", other.primary).slice(0, 2),
        `PKSIGN -- ${passwdNonce}`
      ),
    direct: ["signature"]
  },
  {
    name: "KEYWRAP_KEY, then EXPORT_KEY with a nonce",
    go: (say, { cacheNonce, locked, other, passwdNonce }) =>
      all(
        say,
        "KEYWRAP_KEY --export",
        `EXPORT_KEY --cache-nonce=${cacheNonce} ${locked.primary}`,
        `EXPORT_KEY --openpgp --cache-nonce=${passwdNonce} ${locked.encryption}`,
        `EXPORT_KEY --openpgp --cache-nonce=${passwdNonce} ${other.primary}`
      ),
    direct: ["secret key", "secret key", "secret key"]
  },
  {
    name: "KEYWRAP_KEY, then EXPORT_KEY without a nonce, with --mode1003, to a card",
    go: (say, { locked }) =>
      all(
        say,
        "KEYWRAP_KEY --clear --export",
        `EXPORT_KEY ${locked.primary}`,
        `EXPORT_KEY --openpgp ${locked.primary}`,
        `EXPORT_KEY --mode1003 ${locked.primary}`,
        `KEYTOCARD ${locked.primary} D2760001240102000005000000010000 OPENPGP.1`
      ),
    direct: []
  },
  {
    name: "GET_PASSPHRASE with a preset keygrip, in either case, with and without --no-ask",
    go: (say, { locked: { primary } }) =>
      all(
        say,
        ...[primary, primary.toLowerCase()].flatMap((grip) =>
          ["--no-ask ", "", "--data ", "--data --no-ask ", "--repeat=1 --data "].map((options) =>
            `GET_PASSPHRASE ${options}${grip} X X D`
          )
        )
      ),
    // the agent looks at the case of a cache id
    direct: ["passphrase", "passphrase", "passphrase", "passphrase", "passphrase"]
  },
  {
    name: "GET_PASSPHRASE with somebody else's symmetric cache id, with and without --no-ask",
    go: (say, { symmetricId }) =>
      all(
        say,
        `GET_PASSPHRASE --no-ask ${symmetricId} X X D`,
        `GET_PASSPHRASE ${symmetricId} X X D`,
        `GET_PASSPHRASE --data ${symmetricId} X X D`,
        `GET_PASSPHRASE --data --no-ask ${symmetricId} X X D`
      ),
    direct: ["passphrase", "passphrase", "passphrase", "passphrase"]
  },
  {
    name: "GET_PASSPHRASE with a nonce for a cache id",
    go: (say, { cacheNonce }) =>
      all(say, `GET_PASSPHRASE --no-ask ${cacheNonce} X X D`, `GET_PASSPHRASE ${cacheNonce} X X D`),
    direct: []
  },
  {
    name: "GENKEY --preset with a nonce, and the passphrase read under the new key",
    go: (say, { cacheNonce }) => readThroughNewKey(say, `GENKEY --preset ${cacheNonce}`),
    direct: ["passphrase"]
  },
  {
    name: "GENKEY --preset --passwd-nonce, and the passphrase read under the new key",
    go: (say, { passwdNonce }) => readThroughNewKey(say, `GENKEY --preset --passwd-nonce=${passwdNonce}`),
    direct: ["passphrase"]
  },
  {
    name: "PASSWD with nonces for the old passphrase and the new one",
    go: (say, { locked, passwdNonce }) =>
      all(say, `PASSWD --cache-nonce=${passwdNonce} --passwd-nonce=${passwdNonce} ${locked.primary}`),
    direct: ["new passphrase"]
  },
  {
    name: "PASSWD --preset with nonces, and the passphrase read",
    go: (say, { other, passwdNonce }) =>
      all(
        say,
        `PASSWD --cache-nonce=${passwdNonce} --passwd-nonce=${passwdNonce} --preset ${other.primary}`,
        `GET_PASSPHRASE --no-ask ${other.primary} X X D`
      ),
    direct: ["new passphrase", "passphrase"]
  },
  {
    name: "PASSWD --verify with a nonce, then a signature",
    go: (say, { locked, passwdNonce }) =>
      all(
        say,
        `PASSWD --verify --cache-nonce=${passwdNonce} --passwd-nonce=${passwdNonce} ${locked.primary}`,
        `PASSWD --verify --preset --cache-nonce=${passwdNonce} ${locked.primary}`,
        ...useOf("sign", locked.primary)
      ),
    direct: ["signature"]
  },
  {
    name: "PRESET_PASSPHRASE and CLEAR_PASSPHRASE, then a signature",
    go: (say, { locked }) =>
      all(
        say,
        "CLEAR_PASSPHRASE S-of-its-own",
        `PRESET_PASSPHRASE --inquire ${locked.encryption} -1`,
        "PRESET_PASSPHRASE S-of-its-own -1 58",
        `GET_PASSPHRASE ${locked.primary} X X D`,
        ...useOf("sign", locked.primary)
      ),
    direct: ["passphrase", "signature"]
  },
  {
    name: "the card's own commands",
    go: (say, { locked }) =>
      all(
        say,
        "SCD SERIALNO",
        `SCD SETDATA ${DIGEST}`,
        `SCD PKSIGN --hash=sha256 ${locked.primary}`,
        `SCD PKAUTH ${locked.primary}`,
        `SCD PKDECRYPT ${locked.encryption}`
      ),
    direct: []
  },
  {
    name: "KEYATTR with the key itself, in any spelling, and with what the agent notes beside it",
    go: (say, { locked }) =>
      all(
        say,
        ...keySpellings.map((name) => {
          const option = name.startsWith("--delete ") ? "--delete " : ""
          return `KEYATTR ${option}${locked.primary} ${name.slice(option.length)}`
        }),
        `KEYATTR ${locked.primary} Use-for-ssh: yes`
      ),
    direct: []
  }
]
