// Recorded dialogues of real programs with real agents through the parser: every line is understood, by the side that says
// it and the side that hears it, however the bytes arrive; and what would be written anew is what the client meant.
import { assert, describe, it } from "@effect/vitest"
import { type AnswerLine, parseAnswerLine } from "@gripgate/protocol/answer"
import { canonicalAnswer } from "@gripgate/protocol/answer-grammar"
import { Dialogue } from "@gripgate/protocol/dialogue"
import { decodeData, encodeDataLines } from "@gripgate/protocol/escape"
import { LineReader } from "@gripgate/protocol/framing"
import type { Command, InquirySpec } from "@gripgate/protocol/grammar/command"
import type { Reply } from "@gripgate/protocol/reply"
import { parseRequest, type Request, writeOption, writeRequest } from "@gripgate/protocol/request"
import type { TranscriptConnection, TranscriptLine } from "@gripgate/testkit/transcript"
import * as Result from "effect/Result"
import { connections, linesOf, transcripts } from "./recorded.ts"

type Parsed = Request | AnswerLine | Reply

/** One line of a dialogue, parsed, and whose turn it is behind it. */
interface Step {
  readonly line: TranscriptLine
  readonly parsed: Parsed
  readonly turn: string
}

const latin1 = (bytes: Buffer): string => bytes.toString("latin1")

/** A parsed line as text, so that two ways of arriving at it can be compared. */
const told = (step: Step): string =>
  JSON.stringify(
    [step.turn, step.parsed],
    (name, value: unknown) =>
      name === "spec" || name === "option" && typeof value === "object"
        ? (value as { readonly name: string }).name
        : value instanceof Map
        ? [...value].toSorted()
        : typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value
        ? Buffer.from(value.data as Array<number>).toString("latin1")
        : value
  )

const parseWith = (dialogue: Dialogue, line: TranscriptLine): Step => {
  const parsed = line.from === "client" ? dialogue.client(line.bytes) : dialogue.server(line.bytes)
  assert.isDefined(parsed, `${line.from} out of turn: ${latin1(line.bytes)}`)
  return { line, parsed: parsed!, turn: dialogue.turn }
}

/** The whole dialogue, line by line. */
const steps = (connection: TranscriptConnection): ReadonlyArray<Step> => {
  const dialogue = new Dialogue()
  return connection.lines.map((line) => parseWith(dialogue, line))
}

/** The same with bytes that arrive in pieces of the lengths given; both sides have a reader of their own. */
const stepsInPieces = (connection: TranscriptConnection, lengths: () => number): ReadonlyArray<Step> => {
  const dialogue = new Dialogue()
  const readers = { client: new LineReader(), agent: new LineReader() }
  return connection.lines.map(({ bytes, from }) => {
    const wire = Buffer.concat([bytes, Buffer.from("\n")])
    const found: Array<Buffer> = []
    for (let at = 0; at < wire.length;) {
      assert.lengthOf(found, 0)
      const length = lengths()
      readers[from].push(Buffer.from(wire.subarray(at, at + length)))
      at += length
      for (let line = readers[from].next(); line !== undefined; line = readers[from].next()) {
        found.push(Buffer.from(line))
      }
    }
    assert.deepStrictEqual(found.map(latin1), [latin1(bytes)])
    return parseWith(dialogue, { from, bytes: found[0]! })
  })
}

/** Lengths from 1 to 30 bytes, always the same (the numbers of Numerical Recipes). */
const someLengths = (): () => number => {
  let state = 20261123
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return 1 + state % 30
  }
}

/** What a client asked for, and everything until the reply. */
interface Exchange {
  readonly request: Request
  readonly line: Buffer
  readonly steps: ReadonlyArray<Step>
}

const exchanges = (connection: TranscriptConnection): ReadonlyArray<Exchange> => {
  const found: Array<{ request: Request; line: Buffer; steps: Array<Step> }> = []
  let inside = false
  for (const step of steps(connection).slice(1)) {
    if (!inside) found.push({ request: step.parsed as Request, line: step.line.bytes, steps: [] })
    else found.at(-1)!.steps.push(step)
    inside = step.turn !== "idle"
  }
  return found
}

