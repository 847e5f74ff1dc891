// What a session holds, so that an agent's connection need not be trusted to: key, hash and description for the next
// use, the options, and what was refused. Lines are kept as they will be sent to the agent.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { writeOption } from "@gripgate/protocol/request"
import { KeptImport } from "./import/kept.ts"

/** A key that was chosen, and the line that chooses it. */
export interface ChosenKey {
  readonly keygrip: Keygrip
  readonly line: Buffer
}

const MODE = "pinentry-mode"
const ORIGIN = "pretend-request-origin"
const REMOTE = writeOption(ORIGIN, Buffer.from("remote"))
const ASK = writeOption(MODE, Buffer.from("ask"))

export class SessionState {
  key: ChosenKey | undefined
  /** A second key, for composite algorithms. */
  another: ChosenKey | undefined
  keydesc: Buffer | undefined
  /** The line that gives the digest, or `agent` where the agent itself took the data over this connection. */
  hash: Buffer | "agent" | undefined
  /** The command under way was permitted without knowing what its keys are for, and may not be a signature. */
  maySignUnknown = false
  /** Whether the agent's connection has to be reset before its next command. */
  resetPending = false
  /** Options that hold for the session, by name: their lines. */
  readonly options: Map<string, Buffer> = new Map()
  /** The client's environment for prompts, by option and variable: their lines. Brought only where `prompt` is allowed. */
  readonly environment: Map<string, Buffer> = new Map()
  /** The value of pinentry-mode that was accepted last. */
  loopback = false
  /** The client chose a mode in which nobody is asked: cancel or error. */
  silent = false
  /** A refusal of loopback holds until another mode is accepted; RESET does not forget it. */
  loopbackRefused = false
  /** The client asked to be told of pinentries. */
  notify = false
  /** The client had the connection restricted: from now on the agent itself judges its options. */
  restricted = false
  /** Nonces that this client was given, which are good on its own connection only. */
  readonly nonces: Set<string> = new Set()
  /** What an import needs from one command to the next. */
  readonly kept: KeptImport = new KeptImport()

  /** The client came through a socket whose clients are restricted: as if it had asked for it itself, as its first word. */
  restrict(): void {
    this.restricted = true
    this.options.set(ORIGIN, REMOTE)
  }

  /** RESET, as the agent does it: options, and a refusal, stay. */
  reset(): void {
    this.key = undefined
    this.another = undefined
    this.keydesc = undefined
    this.hash = undefined
    this.resetPending = true
  }

  /**
   * For one command a passphrase is asked of the owner, whatever mode the client has chosen: where a token stands for it, the
   * client's own answer is a guess, or the token. What comes back ends that.
   */
  askOwner(): () => void {
    const { loopback, silent } = this
    const mode = this.options.get(MODE)
    this.loopback = this.silent = false
    this.options.set(MODE, ASK)
    return () => {
      this.loopback = loopback
      this.silent = silent
      if (mode === undefined) this.options.delete(MODE)
      else this.options.set(MODE, mode)
    }
  }

  /** What was known of a connection is gone with it. */
  connectionLost(): void {
    this.nonces.clear()
    this.kept.forget()
    this.resetPending = false
    if (this.hash === "agent") this.hash = undefined
  }

  /** The keys that the next use will be made with. */
  get keygrips(): ReadonlyArray<Keygrip> {
    if (this.key === undefined) return []
    return this.another === undefined ? [this.key.keygrip] : [this.key.keygrip, this.another.keygrip]
  }
}
