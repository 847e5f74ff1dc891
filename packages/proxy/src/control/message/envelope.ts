// What is said on the control socket, by which the command line asks a running gate: one JSON line in, one JSON line out, and
// for `watch` a line for each change. Each carries the version `v`; a reader that does not know a version says so and does nothing.
//
// A secret is in no line, since JSON would make a string of it, which nobody can wipe. Its bytes follow the line directly, as many as
// the line says: passphrases a request (`secrets`), a token a reply (`secretBytes`).
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Request, Request as RequestSchema } from "./request.ts"

/** The version of the messages. */
export const VERSION = 1

/** Longest line of a request, and of a reply, in bytes with the LF. */
export const MAX_REQUEST_LINE = 64 * 1024
export const MAX_REPLY_LINE = 4 * 1024 * 1024

/** Most bytes of a token. */
export const MAX_SECRET = 255

/** `refused`: it cannot be done; `notPermitted`: not by this peer; `usage`: it names something that there is not. */
export type Fault = "refused" | "notPermitted" | "usage"

/**
 * What a gate answers. `result` is what the verb has; `secretBytes` follow the line. `wrong` are the keys whose passphrase was not the
 * right one, where that is all that is wrong.
 */
export type Reply =
  | { readonly v: typeof VERSION; readonly ok: true; readonly result: unknown; readonly secretBytes?: number }
  | {
    readonly v: typeof VERSION
    readonly ok: false
    readonly fault: Fault
    readonly error: string
    readonly hint?: string
    readonly wrong?: ReadonlyArray<string>
  }

const ReplySchema = Schema.Union([
  Schema.Struct({
    v: Schema.Literal(VERSION),
    ok: Schema.Literal(true),
    result: Schema.Unknown,
    secretBytes: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_SECRET })))
  }),
  Schema.Struct({
    v: Schema.Literal(VERSION),
    ok: Schema.Literal(false),
    fault: Schema.Literals(["refused", "notPermitted", "usage"]),
    error: Schema.String,
    hint: Schema.optionalKey(Schema.String),
    wrong: Schema.optionalKey(Schema.Array(Schema.String))
  })
])

const decodeRequest = Schema.decodeUnknownResult(RequestSchema)
const decodeReply = Schema.decodeUnknownResult(ReplySchema)
const decodeEnvelope = Schema.decodeUnknownResult(Schema.Struct({ v: Schema.Unknown, verb: Schema.String }))

const parseJson = (line: Buffer): unknown => {
  try {
    return JSON.parse(line.toString())
  } catch {
    return undefined
  }
}

/** What is asked, or why it cannot be answered. Of a message nothing is repeated but a short verb. */
export const parseRequest = (line: Buffer): Result.Result<Request, string> => {
  const json = parseJson(line)
  const envelope = decodeEnvelope(json)
  if (Result.isFailure(envelope)) return Result.fail("expected a line of JSON like {\"v\":1,\"verb\":\"status\"}")
  const { v, verb } = envelope.success
  if (v !== VERSION) return Result.fail(`this gate speaks version ${VERSION} of the control messages`)
  return Result.mapError(decodeRequest(json), () => {
    const known = RequestSchema.members.some((member) => member.fields.verb.literal === verb)
    const name = JSON.stringify(verb.slice(0, 40))
    return known ? `the verb ${name} does not have these fields` : `this gate does not know the verb ${name}`
  })
}

/** What a gate answered; `undefined` where it is nothing that this version understands. */
export const parseReply = (line: Buffer): Reply | undefined => Result.getOrUndefined(decodeReply(parseJson(line)))

/** A request as it is sent. */
export const writeRequest = (request: Request): Buffer => Buffer.from(`${JSON.stringify({ v: VERSION, ...request })}\n`)

/** A reply as it is sent. */
export const writeReply = (reply: Reply): Buffer => Buffer.from(`${JSON.stringify(reply)}\n`)
