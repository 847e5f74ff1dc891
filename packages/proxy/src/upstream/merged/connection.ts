// Several agents that look like one, for one session. Each line goes to the agent that it is for (line.ts), and what several of them
// say is put together (lists.ts). An agent that cannot be had, or is lost, is an error to the command that wanted it, and nothing to
// the others.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { MAX_REPLY } from "@gripgate/protocol/limits"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import { commands } from "@gripgate/protocol/table/index"
import * as Effect from "effect/Effect"
import type { AgentConnection, Answer, Listening } from "../agent.ts"
import { Collector } from "../collector.ts"
import { everybody, firstYes, LIST } from "./asked-at-once.ts"
import { chosenBy, isHeld, type Line, optionOf, parseLine, targetOf } from "./line.ts"
import { mergeGrips, mergeRows, statusOf } from "./lists.ts"
import type { KeyPlaces } from "./places.ts"
import { Sub, type Upstream } from "./sub.ts"
import { wrappedAnew, WrappingKey } from "./wrapping.ts"

/** The agents in the order in which they are named; the first is the one for what names no key. */
export interface Upstreams {
  readonly all: ReadonlyArray<Upstream>
  readonly places: KeyPlaces
}

/** Milliseconds for the first agent to judge an option. */
const JUDGE = 1_000

const RESET = Buffer.from("RESET\n")
const KEYWRAP = Buffer.from("KEYWRAP_KEY --export\n")
const quiet: Listening = { status: [], live: () => {} }
const NO_AGENT = errLine(gpgError.NO_AGENT)
const NO_DIGEST = errLine(gpgError.NOT_SUPPORTED)
const NOT_WRAPPED = errLine(gpgError.INV_RESPONSE)
const NOTHING = Buffer.alloc(0)

/** Commands whose result cannot be thrown away: what goes before them has to be right first. */
const changing: ReadonlySet<string> = new Set([
  "SCD",
  ...commands.filter((spec) => spec.changes === true).map(({ name }) => name)
])

/** Commands after which keys may be elsewhere. */
const changesPlaces: ReadonlySet<string> = new Set(["GENKEY", "IMPORT_KEY", "DELETE_KEY", "KEYTOCARD", "LEARN"])

export class MergedConnection implements AgentConnection {
  readonly restricted = false
  readonly applied: Map<string, Buffer> = new Map()
  another = false
  closed = false
  private readonly subs: ReadonlyArray<Sub>
  private readonly places: KeyPlaces
  private readonly options = new Map<string, Buffer>()
  private readonly own = new Collector(MAX_REPLY)
  /** Who said what is collected; nobody where it was put together here. */
  private speaker: Sub | undefined
  /** Lines that came alone, ahead of the command that they are for. */
  private held: ReadonlyArray<Buffer> = []
  private chosen: Keygrip | undefined
  /** Who was given the digest by a command of its own. */
  private digestAt: Sub | undefined
  private readonly nonces = new Map<string, Sub>()
  /** The wrapping key that the client has, and whose it is. */
  private wrapping: { readonly sub: Sub; readonly key: WrappingKey } | undefined
  /** The wrapping key of another agent, while that exports a key. */
  private exporting: WrappingKey | undefined

  constructor({ all, places }: Upstreams, ready?: { readonly index: number; readonly connection: AgentConnection }) {
    this.places = places
    this.subs = all.map((upstream, index) =>
      new Sub(upstream, this.options, ready?.index === index ? ready.connection : undefined)
    )
  }

  get version(): string {
    return this.subs.find(({ isOpen }) => isOpen)?.version ?? this.subs.find(({ version }) => version)?.version ?? ""
  }

  get collected(): Collector {
    return this.speaker?.connection?.collected ?? this.own
  }

  exchange(lines: ReadonlyArray<Buffer>, _count: number, listening: Listening): Effect.Effect<Answer> {
    return Effect.gen(() => this.talk(lines, listening))
  }

  answer(lines: Buffer): Effect.Effect<Answer> {
    const { speaker } = this
    const connection = speaker?.connection
    if (speaker === undefined || connection === undefined) return Effect.succeed(this.say(NO_AGENT))
    return Effect.map(connection.answer(lines), (answer) => this.heard(speaker, answer))
  }

  /** Kept until an agent is talked to: which one that is, is not known yet. */
  ahead(lines: ReadonlyArray<Buffer>): void {
    for (const line of lines) this.keepOption(line)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.own.clear()
    this.forgetWrapping()
    this.endExport()
    for (const sub of this.subs) sub.end()
  }

