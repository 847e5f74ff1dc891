// What the words of a policy file mean, a sentence each, as an editor shows it beside the word.
import type { Operation } from "@gripgate/protocol/operation"
import type { FactName } from "../client/match.ts"
import type { LimitName } from "../policy.ts"

/** Operations. */
export const operationTexts: Record<Operation, string> = {
  list: "Look up keys: HAVEKEY, KEYINFO, READKEY, for keys that exist for the app.",
  sign: "Sign data.",
  certify: "Sign with a key that can certify; as `sign` where nothing names it.",
  authenticate: "Sign with a key that can authenticate; as `sign` where nothing names it.",
  decrypt: "Decrypt with a key that can encrypt.",
  loopback: "Answer passphrase inquiries in band (--pinentry-mode loopback).",
  passphrase: "Have the agent ask for a passphrase that is of no key, or for a confirmation.",
  cache: "Put passphrases into the agent's cache, take them out, clear them.",
  generate: "Make keys.",
  import: "Bring secret keys in.",
  export: "Take secret keys out.",
  passwd: "Change the passphrase of a key.",
  delete: "Delete secret keys.",
  trust: "Read and change the agent's list of trusted root certificates.",
  card: "Use smartcards, and move keys to a card or a TPM.",
  store: "Values, secrets and key attributes that the agent keeps.",
  prompt: "Say where the agent's own pinentry appears.",
  admin: "End the agent, reload it, ask it about itself."
}

/** Facts of a client. */
export const factTexts: Record<FactName, string> = {
  user: "The user of the process, by name or number.",
  group: "One of the groups of the process, by name or number.",
  label: "The label of a security module (SO_PEERSEC).",
  unit: "The systemd unit: `mailpile.service`.",
  "user-unit": "The unit of the user's own systemd.",
  cgroup: "The path below the root of cgroup v2.",
  container: "`docker:ID`, `podman:ID`, `lxc:NAME` or `machine:NAME`.",
  flatpak: "The id of a Flatpak application.",
  snap: "The name of a snap.",
  exe: "The path of the program that connects, mostly gpg. Another program of the same user can imitate it.",
  program: "The path of the program that called gpg. Another program of the same user can imitate it.",
  parent: "The path of any program in the chain of parents. Another program of the same user can imitate it.",
  cmdline: "The words of the command line with a blank between them. Another program of the same user can imitate it.",
  cwd: "The working directory. Another program of the same user can imitate it.",
  via: "What brought the client from elsewhere: ssh, qrexec or connect.",
  remote: "Where the client is, as sshd says: an address, with SHA256:...@ before it where its key is known.",
  qube: "The qube that the client is in, as qrexec says."
}

/** Limits. */
export const limitTexts: Record<LimitName, string> = {
  sessions: "Clients at once.",
  "sessions-of-app": "Clients of one app at once.",
  "finish-line": "How long a client may take to finish a line that it began.",
  "finish-answer": "How long a client may take for its answer to an inquiry.",
  "take-reply": "How long a client may take to read what it is sent.",
  greeting: "How long the agent may take to greet.",
  warm: "How long an unused connection to the agent is kept.",
  stop: "How long sessions may take to end when the gate stops."
}
