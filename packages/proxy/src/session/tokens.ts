// What a client has presented on its connection: the token of its environment, looked at when it is first needed, and those
// that it gave when it was asked. What holds, holds for the rest of the connection; nothing is kept of what does not.
import type { PresentedTokens } from "../authority/authority.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import type { Presented } from "../grant/token-store.ts"
import { secretSlab, TOKEN_LENGTH } from "../grant/token.ts"

/** Checks what an app presents. */
export type Present = (token: Buffer, app: string | undefined) => Presented

/** Tokens of one session that hold at once; nobody needs more, and each keeps a key in memory. */
const MAX_ACCEPTED = 16

export class SessionTokens implements PresentedTokens {
  private readonly present: Present
  private readonly app: () => string | undefined
  private waiting: Buffer | undefined
  private readonly held: Array<AcceptedToken> = []
  private why: string | undefined
  private isFresh = false
  private isUntold = false

  constructor(present: Present, app: () => string | undefined) {
    this.present = present
    this.app = app
  }

  /** The token of the client's environment, as it stands in the option; a copy is kept until it is looked at. */
  setEnvironment(token: Buffer): void {
    this.waiting?.fill(0)
    // what is longer is none, and is found to be none like everything else
    const kept = secretSlab(Math.min(token.length, TOKEN_LENGTH + 1))
    token.copy(kept)
    this.waiting = kept
  }

  /** Whether anything was presented. */
  get any(): boolean {
    return this.waiting !== undefined || this.held.length > 0 || this.why !== undefined
  }

  readonly accepted = (): ReadonlyArray<AcceptedToken> => {
    const token = this.waiting
    if (token === undefined) return this.held
    this.waiting = undefined
    this.give(token)
    return this.held
  }

  readonly rejected = (): string | undefined => this.why

  /** Takes what the client presented, and wipes it. */
  give(token: Buffer): void {
    const presented = this.present(token, this.app())
    token.fill(0)
    if ("rejected" in presented) {
      this.why = presented.rejected
      this.isUntold = true
      return
    }
    this.why = undefined
    this.isFresh = true
    const same = this.held.findIndex(({ grant }) => grant === presented.grant)
    const old = same >= 0 ? same : this.held.length >= MAX_ACCEPTED ? 0 : -1
    if (old >= 0) this.held.splice(old, 1)[0]!.wipe()
    this.held.push(presented)
  }

  /** Whether one was accepted since this was asked last. */
  takeFresh(): boolean {
    const { isFresh } = this
    this.isFresh = false
    return isFresh
  }

  /** Why the last one was rejected, where nobody has asked since. */
  takeRejection(): string | undefined {
    const { isUntold, why } = this
    this.isUntold = false
    return isUntold ? why : undefined
  }

  /** The session ends. */
  wipe(): void {
    this.waiting?.fill(0)
    this.waiting = undefined
    for (const token of this.held.splice(0)) token.wipe()
  }
}
