// One pinentry: its process, and the client's side of Assuan over its pipes. Plain callbacks inside, one effect for each line
// that it is sent. It gets an environment and a process group of its own, and nothing of it is left when it is done.
import { Dialogue } from "@gripgate/protocol/dialogue"
import { decodeData, decodeDataInto } from "@gripgate/protocol/escape"
import { LineReader } from "@gripgate/protocol/framing"
import type { Reply } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { MAX_PASSPHRASE } from "../../grant/seal.ts"
import { secretSlab } from "../../grant/token.ts"
import { wipeReadBuffer } from "../../read-buffer.ts"
import { reasonOf } from "../../reason.ts"
import { clip, tidy } from "../../shown/lines.ts"
import { processEnvironment } from "../process-environment.ts"
import { Unavailable } from "./unavailable.ts"

/** What a pinentry answers to one line. `data` is what it says in D lines, at most 256 bytes of it. */
export type Told =
  | { readonly kind: "ok"; readonly data: string }
  /** `code` is the error's without its source; `text` is the pinentry's own, made harmless. */
  | { readonly kind: "err"; readonly code: number; readonly text: string }

/** What it answers to GETPIN: what was typed, in a slab that whoever has it wipes. */
export type TypedPin = { readonly kind: "ok"; readonly pin: Buffer } | Extract<Told, { kind: "err" }>

type Resume = (effect: Effect.Effect<Told, Unavailable>) => void

/** Bytes that it may say to one line, and write for people in all. A flavor has ten. */
const MAX_SAID = 64 * 1024

/** Bytes of its complaints that are kept: the last line is told. */
const MAX_COMPLAINT = 1024

const MAX_DATA = 256

/** Milliseconds for leaving in good order, and for going once it is killed. */
const GRACE = 500

/** Milliseconds after the end of its output in which its own end is waited for, to say how it ended. */
const DRAIN = 200

/** The numbers of libgpg-error without the part that says where an error comes from (gpg-error.h). */
const CODE = 0xffff

/** Starts it, in a place that is the owner's; it ends with the scope. */
export const startPinentry = (
  program: string,
  place: Readonly<Record<string, string>>
): Effect.Effect<PinentryProcess, Unavailable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => new PinentryProcess(program, place), catch: cannotRun }),
    (pinentry) => pinentry.end
  )

const cannotRun = (error: unknown) => new Unavailable({ reason: `it cannot be run: ${reasonOf(error)}` })

export class PinentryProcess {
  private readonly child: ChildProcess
  private readonly dialogue = new Dialogue()
  private readonly reader = new LineReader()
  private resume: Resume | undefined
  /** Why nothing more is to be had of it. */
  private lost: string | undefined
  private gone = false
  private whenGone: (() => void) | undefined
  /** Whether it shows a dialog now. */
  private open = false
  private said = 0
  private data = ""
  /** Where D lines go while a passphrase is typed: never into `data`, which is a string. */
  private pin: { readonly slab: Buffer; length: number } | undefined
  /** Whether a passphrase was asked for: what was typed may come when nobody waits for it any more. */
  private pinAsked = false
  private greeting: Told | undefined
  /** What is told once nothing more comes. */
  private ended = "it closed its output"
  private drain: NodeJS.Timeout | undefined
  private complaint: Buffer = Buffer.alloc(0)
  private complained = 0

