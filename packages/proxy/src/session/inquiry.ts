// An inquiry of the agent: checked against the running command, put to the client, and the answer taken apart, judged
// and written anew. The answer lies in a slab that is wiped.
import { END_LINE, parseAnswerLine } from "@gripgate/protocol/answer"
import { canonicalAnswer } from "@gripgate/protocol/answer-grammar"
import { decodeDataInto, decodedLength, encodeDataLines } from "@gripgate/protocol/escape"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, inquiriesOf, type InquirySpec } from "@gripgate/protocol/grammar/command"
import { MAX_ANSWER_OVERRUN } from "@gripgate/protocol/limits"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hasTokenForm } from "../grant/token-form.ts"
import { giveSlab, takeSlab } from "../upstream/collector.ts"
import { type ClientChannel, faultError } from "./client.ts"

/** How a client answered. The lines of `data` are whole, END included. */
export type ClientAnswer =
  | {
    readonly kind: "data"
    readonly lines: Buffer
    /** A ciphertext whose decryption may be a signature: with RSA the two are one computation. */
    readonly maySign: boolean
  }
  | { readonly kind: "cancel" }
  /** The answer is none that may be handed on; the session goes on with this error. */
  | { readonly kind: "bad"; readonly error: GpgError; readonly reason: string }
  /** The client broke the rules or is gone. */
  | { readonly kind: "violation"; readonly error: GpgError; readonly reason: string }

/** The inquiry that a command may make by this keyword, in this mode; `undefined` where it may not. */
export const expectedInquiry = (command: Command, keyword: string, loopback: boolean): InquirySpec | undefined =>
  inquiriesOf(command).find((spec) => spec.keyword === keyword && (spec.loopback === undefined || loopback))

const violation = (client: ClientChannel): Extract<ClientAnswer, { kind: "violation" }> =>
  client.closedFor !== undefined
    ? { kind: "violation", error: gpgError.TIMEOUT, reason: client.closedFor }
    : client.fault !== undefined
    ? { kind: "violation", error: faultError(client.fault), reason: client.fault }
    : { kind: "violation", error: gpgError.ASS_CANCELED, reason: "the client went away inside an inquiry" }

/** An answer as it came, in a slab. */
type Collected =
  | { readonly kind: "whole"; readonly slab: Buffer; readonly length: number }
  | Exclude<ClientAnswer, { kind: "data" }>

/** Collects a client's answer of at most `limit` bytes, after decoding. */
function* collect(client: ClientChannel, keyword: string, limit: number): Effect.fn.Return<Collected> {
  let slab = takeSlab()
  let length = 0
  let overrun = 0
  const done = (answer: Collected): Collected => {
    client.awaitAnswer(false)
    if (answer.kind !== "whole") giveSlab(slab, length)
    return answer
  }
  client.awaitAnswer(true)
  while (true) {
    const line = client.take() ?? (yield* client.next)
    if (line === undefined) return done(violation(client))
    const answer = parseAnswerLine(line)
    switch (answer.kind) {
      case "ignore":
        break
      case "cancel":
        return done({ kind: "cancel" })
      case "violation":
        line.fill(0)
        return done({
          kind: "violation",
          error: gpgError.ASS_UNEXPECTED_CMD,
          reason: "a line inside an inquiry that is neither data nor its end"
        })
      case "data": {
        const more = decodedLength(answer.payload)
        if (more < 0) {
          line.fill(0)
          return done({ kind: "violation", error: gpgError.ASS_SYNTAX, reason: "a bad escape in a D line" })
        }
        if (overrun > 0 || length + more > limit) {
          overrun += line.length + 1
          line.fill(0)
          if (overrun > MAX_ANSWER_OVERRUN) {
            return done({ kind: "violation", error: gpgError.ASS_TOO_MUCH_DATA, reason: "an answer without end" })
          }
          break
        }
        if (length + more > slab.length) {
          const larger = takeSlab(2 * (length + more))
          slab.copy(larger, 0, 0, length)
          giveSlab(slab, length)
          slab = larger
        }
        length = decodeDataInto(answer.payload, slab, length)
        line.fill(0)
        break
      }
      case "end":
        return done(
          overrun > 0
            ? { kind: "bad", error: gpgError.ASS_TOO_MUCH_DATA, reason: `more than ${limit} bytes for ${keyword}` }
            : { kind: "whole", slab, length }
        )
    }
  }
}

/**
 * Collects a client's answer and judges it. `limit` is the most bytes that the agent takes, after decoding; `refuse` says why a
 * whole answer is forbidden.
 */
export function* readAnswer(
  client: ClientChannel,
  spec: InquirySpec,
  limit: number,
  refuse?: (data: Buffer) => string | undefined
): Effect.fn.Return<ClientAnswer> {
  const collected = yield* collect(client, spec.keyword, limit)
  if (collected.kind !== "whole") return collected
  const { length, slab } = collected
  const answer = judge(spec, slab.subarray(0, length), limit, refuse)
  giveSlab(slab, length)
  return answer
}

/** A secret that is for the gate itself, and goes nowhere else: whoever takes it wipes it. */
export function* readSecret(
  client: ClientChannel,
  { keyword }: InquirySpec,
  limit: number
): Effect.fn.Return<{ readonly kind: "data"; readonly bytes: Buffer } | Exclude<ClientAnswer, { kind: "data" }>> {
  const collected = yield* collect(client, keyword, limit)
  return collected.kind === "whole"
    ? { kind: "data", bytes: collected.slab.subarray(0, collected.length) }
    : collected
}

/** `(7:enc-val(4:ecdh` and `(7:enc-val(3:pqc`: key agreement and encapsulation, which can sign nothing. */
const agreements = ["(7:enc-val(4:ecdh", "(7:enc-val(3:pqc"]

const isAgreement = (ciphertext: Buffer): boolean =>
  agreements.some((start) => ciphertext.toString("latin1", 0, start.length) === start)

const judge = (
  spec: InquirySpec,
  bytes: Buffer,
  limit: number,
  refuse?: (data: Buffer) => string | undefined
): ClientAnswer => {
  const refused = refuse?.(bytes)
  if (refused !== undefined) return { kind: "bad", error: gpgError.FORBIDDEN, reason: refused }
  if (spec.secret === true && hasTokenForm(bytes)) {
    return { kind: "bad", error: gpgError.BAD_PASSPHRASE, reason: `a token in place of an answer to ${spec.keyword}` }
  }
  const canonical = canonicalAnswer(spec.grammar, bytes)
  if (Result.isFailure(canonical)) {
    const error = spec.grammar === "nothing" ? gpgError.ASS_TOO_MUCH_DATA : gpgError.INV_SEXP
    return { kind: "bad", error, reason: `the answer to ${spec.keyword}: ${canonical.failure}` }
  }
  if (canonical.success.length > limit) {
    return { kind: "bad", error: gpgError.ASS_TOO_MUCH_DATA, reason: `more than ${limit} bytes for ${spec.keyword}` }
  }
  const data = encodeDataLines(canonical.success)
  const lines = Buffer.allocUnsafeSlow(Math.max(data.length + END_LINE.length, 4096)).subarray(
    0,
    data.length + END_LINE.length
  )
  data.copy(lines)
  data.fill(0)
  END_LINE.copy(lines, data.length)
  return { kind: "data", lines, maySign: spec.grammar === "ciphertext" && !isAgreement(canonical.success) }
}
