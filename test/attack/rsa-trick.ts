// The trick itself: with RSA a padded digest, given for a ciphertext, is decrypted to a signature. What a client needs for it, and
// how one tells a signature or a plaintext from nothing.
import { assert } from "@effect/vitest"
import { parseCanonical } from "@gripgate/protocol/sexp/parse-canonical"
import { isAtom, type Sexp } from "@gripgate/protocol/sexp/sexp"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import * as Result from "effect/Result"
import { constants, createHash, createPublicKey, type KeyObject, publicEncrypt, verify } from "node:crypto"
import { assertTalk, outcome } from "../support/wire.ts"

export const text = Buffer.from("what nobody allowed to sign\n")
export const digest = createHash("sha256").update(text).digest()
const SESSION_KEY = Buffer.from("a session key of thirty-two byte")

const atomNamed = (sexp: Sexp, name: string): Buffer | undefined => {
  if (isAtom(sexp)) return undefined
  const [first, second] = sexp
  if (first !== undefined && second !== undefined && isAtom(first) && isAtom(second)) {
    if (Buffer.from(first).equals(Buffer.from(name))) return Buffer.from(second)
  }
  for (const part of sexp) {
    const found = atomNamed(part, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** The value of this name in what an agent said. A NUL may stand behind the expression. */
const valueOf = (data: Buffer, name: string): Buffer => {
  const parsed = parseCanonical(data.at(-1) === 0 ? data.subarray(0, data.lastIndexOf(")") + 1) : data)
  const found = Result.isSuccess(parsed) ? atomNamed(parsed.success, name) : undefined
  if (found === undefined) throw new Error(`expected a value ${name}, got ${data.toString("latin1")}`)
  return found
}

const withoutSign = (number: Buffer): Buffer => number[0] === 0 ? number.subarray(1) : number

export interface PublicKey {
  readonly key: KeyObject
  readonly size: number
}

export const publicKey = async (agent: RawClient, grip: string): Promise<PublicKey> => {
  const { data } = await agent.command(`READKEY ${grip}`)
  const n = withoutSign(valueOf(data, "n"))
  const jwk = { kty: "RSA", n: n.toString("base64url"), e: valueOf(data, "e").toString("base64url") }
  return { key: createPublicKey({ key: jwk, format: "jwk" }), size: n.length }
}

const encVal = (number: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`(7:enc-val(3:rsa(1:a${number.length}:`), number, Buffer.from(")))")])

/** A digest padded as PKCS#1 wants it, in place of a ciphertext (RFC 8017, section 9.2). */
export const paddedDigest = ({ size }: PublicKey): Buffer => {
  const info = Buffer.concat([Buffer.from("3031300d060960864801650304020105000420", "hex"), digest])
  const padding = Buffer.alloc(size - info.length - 3, 0xff)
  return encVal(Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info]))
}

export const encrypted = ({ key }: PublicKey): Buffer =>
  encVal(publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, SESSION_KEY))

const leftPadded = (number: Buffer, size: number): Buffer => {
  const bytes = withoutSign(number)
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes])
}

export const isSignature = ({ key, size }: PublicKey, data: Buffer, name: "value" | "s"): boolean =>
  verify("sha256", text, key, leftPadded(valueOf(data, name), size))

/** PKDECRYPT: what became of it, and the plaintext where there is one. */
export const decrypt = async (client: RawClient, grip: string, ciphertext: Buffer) => {
  await assertTalk(client, ["RESET", "OK"], [`SETKEY ${grip}`, "OK"])
  let reply = await client.command("PKDECRYPT")
  const asked = outcome(reply) === "INQUIRE CIPHERTEXT"
  if (asked) reply = await client.answer(ciphertext)
  return { asked, outcome: outcome(reply), data: reply.data }
}

export const assertDecrypts = async (client: RawClient, grip: string, known: PublicKey): Promise<void> => {
  const { data, outcome } = await decrypt(client, grip, encrypted(known))
  assert.strictEqual(outcome, "OK")
  assert.isTrue(valueOf(data, "value").subarray(-SESSION_KEY.length).equals(SESSION_KEY), "it is the plaintext")
}

export const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}