const allExchanges = connections.flatMap(exchanges)
const commandsOf = allExchanges.flatMap(({ line, request, steps }) =>
  request.kind === "command" ? [{ command: request.command, line, steps }] : []
)

/** The inquiries that a command may meet: its own, and behind SCD those of the card's command. */
const inquiriesOf = (command: Command): ReadonlyArray<InquirySpec> => [
  ...command.spec.inquiries,
  ...(command.inner?.spec.inquiries ?? [])
]

/** Answers to inquiries, decoded, each with its description and the lines it came in. */
const answers = commandsOf.flatMap(({ command, steps }) => {
  const found: Array<{ spec: InquirySpec; payloads: Array<Buffer>; end: string; announced: number | undefined }> = []
  let announced: number | undefined
  for (const { line, parsed } of steps) {
    if (parsed.kind === "status") {
      announced = parsed.keyword === "INQUIRE_MAXLEN"
        ? Number(latin1(parsed.args))
        : undefined
    }
    if (parsed.kind === "inquire") {
      const spec = inquiriesOf(command).find(({ keyword }) => keyword === parsed.keyword)
      assert.isDefined(spec, `${command.spec.name} ${parsed.keyword}`)
      found.push({ spec: spec!, payloads: [], end: "", announced })
      announced = undefined
    }
    if (line.from === "client") {
      if (parsed.kind === "data") found.at(-1)!.payloads.push(parsed.payload)
      else found.at(-1)!.end = parsed.kind
    }
  }
  return found
})

