// A fake agent whose keys have a passphrase, and are locked: it takes that passphrase in loopback mode, and nothing else.
import { dataLines } from "@gripgate/testkit/assuan-data"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import { cannedPlaintext, cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import type { FakeConnection } from "@gripgate/testkit/fake-agent/record"
import type { Handler, Handlers, Reply } from "@gripgate/testkit/fake-agent/reply"
import { handlers as busy } from "./agent.ts"

export const BAD: Reply = ["ERR 67108875 Bad passphrase <GPG Agent>"]

const inLoopback = ({ commands }: FakeConnection): boolean =>
  commands.findLast((line) => line.startsWith("OPTION pinentry-mode")) === "OPTION pinentry-mode=loopback"

/** Asks for the passphrase, as gpg-agent does for a key that is locked. */
const locked = (passphrase: Buffer, then: Reply): Handler => (_, connection): Reply =>
  inLoopback(connection)
    ? { inquire: "PASSPHRASE", maxlen: 255, next: (answer) => answer.equals(passphrase) ? then : BAD }
    : ["ERR 67109041 No passphrase given <GPG Agent>"]

export interface ProtectedOptions {
  readonly keys: ReadonlyArray<string>
  readonly passphrase: Buffer
  /** Laid over the table. */
  readonly handlers?: Handlers
}

/** Starts one that has these keys. */
export const startProtectedAgent = ({ handlers, keys, passphrase }: ProtectedOptions): Promise<FakeAgent> => {
  const row = (grip: string): string => `S KEYINFO ${grip} D - - - P - - -`
  const decrypted: Reply = [...dataLines(cannedPlaintext), "OK"]
  return startFakeAgent({
    keys,
    handlers: {
      ...busy,
      KEYINFO: (line) => {
        const grip = line.toString("latin1").split(" ").at(-1)!
        if (grip === "--list") return [...keys.map(row), "OK"]
        return keys.includes(grip) ? [row(grip), "OK"] : ["ERR 67108891 Not found <GPG Agent>"]
      },
      PASSWD: locked(passphrase, ["OK"]),
      PKSIGN: locked(passphrase, [...dataLines(cannedSignature), "OK"]),
      PKDECRYPT: (line, connection) => ({
        inquire: "CIPHERTEXT",
        maxlen: 4096,
        next: () => {
          const handler = locked(passphrase, decrypted)
          return typeof handler === "function" ? handler(line, connection) as Reply : handler
        }
      }),
      ...handlers
    }
  })
}
