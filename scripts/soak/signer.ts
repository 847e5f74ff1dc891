// What a busy client says for each signature, and how it knows that the answer is the right one. An Ed25519 signature over one
// digest is always the same (RFC 8032), so each client has a digest of its own, the agent is asked for its signature once, and from
// then on every answer is held against that, byte by byte: an answer that went to another client would not pass.
import { replyData } from "@gripgate/testkit/assuan-data"
import { createHash } from "node:crypto"
import { Client, handshake } from "../bench/dialogue.ts"

const line = (text: string): Buffer => Buffer.from(`${text}\n`)

/** From the connection to where it signs: what gpg says first. */
export const hello: ReadonlyArray<Buffer> = handshake

/** One signature of the client with this number. */
export const signing = (keygrip: string, client: number): ReadonlyArray<Buffer> => {
  const digest = createHash("sha256").update(`client ${client}`).digest("hex").toUpperCase()
  return ["RESET", `SIGKEY ${keygrip}`, `SETKEYDESC Client+${client}`, `SETHASH 8 ${digest}`, "PKSIGN"].map(line)
}

/** The signature in the lines of a reply. */
export const signatureIn = (reply: string): string =>
  replyData(reply.split("\n").map((each) => Buffer.from(each, "latin1"))).toString("base64")

/** The right signatures of so many clients, by the agent at this socket itself. */
export const rightSignatures = (agent: string, keygrip: string, clients: number): ReadonlyArray<string> => {
  const client = Client.greeted(agent)
  try {
    return Array.from({ length: clients }, (_, number) => {
      let reply = ""
      for (const each of signing(keygrip, number)) {
        client.send(each)
        reply = client.reply()
      }
      const signature = signatureIn(reply)
      if (signature === "") throw new Error("the agent made no signature")
      return signature
    })
  } finally {
    client.close()
  }
}
