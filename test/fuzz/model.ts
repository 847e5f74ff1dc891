// Whose turn it is, told from the bytes that a client sent and the replies that it got, by the rules of libassuan and nothing of
// the gate: one reply for each command, none for comments and the lines of an answer, an ERR and the end for a breach.

type State = "idle" | "awaiting" | "inquiry" | "over"

const strip = (line: string): string => line.endsWith("\r") ? line.slice(0, -1) : line

/** The most bytes of a line without its LF. */
const MAX_LINE = 1001

export class Model {
  state: State = "idle"
  /** Inquiries that were answered, and whose reply came. */
  passed = 0
  /** What the reply that is awaited has to be: after a breach it is an ERR, and the last. */
  private last = false
  private ending = false
  private answered = false
  private pending = ""
  private ended = false

  /** Whether the client has to go on with an answer. */
  get asked(): boolean {
    return this.state === "inquiry"
  }

  /** The client has sent these bytes. */
  sent(bytes: Buffer): void {
    this.pending += bytes.toString("latin1")
    this.advance()
  }

  /** The client will send nothing more. */
  end(): void {
    this.ended = true
    this.advance()
  }

  /** A reply has come, in a word: `OK`, `ERR 67109115`, `INQUIRE PASSPHRASE`. Returns what is wrong with it. */
  replied(outcome: string): string | undefined {
    if (this.state !== "awaiting") return `a reply that nobody waits for (${this.state}): ${outcome}`
    if (this.last && !outcome.startsWith("ERR ")) return `${outcome} for a breach of the protocol`
    if (this.answered) this.passed++
    this.answered = false
    if (this.last || this.ending && outcome === "OK") this.state = "over"
    else this.state = outcome.startsWith("INQUIRE ") ? "inquiry" : "idle"
    this.ending = false
    this.advance()
    return undefined
  }

  private breach(): void {
    this.last = true
    this.state = "awaiting"
  }

  /** Takes lines until one needs a reply. */
  private advance(): void {
    while (this.state === "idle" || this.state === "inquiry") {
      const lf = this.pending.indexOf("\n")
      if (lf > MAX_LINE || lf < 0 && this.pending.length > MAX_LINE) return this.breach()
      if (lf < 0) {
        // the end inside a line, or inside an answer, is told; between two commands it is just the end
        if (this.ended && (this.pending !== "" || this.state === "inquiry")) this.breach()
        return
      }
      const line = strip(this.pending.slice(0, lf))
      this.pending = this.pending.slice(lf + 1)
      if (line === "" || line.startsWith("#")) continue
      if (this.state === "inquiry") this.answer(line)
      else this.command(line)
    }
  }

  private command(line: string): void {
    if (line.includes("\0")) return this.breach()
    this.ending = /^(BYE|KILLAGENT)([ \t]|$)/i.test(line)
    this.state = "awaiting"
  }

  private answer(line: string): void {
    if (/^d /i.test(line)) return /%(?![0-9a-f]{2})/i.test(line) ? this.breach() : undefined
    if (!/^(end( |$)|can)/i.test(line)) return this.breach()
    this.answered = true
    this.state = "awaiting"
  }
}
