// Uses of keys with a token, as a client speaks them: the token is given in band, where the gate asks for it, or in the environment.
import type { RawClient } from "@gripgate/testkit/raw-client"
import { DIGEST, ecdhCiphertext, outcome } from "./wire.ts"

/** An app with a socket of its own, all keys, and these verdicts. */
export const appPolicy = (app: string, verdicts: Readonly<Record<string, string>>): string =>
  [
    `[apps.${app}]`,
    `socket = "${app}"`,
    "keys = [\"*\"]",
    ...Object.entries(verdicts).map(([operation, verdict]) => `${operation} = "${verdict}"`)
  ].join("\n")

/** What a token is needed for, as for a mail server. */
export const needsToken = { sign: "token", decrypt: "token", loopback: "token" } as const

/** The option by which gpg hands over PINENTRY_USER_DATA. */
export const environmentOption = (token: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from("OPTION pinentry-user-data=gripgate:"), token])

/** What a client that was asked for a passphrase says to that. */
export type Answer = Uint8Array | "CAN"

const passphrases = new Set(["INQUIRE PASSPHRASE", "INQUIRE NEW_PASSPHRASE"])

/**
 * Says a command and answers what is asked: a ciphertext, and a passphrase with each of the answers in turn, then with CAN.
 * The last reply in a word.
 */
export const ask = async (
  client: RawClient,
  line: Uint8Array | string,
  ...answers: ReadonlyArray<Answer>
): Promise<string> => {
  const left = [...answers]
  let reply = await client.command(line)
  while (outcome(reply).startsWith("INQUIRE ")) {
    const asked = outcome(reply)
    const answer = asked === "INQUIRE CIPHERTEXT"
      ? ecdhCiphertext
      : passphrases.has(asked)
      ? left.shift() ?? "CAN"
      : "CAN"
    reply = answer === "CAN" ? await client.command("CAN", 10_000) : await client.answer(answer, 10_000)
  }
  return outcome(reply)
}

export const loopback = (client: RawClient): Promise<string> => ask(client, "OPTION pinentry-mode=loopback")

/** Signs; the answers are given to what asks for a passphrase. */
export const sign = async (client: RawClient, keygrip: string, ...answers: ReadonlyArray<Answer>): Promise<string> => {
  const chosen = await ask(client, `SIGKEY ${keygrip}`)
  if (chosen !== "OK") return chosen
  await ask(client, `SETHASH 8 ${DIGEST}`)
  return ask(client, "PKSIGN", ...answers)
}

/** Decrypts; the answers are given to what asks for a passphrase. */
export const decrypt = async (
  client: RawClient,
  keygrip: string,
  ...answers: ReadonlyArray<Answer>
): Promise<string> => {
  const chosen = await ask(client, `SETKEY ${keygrip}`)
  return chosen === "OK" ? ask(client, "PKDECRYPT", ...answers) : chosen
}
