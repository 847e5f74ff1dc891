// Who answers at a socket: it is tried. At most one connection, bounded in time, and nothing is asked that would start an agent, a
// gate or a dialog, or change anything at the other end.
import { codeOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import { look } from "./files.ts"
import { activatedBy, listenersAt } from "./listeners.ts"

export type Answerer =
  | { readonly kind: "nothing" | "stale" | "denied" }
  /** Something is there that is no socket. */
  | { readonly kind: "other"; readonly what: string }
  /** systemd holds it, and would start what is behind it. */
  | { readonly kind: "activated"; readonly by: string }
  /** It takes connections, or has too many of them, and says nothing. */
  | { readonly kind: "silent"; readonly pid: number | undefined }
  | { readonly kind: "foreign"; readonly pid: number | undefined }
  | Gate
  | Agent

export interface Gate {
  readonly kind: "gate"
  /** Absent for whoever is no app. */
  readonly app: string | undefined
  /** How: the word of GRIPGATE WHOAMI. */
  readonly recognised: string | undefined
  /** Of the keygrips that were asked about, those that exist for this client. */
  readonly keys: ReadonlyArray<string>
}

export interface Agent {
  readonly kind: "agent"
  readonly pid: number | undefined
  readonly version: string | undefined
  /** The path at which it says that it listens. */
  readonly socketName: string | undefined
  /** Whether this is one of its sockets for others than the owner. */
  readonly restricted: boolean
}

/** Milliseconds for the whole of it. */
const PATIENCE = 1_500

/** Bytes of an answer. */
const MOST = 64 * 1024

/** Keygrips in one line: Assuan has 1000 bytes for it. */
const IN_LINE = 20

class Conversation {
  private text = ""
  private ended = false
  private wake: () => void = () => {}
  readonly socket: net.Socket

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1")
      if (this.text.length > MOST) socket.destroy()
      this.wake()
    })
    socket.on("close", () => {
      this.ended = true
      this.wake()
    })
  }

  /** The lines up to OK or ERR; `undefined` where they do not come. */
  async reply(): Promise<ReadonlyArray<string> | undefined> {
    for (;;) {
      const whole = /^(?:(?:[SD#].*)?\n)*(?:OK|ERR)(?: .*)?\n/.exec(this.text)?.[0]
      if (whole !== undefined) {
        this.text = this.text.slice(whole.length)
        return whole.trimEnd().split("\n")
      }
      if (this.ended) return undefined
      await new Promise<void>((resolve) => this.wake = resolve)
    }
  }

  ask(line: string): Promise<ReadonlyArray<string> | undefined> {
    this.socket.write(`${line}\n`, "latin1")
    return this.reply()
  }

  get said(): string {
    return this.text
  }
}

const isOk = (lines: ReadonlyArray<string> | undefined): boolean => /^OK(?: |$)/.test(lines?.at(-1) ?? "")

const dataOf = (lines: ReadonlyArray<string> | undefined): string | undefined => {
  if (!isOk(lines)) return undefined
  const data = lines!.flatMap((line) => line.startsWith("D ") ? [line.slice(2)] : []).join("")
  const bytes = data.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, "latin1").toString("utf8")
}

const statusOf = (lines: ReadonlyArray<string>, keyword: string): ReadonlyArray<string> =>
  lines.flatMap((line) => line.startsWith(`S ${keyword} `) ? [line.slice(keyword.length + 3)] : [])

const unescaped = (word: string): string => {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}

const askGate = async (talk: Conversation, keygrips: ReadonlyArray<string>): Promise<Gate | undefined> => {
  const answers: Array<ReadonlyArray<string>> = []
  for (let at = 0; at === 0 || at < keygrips.length; at += IN_LINE) {
    const answer = await talk.ask(["GRIPGATE WHOAMI", ...keygrips.slice(at, at + IN_LINE)].join(" "))
    if (!isOk(answer)) break
    answers.push(answer!)
  }
  const [first] = answers
  if (first === undefined) return undefined
  const [app] = statusOf(first, "APP")
  return {
    kind: "gate",
    app: app === undefined ? undefined : unescaped(app),
    recognised: statusOf(first, "RECOGNISED")[0],
    keys: answers.flatMap((answer) => statusOf(answer, "KEY").map((line) => line.slice(0, 40)))
  }
}

const askAgent = async (talk: Conversation): Promise<Agent | undefined> => {
  const version = dataOf(await talk.ask("GETINFO version"))
  const its = Number(dataOf(await talk.ask("GETINFO pid")))
  const restricted = isOk(await talk.ask("GETINFO restricted"))
  if (version === undefined && !restricted) return undefined
  const socketName = dataOf(await talk.ask("GETINFO socket_name"))
  return { kind: "agent", pid: Number.isSafeInteger(its) && its > 0 ? its : undefined, version, socketName, restricted }
}

const converse = async (path: string, socket: net.Socket, keygrips: ReadonlyArray<string>): Promise<Answerer> => {
  const talk = new Conversation(socket)
  const greeting = await talk.reply()
  // not by SO_PEERCRED: that names whoever called listen(2), and a daemon is a child of that one
  const silent = () => ({ kind: "silent", pid: listenersAt(path)[0]?.pid }) as const
  const foreign = () => ({ kind: "foreign", pid: listenersAt(path)[0]?.pid }) as const
  if (greeting === undefined) return talk.said === "" ? silent() : foreign()
  if (!isOk(greeting)) return foreign()
  const found = await askGate(talk, keygrips) ?? await askAgent(talk)
  if (found === undefined) return socket.destroyed ? silent() : foreign()
  await talk.ask("BYE")
  return found
}

const connectTo = (path: string): Promise<net.Socket | Answerer> =>
  new Promise((resolve) => {
    const socket = net.connect({ path, allowHalfOpen: false })
    socket.once("connect", () => resolve(socket))
    socket.on("error", (error) => {
      const code = codeOf(error)
      if (code === "ECONNREFUSED") return resolve({ kind: "stale" })
      if (code === "ENOENT" || code === "ENOTDIR") return resolve({ kind: "nothing" })
      if (code === "EACCES" || code === "EPERM") return resolve({ kind: "denied" })
      resolve({ kind: "silent", pid: undefined })
    })
  })

const answererAt = async (path: string, keygrips: ReadonlyArray<string>): Promise<Answerer> => {
  const seen = look(path)
  if (seen !== undefined && seen.kind !== "socket") return { kind: "other", what: seen.kind }
  const by = activatedBy(path)
  if (by !== undefined) return { kind: "activated", by }
  const socket = await connectTo(path)
  if (!(socket instanceof net.Socket)) return socket
  const late = setTimeout(() => socket.destroy(), PATIENCE)
  try {
    return await converse(path, socket, keygrips)
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}

/** Who answers there; of the keygrips given a gate is asked which exist for this client. Takes at most 1.5 s. */
export const whoAnswers = (path: string, keygrips: ReadonlyArray<string> = []): Effect.Effect<Answerer> =>
  Effect.promise(() => answererAt(path, keygrips))

/** Whether somebody takes connections there, of whatever protocol; nothing is said to him. */
export const takesConnections = (path: string): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    if (look(path)?.kind !== "socket" || activatedBy(path) !== undefined) return false
    const socket = await connectTo(path)
    if (!(socket instanceof net.Socket)) return socket.kind === "silent"
    socket.destroy()
    return true
  })
