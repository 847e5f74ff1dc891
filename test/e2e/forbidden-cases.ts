// Each operation of the policy as somebody forbids it: what a stock program then says, and what a raw client gets.
import { fixtureKeys } from "@gripgate/testkit/keys"

const { plain: alice, protected: bob, rsa } = fixtureKeys
export const text = "a text\n"
export const loopback = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "abc"]
export const FORBIDDEN = "ERR 67109115 Forbidden <GPG Agent>"

export interface Case {
  readonly operation: string
  /** What the user does, and of how it ends: the exit code is gpg's own choice. */
  readonly does: string
  readonly argv: ReadonlyArray<string>
  /** `"ciphertext"`: a message for Alice. */
  readonly input?: string
  readonly exit: number
  readonly says: ReadonlyArray<string>
  /** The commands that are refused, in their order. */
  readonly log: ReadonlyArray<string>
}

export const gpg = (...args: ReadonlyArray<string>): ReadonlyArray<string> => ["gpg", ...args]
const ask = (...commands: ReadonlyArray<string>): ReadonlyArray<string> => ["gpg-connect-agent", ...commands, "/bye"]

/** For each operation what a user of stock programs does, and what comes of it. */
export const cases: ReadonlyArray<Case> = [
  {
    operation: "sign",
    does: "clearsign",
    argv: gpg("-u", alice.fingerprint, "--clearsign"),
    input: text,
    exit: 2,
    says: ["gpg: signing failed: Forbidden", "gpg: [stdin]: clear-sign failed: Forbidden"],
    log: ["PKSIGN"]
  },
  {
    operation: "certify",
    does: "a signature on another's key",
    argv: gpg("--batch", "--yes", "-u", alice.fingerprint, "--quick-sign-key", bob.fingerprint),
    exit: 2,
    says: ["gpg: signing failed: Forbidden"],
    log: ["PKSIGN"]
  },
  {
    operation: "authenticate",
    does: "a signature with a key for both, which may be an authentication for all that the agent can tell",
    argv: gpg("-u", "carol@example.org", "--clearsign"),
    input: text,
    exit: 2,
    says: ["gpg: signing failed: Forbidden"],
    log: ["PKSIGN"]
  },
  {
    operation: "decrypt",
    does: "decrypt",
    argv: gpg("--decrypt"),
    input: "ciphertext",
    exit: 2,
    says: ["gpg: public key decryption failed: Forbidden", "gpg: decryption failed: No secret key"],
    log: ["PKDECRYPT"]
  },
  {
    operation: "loopback",
    does: "clearsign with a key named",
    argv: gpg(...loopback, "-u", bob.fingerprint, "--clearsign"),
    input: text,
    exit: 2,
    says: ["gpg: setting pinentry mode 'loopback' failed: Forbidden"],
    log: ["OPTION pinentry-mode"]
  },
  {
    operation: "passphrase",
    does: "encrypt symmetrically",
    argv: gpg("--symmetric"),
    input: text,
    exit: 2,
    says: ["gpg: problem with the agent: Forbidden"],
    log: ["GET_PASSPHRASE"]
  },
  {
    operation: "cache",
    does: "clear a passphrase",
    argv: ask("CLEAR_PASSPHRASE --mode=normal an-id"),
    exit: 0,
    says: [FORBIDDEN],
    log: ["CLEAR_PASSPHRASE"]
  },
  {
    operation: "generate",
    does: "make a key",
    argv: gpg("--batch", "--quick-generate-key", "New <new@example.org>", "ed25519"),
    exit: 2,
    says: ["gpg: agent_genkey failed: Forbidden", "gpg: key generation failed: Forbidden"],
    log: ["GENKEY"]
  },
  {
    operation: "generate",
    does: "add a subkey",
    argv: gpg("--batch", "--quick-add-key", bob.fingerprint, "cv25519", "encr"),
    exit: 2,
    says: ["Forbidden"],
    log: ["PASSWD"]
  },
  {
    operation: "import",
    does: "import a secret key",
    argv: gpg("--batch", "--import"),
    input: rsa.armored,
    exit: 2,
    says: ["gpg: error getting the KEK: Forbidden"],
    log: ["KEYWRAP_KEY"]
  },
  {
    operation: "export",
    does: "export a secret key",
    argv: gpg("--export-secret-keys", alice.fingerprint),
    exit: 2,
    says: ["gpg: error getting the KEK: Forbidden", "gpg: WARNING: nothing exported"],
    log: ["KEYWRAP_KEY"]
  },
  {
    // gpg ends with 0, as it does for every error here
    operation: "passwd",
    does: "change the passphrase",
    argv: gpg("--batch", "--change-passphrase", bob.fingerprint),
    exit: 0,
    says: ["error changing passphrase: Forbidden"],
    log: ["PASSWD", "PASSWD"]
  },
  {
    operation: "delete",
    does: "delete a secret key",
    argv: gpg("--batch", "--yes", "--delete-secret-keys", alice.fingerprint),
    exit: 2,
    says: ["gpg: deleting secret key failed: Forbidden"],
    log: ["DELETE_KEY", "DELETE_KEY"]
  },
  {
    operation: "trust",
    does: "list the trusted root certificates",
    argv: ask("LISTTRUSTED"),
    exit: 0,
    says: [FORBIDDEN],
    log: ["LISTTRUSTED"]
  },
  {
    operation: "card",
    does: "look at the card",
    argv: gpg("--card-status"),
    exit: 2,
    says: ["gpg: OpenPGP card not available: Forbidden"],
    log: ["SCD GETINFO"]
  },
  {
    operation: "store",
    does: "read what clients share",
    argv: ask("GETVAL a-name"),
    exit: 0,
    says: [FORBIDDEN],
    log: ["GETVAL"]
  },
  {
    operation: "admin",
    does: "stop the agent",
    argv: ["gpgconf", "--kill", "gpg-agent"],
    exit: 0,
    says: [],
    log: ["KILLAGENT"]
  },
  {
    operation: "list",
    does: "list secret keys: none",
    argv: gpg("-K", alice.fingerprint),
    exit: 2,
    says: ["gpg: keydb_search failed: Forbidden", "gpg: error reading key: Forbidden"],
    log: ["HAVEKEY"]
  }
]

