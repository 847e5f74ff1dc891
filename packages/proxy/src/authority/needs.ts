// What a command needs verdicts of: the operations follow the command and what its key is for, because the agent signs and
// decrypts whatever it is handed.
import type { Capability } from "@gripgate/policy/keys/keyring"
import type { Operation } from "@gripgate/protocol/operation"

/**
 * The agent sees only a hash: a signature with a key of which nobody knows what it is for may be a certification or an
 * authentication, and needs their verdicts too.
 */
export const signatures: ReadonlyArray<Operation> = ["sign", "certify", "authenticate"]

const operationOf: Record<Capability, Operation> = {
  sign: "sign",
  certify: "certify",
  authenticate: "authenticate",
  encrypt: "decrypt"
}

/** Every operation, for a key that is used for what it is not for. */
const all: ReadonlyArray<Operation> = [...signatures, "decrypt"]

/**
 * The operations that one operation amounts to with a key of these capabilities (`undefined`: not known). `undefined` as the
 * answer: a decryption with a key that is known not to encrypt, which nobody needs.
 *
 * A decryption with a key of unknown purpose stays a decryption here: whether it may be a signature depends on its
 * ciphertext, which is looked at when it comes.
 */
export const needsOf = (
  operation: Operation,
  capabilities: ReadonlySet<Capability> | undefined
): ReadonlyArray<Operation> | undefined => {
  if (operation === "sign") {
    if (capabilities === undefined) return signatures
    const may = signing(capabilities)
    return may.length === 0 ? all : may
  }
  if (operation !== "decrypt" || capabilities === undefined) return [operation]
  if (!capabilities.has("encrypt")) return undefined
  return ["decrypt", ...signing(capabilities)]
}

const signing = (capabilities: ReadonlySet<Capability>): ReadonlyArray<Operation> =>
  [...capabilities].filter((capability) => capability !== "encrypt").map((capability) => operationOf[capability])
