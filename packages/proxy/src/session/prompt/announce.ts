// Which commands make the agent prompt, and whose prompts take the text of SETKEYDESC. Before the others, whose prompts are
// the agent's own and name nobody, the gate puts a question that does. Read in the sources of GnuPG 2.2.40 and 2.5.
import { type Command, has } from "@gripgate/protocol/grammar/command"
import type { KeyInfo } from "../../keys/key-directory.ts"

/**
 * Commands that read `keydesc` (GnuPG agent/command.c). KEYTOCARD and KEYTOTPM do not clear it. GENKEY, LEARN, SCD and
 * MARKTRUSTED never look at it.
 */
const withKeydesc: ReadonlySet<string> = new Set([
  "PKSIGN",
  "PKDECRYPT",
  "PASSWD",
  "IMPORT_KEY",
  "EXPORT_KEY",
  "DELETE_KEY",
  "KEYTOCARD",
  "KEYTOTPM"
])

/** Commands of the card daemon that are given a way to ask for a PIN (GnuPG scd/command.c, pin_cb). */
const withPin: ReadonlySet<string> = new Set([
  "PKSIGN",
  "PKAUTH",
  "PKDECRYPT",
  "SETATTR",
  "WRITECERT",
  "WRITEKEY",
  "GENKEY",
  "PASSWD",
  "CHECKPIN"
])

/** Whether the agent's prompts for this command take the text of SETKEYDESC. */
export const usesKeydesc = (command: Command): boolean => withKeydesc.has(command.spec.name)

/** Whether the agent may put a prompt before the owner because of this command, in some state of its keys and cache. */
export const canPrompt = (command: Command): boolean => {
  switch (command.spec.name) {
    case "GENKEY":
      return asksNewPassphrase(command)
    case "GET_PASSPHRASE":
      return !has(command, "--no-ask")
    case "EXPORT_KEY":
      return !has(command, "--mode1003")
    case "GET_CONFIRMATION":
    case "MARKTRUSTED":
      return true
    case "SCD":
      return command.inner !== undefined && withPin.has(command.inner.spec.name)
    default:
      return usesKeydesc(command)
  }
}

/**
 * GENKEY asks unless it is told that there is no passphrase, or takes one from the client (agent/genkey.c agent_genkey). A
 * nonce is no reason not to expect a prompt: the agent asks for one that it has forgotten, at a RESET or when its time was
 * up, and a client can see to both (seen with GnuPG 2.2.40).
 */
const asksNewPassphrase = (command: Command): boolean =>
  !has(command, "--no-protection") && !has(command, "--inq-passwd")

/**
 * Whether the agent may prompt for this command without any text of a client's or of the gate's. `keys` are those that it uses.
 * In loopback mode it prompts nobody.
 */
export const promptsNameless = (command: Command, keys: ReadonlyArray<KeyInfo>): boolean => {
  // what is not known may be without protection
  const isProtected = keys.length > 0 && keys.every(({ protection }) => protection === "protected")
  switch (command.spec.name) {
    case "PKSIGN":
    case "PKDECRYPT":
      // the agent drops the text where a card asks (agent/divert-scd.c divert_pksign, divert_pkdecrypt)
      return keys.some(({ protection }) => protection === "card")
    case "PASSWD":
      // the old passphrase is asked for with the text, if there is one and it is not known; the new one without
      return !has(command, "--verify") && !(isProtected && !has(command, "--cache-nonce"))
    case "EXPORT_KEY":
      // a key without a passphrase gets one for its way (agent/command.c cmd_export_key)
      return has(command, "--openpgp") && !has(command, "--mode1003") && !isProtected
    case "IMPORT_KEY":
      // a key that is not in OpenPGP's format gets a new passphrase; the gate cannot see the format
      return !has(command, "--unattended")
    case "KEYTOCARD":
    case "KEYTOTPM":
      return true
    case "GET_PASSPHRASE":
    case "GET_CONFIRMATION":
    case "DELETE_KEY":
      return false
    default:
      return canPrompt(command)
  }
}
