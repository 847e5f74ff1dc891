// What a command amounts to, in the words that a policy uses. The table of commands names the operations of each command;
// the policy gives each operation a verdict.

/** Every operation, in the order in which documents and messages list them. */
export const operations = [
  "list",
  "sign",
  "certify",
  "authenticate",
  "decrypt",
  "loopback",
  "passphrase",
  "cache",
  "generate",
  "import",
  "export",
  "passwd",
  "delete",
  "trust",
  "card",
  "store",
  "prompt",
  "admin"
] as const

/** One operation: a word of the policy file. */
export type Operation = typeof operations[number]

const known: ReadonlySet<string> = new Set(operations)

/** Whether a word names an operation; case matters, as everywhere in the policy file. */
export const isOperation = (word: string): word is Operation => known.has(word)
