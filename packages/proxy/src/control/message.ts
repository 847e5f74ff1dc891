// What is said on the control socket, by which the command line asks a running gate: one JSON line in, one JSON line out. Each
// carries the version `v`; a reader that does not know a version or a verb says so and does nothing.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The version of the messages. */
export const VERSION = 1

/** Longest line in bytes, with its LF, either way. */
export const MAX_CONTROL_LINE = 64 * 1024

export const Verb = Schema.Literals(["status"])
export type Verb = typeof Verb.Type

const Count = Schema.Int
const Moment = Schema.String

/** What a running gate says about itself. Times are RFC 3339. */
export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Int,
  startedAt: Moment,
  /** The agent behind the gate; its version is `null` as long as nobody has needed it. */
  upstream: Schema.Struct({ socket: Schema.String, version: Schema.NullOr(Schema.String) }),
  /** The sockets, the app that owns each, and how many sessions are open on it. */
  listen: Schema.Array(Schema.Struct({ path: Schema.String, app: Schema.NullOr(Schema.String), sessions: Count })),
  /** `file` is `null` for a built-in policy; `default` is the verdict for what no entry names. */
  policy: Schema.Struct({ file: Schema.NullOr(Schema.String), default: Schema.String, loadedAt: Moment }),
  sessions: Schema.Struct({ open: Count, served: Count }),
  /** Operations refused since the start. */
  refused: Count
})
export type Status = typeof Status.Type

const Request = Schema.Struct({ v: Schema.Literal(VERSION), verb: Verb })

const Reply = Schema.Union([
  Schema.Struct({ v: Schema.Literal(VERSION), ok: Schema.Literal(true), status: Status }),
  Schema.Struct({ v: Schema.Literal(VERSION), ok: Schema.Literal(false), error: Schema.String })
])
export type Reply = typeof Reply.Type

const decodeRequest = Schema.decodeUnknownResult(Request)
const decodeReply = Schema.decodeUnknownResult(Reply)

const parseJson = (line: Buffer): unknown => {
  try {
    return JSON.parse(line.toString())
  } catch {
    return undefined
  }
}

const Envelope = Schema.decodeUnknownResult(Schema.Struct({ v: Schema.Unknown, verb: Schema.String }))

/** What is asked, or why it cannot be answered. Of a message nothing is repeated but a short verb. */
export const parseRequest = (line: Buffer): Result.Result<Verb, string> => {
  const json = parseJson(line)
  const request = decodeRequest(json)
  if (Result.isSuccess(request)) return Result.succeed(request.success.verb)
  const envelope = Envelope(json)
  if (Result.isFailure(envelope)) return Result.fail("expected a line of JSON like {\"v\":1,\"verb\":\"status\"}")
  if (envelope.success.v !== VERSION) return Result.fail(`this gate speaks version ${VERSION} of the control messages`)
  return Result.fail(`this gate does not know the verb ${JSON.stringify(envelope.success.verb.slice(0, 40))}`)
}

/** What a gate answered; `undefined` where it is nothing that this version understands. */
export const parseReply = (line: Buffer): Reply | undefined => Result.getOrUndefined(decodeReply(parseJson(line)))

/** A message as it is sent. */
export const writeMessage = (message: Reply | typeof Request.Type): Buffer =>
  Buffer.from(`${JSON.stringify(message)}\n`)