  private *talk(lines: ReadonlyArray<Buffer>, listening: Listening): Effect.fn.Return<Answer> {
    const last = lines.at(-1)!
    const setters = this.learn(lines.slice(0, -1))
    const line = parseLine(last)
    if (last.equals(RESET)) {
      this.reset()
      return this.say(OK_LINE)
    }
    this.chosen = chosenBy(line) ?? this.chosen
    if (isHeld(line)) {
      this.held = [...setters, last]
      return this.say(OK_LINE)
    }
    const { held } = this
    this.held = []
    if (optionOf(last) !== undefined) return yield* this.setOption(last)
    const target = targetOf(line, this.chosen)
    switch (target.kind) {
      case "any":
        return this.say(yield* firstYes(this.subs, last))
      case "list":
        return yield* this.list(line, last, listening)
      case "key":
      case "default": {
        const sub = this.nonceOf(line) ?? (target.kind === "key" ? yield* this.subOf(target.keygrip) : this.subs[0]!)
        return yield* this.command(sub, [...held, ...setters], held.length > 0, line, last, listening)
      }
    }
  }

  private *command(
    sub: Sub,
    setters: ReadonlyArray<Buffer>,
    apart: boolean,
    line: Line,
    last: Buffer,
    listening: Listening
  ): Effect.fn.Return<Answer> {
    switch (line.word) {
      case "PKSIGN":
        // an agent that was given none would sign another, or an empty one
        if (!hasDigest(setters) && this.digestAt !== sub) return this.say(NO_DIGEST)
        break
      case "KEYWRAP_KEY":
        return yield* this.wrap(setters, line, last, listening)
      case "EXPORT_KEY": {
        const failed = yield* this.wrapFor(sub)
        if (failed !== undefined) return failed
      }
    }
    const answer = yield* this.over(sub, setters, apart || changing.has(line.word), last, listening)
    if (line.word === "SETHASH") this.digestAt = answer.kind === "done" && answer.ok ? sub : undefined
    if (changesPlaces.has(line.word)) this.places.forget()
    return answer
  }

  private over(
    sub: Sub,
    setters: ReadonlyArray<Buffer>,
    apart: boolean,
    last: Buffer,
    listening: Listening
  ): Effect.Effect<Answer> {
    return sub.ask(setters, apart, last, listening).pipe(
      Effect.map((answer) => this.heard(sub, answer)),
      Effect.catch(() => Effect.sync(() => this.lost(sub)))
    )
  }

  /** Takes one agent's answer for that of all. One that is lost leaves the others, and the session, as they are. */
  private heard(sub: Sub, answer: Answer): Answer {
    if (this.closed) sub.drop()
    switch (answer.kind) {
      case "lost":
        return this.lost(sub)
      case "setter":
        this.lost(sub)
        return answer
      case "inquire":
        this.speaker = sub
        return answer
      case "done": {
        this.speaker = sub
        if (answer.ok) this.noteNonces(sub)
        return this.exporting === undefined ? answer : this.exported(this.exporting, answer)
      }
    }
  }

  private lost(sub: Sub): Answer {
    sub.drop()
    this.endExport()
    if (this.digestAt === sub) this.digestAt = undefined
    if (this.wrapping?.sub === sub) this.forgetWrapping()
    for (const [nonce, at] of this.nonces) if (at === sub) this.nonces.delete(nonce)
    return this.say(NO_AGENT)
  }

  /** An answer that is made here: whole lines, of which the last is an OK or an ERR. */
  private say(final: Buffer, before: Buffer = NOTHING): Answer {
    this.speaker?.connection?.collected.clear()
    this.speaker = undefined
    this.own.clear()
    const fits = this.own.append(before) && this.own.append(final)
    return fits
      ? { kind: "done", ok: final.equals(OK_LINE), finalAt: before.length }
      : { kind: "lost", reason: "what the agents say together is too long" }
  }