/** What a raw client sends to be refused, and what it may do right after that over the same connection. */
export const attempts: Readonly<Record<string, { readonly before?: ReadonlyArray<string>; readonly refused: string }>> =
  {
    sign: { before: [`SIGKEY ${alice.keygrips.primary}`, `SETHASH 8 ${"ab".repeat(32)}`], refused: "PKSIGN" },
    certify: { before: [`SIGKEY ${alice.keygrips.primary}`, `SETHASH 8 ${"ab".repeat(32)}`], refused: "PKSIGN" },
    authenticate: { before: ["SIGKEY CAROL", `SETHASH 8 ${"ab".repeat(32)}`], refused: "PKSIGN" },
    decrypt: { before: [`SETKEY ${alice.keygrips.encryption}`], refused: "PKDECRYPT" },
    loopback: { refused: "OPTION pinentry-mode=loopback" },
    passphrase: { refused: "GET_PASSPHRASE --data -- an-id X X Tell+me" },
    cache: { refused: "GET_PASSPHRASE --no-ask an-id X X X" },
    generate: { refused: "GENKEY" },
    import: { refused: "KEYWRAP_KEY --import" },
    export: { refused: `EXPORT_KEY ${alice.keygrips.primary}` },
    passwd: { refused: `PASSWD ${alice.keygrips.primary}` },
    delete: { refused: `DELETE_KEY --force ${alice.keygrips.primary}` },
    trust: { refused: "LISTTRUSTED" },
    card: { refused: "SCD SERIALNO" },
    store: { refused: "GETVAL a-name" },
    admin: { refused: "KILLAGENT" },
    list: { refused: `KEYINFO ${alice.keygrips.primary}` }
  }
/** An app for each operation, which may do everything else. */
export const apps = [...Object.keys(attempts), "prompt"]
