// What a command is for, in words for people: it stands behind "wants to".
import type { Operation } from "@gripgate/protocol/operation"

const words: Readonly<Record<Operation, string>> = {
  list: "look at keys",
  sign: "sign",
  certify: "certify keys",
  authenticate: "log in",
  decrypt: "decrypt",
  loopback: "give the passphrase itself",
  passphrase: "ask you for a passphrase",
  cache: "use the cache of passphrases",
  generate: "make a key",
  import: "bring in a secret key",
  export: "take a secret key out",
  passwd: "change the passphrase of a key",
  delete: "delete a secret key",
  trust: "change what is trusted",
  card: "use the smart card",
  store: "change what is stored for all programs",
  prompt: "put up dialogs of its own",
  admin: "steer gpg-agent"
}

/** Commands whose operations say less than their name. */
const ofCommand: ReadonlyMap<string, string> = new Map([
  ["GET_CONFIRMATION", "ask you a question"],
  ["GRIPGATE REQUEST", "have a token of its own"],
  ["GET_PASSPHRASE", "ask you for a passphrase"],
  ["MARKTRUSTED", "have a root certificate trusted"],
  ["KEYTOCARD", "move a secret key to a smart card"],
  ["KEYTOTPM", "move a secret key to the TPM"],
  ["SCD PKSIGN", "sign with the smart card"],
  ["SCD PKAUTH", "log in with the smart card"],
  ["SCD PKDECRYPT", "decrypt with the smart card"],
  ["SCD SETATTR", "write a value to the smart card"],
  ["SCD WRITECERT", "write a certificate to the smart card"],
  ["SCD WRITEKEY", "write a secret key to the smart card"],
  ["SCD GENKEY", "make a key on the smart card"],
  ["SCD PASSWD", "change the PIN of the smart card"],
  ["SCD CHECKPIN", "check the PIN of the smart card"]
])

/** How a use reaches the agent, not what it does: said only where the owner's yes is for it. */
const unsaid: ReadonlySet<Operation> = new Set(["list", "loopback", "prompt"])

/** Uses of a key that has several capabilities: the agent sees a hash or a ciphertext, and nobody knows which it is. */
const uses: ReadonlySet<Operation> = new Set(["sign", "certify", "authenticate", "decrypt"])

/**
 * `sign or certify keys`; `command` is a name of the table, with its `SCD` where it has one. `asked` are those of the operations
 * that need the owner's yes, where he is asked.
 */
export const purposeOf = (
  command: string,
  operations: ReadonlyArray<Operation>,
  asked: ReadonlyArray<Operation> = []
): string => {
  const known = ofCommand.get(command)
  const said = operations.filter((operation) => unsaid.has(operation) ? asked.includes(operation) : known === undefined)
  const either = said.filter((operation) => uses.has(operation)).map((operation) => words[operation]).join(" or ")
  const others = said.filter((operation) => !uses.has(operation)).map((operation) => words[operation])
  return [known ?? "", either, ...others].filter((part) => part !== "").join(" and ") || "use gpg-agent"
}