const decode = (payloads: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat(payloads.map((payload) => {
    const data = decodeData(payload)
    assert.isDefined(data, latin1(payload))
    return data!
  }))

/** The payloads of whole D lines. */
const payloadsOf = (lines: Buffer): ReadonlyArray<Buffer> =>
  latin1(lines).split("\n").slice(0, -1).map((line) => {
    assert.isAtMost(line.length, 1000)
    const answer = parseAnswerLine(Buffer.from(line, "latin1"))
    assert.strictEqual(answer.kind, "data")
    return answer.kind === "data" ? answer.payload : Buffer.alloc(0)
  })

const rewritten = (request: Request): string => {
  const written = request.kind === "command"
    ? writeRequest(request.command)
    : request.kind === "option"
    ? writeOption(request.option.name, request.value)
    : undefined
  assert.isDefined(written)
  return latin1(written!).replace(/\n$/, "")
}

describe("every recorded dialogue", () => {
  for (const [name, { connections }] of transcripts) {
    it(`${name}: is understood whole, byte by byte, and in pieces`, () => {
      for (const connection of connections) {
        const whole = steps(connection)
        assert.strictEqual(whole[0]?.parsed.kind, "ok")
        assert.strictEqual(whole.at(-1)?.turn, "idle")
        for (const { parsed, turn } of whole) {
          assert.notStrictEqual(turn, "over")
          assert.notInclude(["refused", "violation", "ignore"], parsed.kind)
        }
        const expected = whole.map(told)
        assert.deepStrictEqual(stepsInPieces(connection, () => 1).map(told), expected)
        assert.deepStrictEqual(stepsInPieces(connection, someLengths()).map(told), expected)
      }
    })

    it(`${name}: is understood by a client that sends its lines itself`, () => {
      for (const connection of connections) {
        const dialogue = new Dialogue()
        for (const { bytes, from } of connection.lines) {
          if (from === "agent") assert.isDefined(dialogue.server(bytes), latin1(bytes))
          else if (dialogue.turn === "inquiry") {
            if (!latin1(bytes).startsWith("D ")) dialogue.answered()
          } else {
            assert.strictEqual(dialogue.turn, "idle")
            dialogue.sent(1)
          }
        }
        assert.deepStrictEqual([dialogue.turn, dialogue.outstanding], ["idle", 0])
      }
    })
  }

  it("comes out in the same lines when one side's bytes arrive all at once", () => {
    for (const { lines } of connections) {
      for (const side of ["client", "agent"] as const) {
        const expected = lines.filter(({ from }) => from === side).map(({ bytes }) => latin1(bytes))
        const reader = new LineReader()
        reader.push(Buffer.from(expected.map((line) => `${line}\n`).join(""), "latin1"))
        const found: Array<string> = []
        for (let line = reader.next(); line !== undefined; line = reader.next()) found.push(latin1(line))
        assert.deepStrictEqual(found, expected)
      }
    }
  })

  it("has enough in it to be worth the trouble", () => {
    assert.isAbove(connections.length, 100)
    assert.isAbove(commandsOf.length, 700)
    assert.isAbove(answers.length, 100)
    const used = new Set(commandsOf.map(({ command }) => command.inner?.spec.name ?? command.spec.name))
    assert.isAbove(used.size, 25)
  })
})

describe("what agents say", () => {
  it("has only statuses that the table names for the command, and INQUIRE_MAXLEN before an inquiry", () => {
    for (const { command, line, steps } of commandsOf) {
      const known = (command.inner ?? command).spec.status
      steps.forEach(({ parsed }, index) => {
        if (parsed.kind !== "status") return
        if (parsed.keyword === "INQUIRE_MAXLEN") {
          assert.strictEqual(steps[index + 1]?.parsed.kind, "inquire", latin1(line))
        } else if (known !== "*") assert.include(known, parsed.keyword, latin1(line))
      })
    }
    for (const { line, request, steps } of allExchanges) {
      if (request.kind === "option") {
        assert.isFalse(steps.some(({ parsed }) => parsed.kind !== "ok" && parsed.kind !== "err"), latin1(line))
      }
    }
  })

  it("has words behind OK only at the end, and secrets only where the table says so", () => {
    for (const { command, line, steps } of commandsOf) {
      const reply = steps.at(-1)?.parsed
      if (reply?.kind !== "ok" || reply.text.length === 0) continue
      if (latin1(reply.text) === "closing connection") assert.include(["BYE", "KILLAGENT"], command.spec.name)
      else assert.isTrue(command.spec.secretOk, latin1(line))
    }
  })

  it("has errors with a number that gpg can live with", () => {
    const values = new Set(
      allExchanges.flatMap(({ steps }) => steps.flatMap(({ parsed }) => parsed.kind === "err" ? [parsed.value] : []))
    )
    assert.isAbove(values.size, 5)
    for (const value of values) assert.include([4, 5, 6], value >>> 24)
  })

  it("has data that is decoded and written anew without loss", () => {
    for (const { steps } of commandsOf) {
      const data = decode(
        steps.flatMap(({ line, parsed }) => line.from === "agent" && parsed.kind === "data" ? [parsed.payload] : [])
      )
      assert.deepStrictEqual(decode(payloadsOf(encodeDataLines(data))), data)
    }
  })
})

describe("what clients answer", () => {
  it("keeps to the limit of the table, which is the one that the agent announces", () => {
    for (const { announced, payloads, spec } of answers) {
      if (announced !== undefined) assert.strictEqual(announced, spec.limit, spec.keyword)
      assert.isAtMost(decode(payloads).length, spec.limit, spec.keyword)
    }
    const announcing = new Set(
      answers.filter(({ announced }) => announced !== undefined).map(({ spec }) => spec.keyword)
    )
    assert.deepStrictEqual([...announcing].toSorted(), ["CIPHERTEXT", "KEYPARAM", "NEW_PASSPHRASE", "PASSPHRASE"])
  })

  it("is of the grammar that the table names, and written anew means the same", () => {
    const changed = new Map<string, string>()
    for (const { payloads, spec } of answers) {
      const answer = decode(payloads)
      const handedOn = Result.getOrThrow(canonicalAnswer(spec.grammar, answer))
      if (!handedOn.equals(answer)) changed.set(latin1(answer), latin1(handedOn))
      assert.deepStrictEqual(decode(payloadsOf(encodeDataLines(handedOn))), handedOn)
    }
    // gpg's own spelling of key parameters, and nothing else
    assert.deepStrictEqual(Object.fromEntries(changed), {
      "(genkey(rsa(nbits 4:3072)))": "(6:genkey(3:rsa(5:nbits4:3072)))",
      "(genkey(ecc(curve 7:Ed25519)(flags eddsa comp)))": "(6:genkey(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa4:comp)))",
      "(genkey(ecc(curve 10:Curve25519)(flags djb-tweak comp)))":
        "(6:genkey(3:ecc(5:curve10:Curve25519)(5:flags9:djb-tweak4:comp)))",
      "(genkey(ecc(curve 15:brainpoolP256r1)(flags nocomp)))":
        "(6:genkey(3:ecc(5:curve15:brainpoolP256r1)(5:flags6:nocomp)))",
      "(genkey(ecc(curve 15:brainpoolP384r1)(flags nocomp)))":
        "(6:genkey(3:ecc(5:curve15:brainpoolP384r1)(5:flags6:nocomp)))",
      "(genkey(kyber768))": "(6:genkey(8:kyber768))"
    })
  })

  it("ends, or is cancelled, and is empty where nothing may come", () => {
    for (const { end, payloads, spec } of answers) {
      assert.include(["end", "cancel"], end)
      if (spec.grammar === "nothing") assert.lengthOf(payloads, 0)
    }
  })
})

/** A line with its names of keys, nonces and times replaced, so that equal spellings are equal. */
const shape = (line: string): string =>
  line
    .replace(/\b[0-9A-F]{40}\b/g, "GRIP")
    .replace(/\b[0-9A-F]{24}\b/g, "NONCE")
    .replace(/\bS[0-9A-F]{16}\b/g, "CACHEID")
    .replace(/\b[0-9]{8}T[0-9]{6}\b/g, "TIME")

describe("what is written anew", () => {
  it("is what the client meant: read again it is the same", () => {
    for (const line of linesOf("client")) {
      const request = parseRequest(line)
      if (request.kind !== "command" && request.kind !== "option") continue
      const again = parseRequest(Buffer.from(rewritten(request), "latin1"))
      const asStep = (parsed: Request): string => told({ line: { from: "client", bytes: line }, parsed, turn: "" })
      assert.strictEqual(asStep(again), asStep(request))
    }
  })

  it("differs from the client's line in these ways and no other", () => {
    const differing = new Map<string, string>()
    for (const { line, request } of allExchanges) {
      const written = rewritten(request)
      if (written !== latin1(line)) differing.set(shape(latin1(line)), shape(written))
    }
    assert.deepStrictEqual(Object.fromEntries(differing), {
      // blanks
      "PASSWD  --verify GRIP": "PASSWD --verify GRIP",
      "PASSWD   GRIP": "PASSWD GRIP",
      "EXPORT_KEY  GRIP": "EXPORT_KEY GRIP",
      "EXPORT_KEY --openpgp  GRIP": "EXPORT_KEY --openpgp GRIP",
      // the end of options
      "PKSIGN -- NONCE": "PKSIGN NONCE",
      // the order of options, and their end
      "EXPORT_KEY --openpgp --cache-nonce=NONCE GRIP": "EXPORT_KEY --cache-nonce=NONCE --openpgp GRIP",
      "IMPORT_KEY --timestamp=TIME --unattended": "IMPORT_KEY --unattended --timestamp=TIME",
      "GENKEY --timestamp=TIME --no-protection": "GENKEY --no-protection --timestamp=TIME",
      "GET_PASSPHRASE --data --repeat=0 -- CACHEID X X Please+enter+the+passphrase+for+decryption.":
        "GET_PASSPHRASE --data --repeat=0 CACHEID X X Please+enter+the+passphrase+for+decryption.",
      "GET_PASSPHRASE --data --repeat=1 --check --newsymkey -- CACHEID X X Enter+passphrase%0A":
        "GET_PASSPHRASE --data --check --repeat=1 --newsymkey CACHEID X X Enter+passphrase%0A",
      "GET_PASSPHRASE --data --repeat=1 --check -- X X X Please+enter+the+passphrase+to+protect+the+new+PKCS#12+object.":
        "GET_PASSPHRASE --data --check --repeat=1 X X X Please+enter+the+passphrase+to+protect+the+new+PKCS#12+object."
    })
  })

  it("has the same words as the client's line, but for case, blanks, the order of options and their end", () => {
    const words = (line: string): ReadonlyArray<string> =>
      line.split(/[ \t]+/).filter((word) => word !== "--" && word !== "").toSorted()
    for (const { line, request } of allExchanges) assert.deepStrictEqual(words(rewritten(request)), words(latin1(line)))
  })
})