  /** Keeps options for every agent; what is left is for the command that follows. */
  private learn(lines: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> {
    return lines.filter((line) => {
      if (this.keepOption(line)) return false
      if (line.equals(RESET)) {
        this.reset()
        return false
      }
      this.chosen = chosenBy(parseLine(line)) ?? this.chosen
      return true
    })
  }

  private keepOption(line: Buffer): boolean {
    const name = optionOf(line)
    if (name !== undefined) this.options.set(name, Buffer.from(line))
    return name !== undefined
  }

  private reset(): void {
    for (const sub of this.subs) sub.reset()
    this.chosen = this.digestAt = undefined
    this.held = []
    this.nonces.clear()
  }

  /**
   * An option that an agent has to judge: the first does, if it is not too slow. The others get it when they are talked to, and so
   * does the first then: a command that comes with an option which its agent refuses is not released.
   */
  private *setOption(line: Buffer): Effect.fn.Return<Answer> {
    const sub = this.subs[0]!
    const answer = yield* sub.askInTime(JUDGE, line, quiet)
    if (answer !== undefined && (answer.kind !== "done" || !answer.ok)) return this.heard(sub, answer)
    this.keepOption(line)
    return this.say(OK_LINE)
  }

  private noteNonces({ connection }: Sub): void {
    const { bytes, length } = connection!.collected
    if (length === 0 || length > MAX_WITH_NONCES) return
    for (const [, nonce = ""] of bytes.toString("latin1").matchAll(NONCE)) {
      const sub = this.speaker
      if (sub !== undefined) this.nonces.set(nonce, sub)
    }
  }

  private nonceOf({ values }: Line): Sub | undefined {
    return values.map((value) => this.nonces.get(value)).find((sub) => sub !== undefined)
  }

  /** The agent that has a key; the first where nobody does, which then says so. */
  private *subOf(keygrip: Keygrip): Effect.fn.Return<Sub> {
    const question = Buffer.from(`HAVEKEY ${keygrip}\n`)
    const has = (index: number) => {
      const sub = this.subs[index]!
      return Effect.map(sub.askInTime(LIST, question, quiet), (answer) => {
        sub.connection?.collected.clear()
        return answer?.kind === "done" && answer.ok
      })
    }
    return this.subs[(yield* this.places.find(keygrip, this.subs.length, has)) ?? 0]!
  }

  private *list(line: Line, last: Buffer, listening: Listening): Effect.fn.Return<Answer> {
    const answers = yield* everybody(this.subs, last, { ...listening, live: () => {} })
    const [first] = answers
    // an old agent does not know the word, and a client has another one for that
    if (first !== undefined && !first.ok) return this.say(first.final)
    const said = answers.flatMap((answer) => answer?.ok === true ? [answer.before] : [])
    if (said.length === 0) return this.say(answers.find((answer) => answer !== undefined)?.final ?? NO_AGENT)
    return this.say(OK_LINE, line.word === "HAVEKEY" ? mergeGrips(said) : mergeRows(said))
  }

  /** A wrapping key is that of the first agent; to export, of the first that can be had. */
  private *wrap(
    setters: ReadonlyArray<Buffer>,
    { options }: Line,
    last: Buffer,
    listening: Listening
  ): Effect.fn.Return<Answer> {
    this.forgetWrapping()
    const exports = options.has("--export")
    let answer = this.say(NO_AGENT)
    for (const sub of exports ? this.subs : this.subs.slice(0, 1)) {
      answer = yield* this.over(sub, setters, false, last, listening)
      if (answer.kind === "done" && !answer.ok && this.speaker === undefined) continue
      if (answer.kind !== "done" || !answer.ok || !exports) break
      const key = WrappingKey.in(this.collected.bytes.subarray(0, answer.finalAt))
      if (key !== undefined) this.wrapping = { sub, key }
      break
    }
    return answer
  }

  private forgetWrapping(): void {
    this.wrapping?.key.wipe()
    this.wrapping = undefined
  }

  /** Before another agent than that of the client's wrapping key exports: its own has to be had. */
  private *wrapFor(sub: Sub): Effect.fn.Return<Answer | undefined> {
    const { wrapping } = this
    if (wrapping === undefined || wrapping.sub === sub) return undefined
    const asked = yield* this.over(sub, [], false, KEYWRAP, quiet)
    if (asked.kind !== "done" || !asked.ok) return asked
    const from = WrappingKey.in(this.collected.bytes.subarray(0, asked.finalAt))
    this.collected.clear()
    if (from === undefined) return this.say(NOT_WRAPPED)
    this.exporting = from
    return undefined
  }

  /** What another agent has exported, as the client can unwrap it. */
  private exported(from: WrappingKey, answer: Extract<Answer, { kind: "done" }>): Answer {
    const lines = this.collected.bytes.subarray(0, answer.finalAt)
    const to = this.wrapping
    const key = answer.ok && to !== undefined ? wrappedAnew(lines, from, to.key) : undefined
    this.endExport()
    if (!answer.ok) return answer
    if (key === undefined) return this.say(NOT_WRAPPED)
    const said = Buffer.concat([statusOf(lines), key])
    const result = this.say(OK_LINE, said)
    said.fill(0)
    key.fill(0)
    return result
  }

  private endExport(): void {
    this.exporting?.wipe()
    this.exporting = undefined
  }
}

const NONCE = /^S (?:CACHE|PASSWD)_NONCE (\S+)$/gm
/** Answers with nonces are short. */
const MAX_WITH_NONCES = 64 * 1024

const DIGEST = "SETHASH "

const hasDigest = (setters: ReadonlyArray<Buffer>): boolean =>
  setters.some((line) => line.toString("latin1", 0, DIGEST.length) === DIGEST)