  constructor(program: string, place: Readonly<Record<string, string>>) {
    const { DISPLAY } = place
    // as gpg-agent does; without it some programs do not look for a display at all (agent/call-pinentry.c start_pinentry)
    const args = DISPLAY === undefined ? [] : ["--display", DISPLAY]
    const child = spawn(program, args, {
      detached: true,
      env: processEnvironment(place),
      stdio: ["pipe", "pipe", "pipe"]
    })
    this.child = child
    child.on("error", (error) => {
      this.leave()
      this.lose(cannotRun(error).reason)
    })
    child.once("exit", (code, signal) => {
      // what it has started and left behind goes with it
      this.signal("SIGKILL")
      this.leave()
      this.ended = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`
      this.loseSoon()
    })
    child.once("close", () => this.lose(this.parting))
    // without file descriptors there are no pipes; a pinentry may go at any time (EPIPE), and its end tells why
    child.stdin?.on("error", () => {})
    child.stdout?.on("error", () => {})
    child.stdout?.on("data", (chunk: Buffer) => this.receive(chunk))
    child.stdout?.once("end", () => this.loseSoon())
    child.stderr?.on("error", () => {})
    child.stderr?.on("data", (chunk: Buffer) => this.complain(chunk))
  }

  /** Waits for its greeting. */
  get greeted(): Effect.Effect<void, Unavailable> {
    const greeting = this.answer(() => {
      if (this.greeting !== undefined) this.finish(this.greeting)
    })
    return Effect.flatMap(
      greeting,
      ({ kind }) => kind === "ok" ? Effect.void : Effect.fail(new Unavailable({ reason: "it greets with an error" }))
    )
  }

  /** Sends one line, at most 1000 bytes, and waits for what comes of it. */
  tell(line: string): Effect.Effect<Told, Unavailable> {
    return this.answer(() => {
      this.dialogue.sent(1)
      this.child.stdin?.write(`${line}\n`)
    })
  }

  /** Shows the dialog that has been described; `shown` is called when it is. */
  confirm(shown: () => void): Effect.Effect<Told, Unavailable> {
    return this.answer(() => {
      this.open = true
      this.dialogue.sent(1)
      this.child.stdin?.write("CONFIRM\n")
      shown()
    })
  }

  /** Shows the dialog that has been described, and waits for what is typed: at most 255 bytes. */
  getPin(shown: () => void): Effect.Effect<TypedPin, Unavailable> {
    return Effect.suspend(() => {
      const pin = { slab: secretSlab(MAX_PASSPHRASE), length: 0 }
      const told = this.answer(() => {
        this.pin = pin
        this.pinAsked = true
        this.open = true
        this.dialogue.sent(1)
        this.child.stdin?.write("GETPIN\n")
        shown()
      })
      const wipe = Effect.sync(() => pin.slab.fill(0))
      return told.pipe(
        Effect.map((answer): TypedPin =>
          answer.kind === "ok" ? { kind: "ok", pin: pin.slab.subarray(0, pin.length) } : answer
        ),
        Effect.tap(({ kind }) => kind === "ok" ? Effect.void : wipe),
        Effect.onError(() => wipe),
        Effect.ensuring(Effect.sync(() => {
          this.pin = undefined
        }))
      )
    })
  }

  /**
   * Ends it. One that shows a dialog is first asked to leave, as gpg-agent does it: pinentries on a terminal have changed its
   * modes, and put them back on SIGINT.
   */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.lost ??= "it is being ended"
      clearTimeout(this.drain)
      const leaving = this.open && !this.gone
      if (leaving) {
        this.signal("SIGINT")
        this.child.stdin?.end()
      }
      return (leaving ? this.exited : Effect.void).pipe(
        Effect.andThen(Effect.sync(() => {
          if (!this.gone) this.signal("SIGKILL")
        })),
        Effect.andThen(Effect.suspend(() => this.exited)),
        Effect.andThen(Effect.sync(() => {
          this.child.stdin?.destroy()
          this.child.stdout?.destroy()
          this.child.stderr?.destroy()
        })),
        Effect.andThen(Effect.suspend(() => this.pinAsked ? wipeReadBuffer : Effect.void))
      )
    })
  }

  /** Waits for its end, at most for a while. */
  private get exited(): Effect.Effect<void> {
    const exit = Effect.callback<void>((resume) => {
      if (this.gone) return resume(Effect.void)
      this.whenGone = () => resume(Effect.void)
    })
    return Effect.asVoid(Effect.timeoutOption(exit, GRACE))
  }

  private answer(send: () => void): Effect.Effect<Told, Unavailable> {
    return Effect.callback<Told, Unavailable>((resume) => {
      if (this.lost !== undefined) return resume(Effect.fail(new Unavailable({ reason: this.lost })))
      this.resume = resume
      this.said = 0
      this.data = ""
      send()
    })
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return
    try {
      process.kill(-this.child.pid, signal)
    } catch {
      // it has just ended by itself
    }
  }

  private leave(): void {
    this.gone = true
    this.whenGone?.()
  }

  private receive(chunk: Buffer): void {
    // what comes once nobody waits for it may be a passphrase all the same
    if (this.lost !== undefined) return void chunk.fill(0)
    this.said += chunk.length
    if (this.said > MAX_SAID) return this.lose("it says too much")
    this.reader.push(chunk)
    for (let line = this.reader.next(); line !== undefined; line = this.reader.next()) {
      const reply = this.dialogue.server(line)
      if (reply === undefined) return this.lose("it said something that is not Assuan, or not now")
      this.take(reply)
      if (this.lost !== undefined) return
    }
    if (this.reader.fault !== undefined) this.lose(`what it said: ${this.reader.fault}`)
  }

  private take(reply: Reply): void {
    switch (reply.kind) {
      case "comment":
      case "status":
        return
      case "data":
        if (this.pin !== undefined) return this.takePin(this.pin, reply.payload)
        this.data = (this.data + (decodeData(reply.payload)?.toString("latin1") ?? "")).slice(0, MAX_DATA)
        return
      case "inquire":
        // the gate has nothing to tell it
        this.dialogue.answered()
        this.child.stdin?.write("CAN\n")
        return
      case "ok":
        return this.finish({ kind: "ok", data: this.data })
      case "err": {
        const text = clip(tidy(reply.text.toString()), 100, 200)
        return this.finish({ kind: "err", code: reply.value & CODE, text })
      }
    }
  }

  /** The payload is a view of what came in, or of the reader's own memory: nothing of it is left in either. */
  private takePin(pin: { readonly slab: Buffer; length: number }, payload: Buffer): void {
    const length = decodeDataInto(payload, pin.slab, pin.length)
    payload.fill(0)
    if (length < 0) return this.lose(`what was typed is longer than ${MAX_PASSPHRASE} bytes`)
    pin.length = length
  }

  private finish(told: Told): void {
    const resume = this.resume
    this.resume = undefined
    this.open = false
    // only a greeting comes before somebody waits for it
    if (resume === undefined) this.greeting = told
    else resume(Effect.succeed(told))
  }

  /** Its end and that of its output come in any order, and a process that it left behind may keep the output open. */
  private loseSoon(): void {
    if (this.lost === undefined) this.drain ??= setTimeout(() => this.lose(this.parting), DRAIN)
  }

  /** How it ended, with the last line that it wrote for people, made harmless. */
  private get parting(): string {
    const last = this.complaint.toString().trim().split("\n").at(-1) ?? ""
    return last === "" ? this.ended : `${this.ended}: ${clip(tidy(last), 100, 200)}`
  }

  private complain(chunk: Buffer): void {
    this.complained += chunk.length
    this.complaint = Buffer.concat([this.complaint, chunk]).subarray(-MAX_COMPLAINT)
    if (this.complained > MAX_SAID) this.child.stderr?.destroy()
  }

  private lose(reason: string): void {
    if (this.lost !== undefined) return
    this.lost = reason
    this.open = false
    this.reader.wipe()
    const resume = this.resume
    this.resume = undefined
    resume?.(Effect.fail(new Unavailable({ reason })))
  }
}
