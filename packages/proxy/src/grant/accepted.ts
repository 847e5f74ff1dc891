// A token that was presented and holds: the grant that it is of, and the key to its seals. It holds for the rest of the
// connection that it was presented on, as long as the grant does.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Clocks } from "./grant-table.ts"
import { openSeal } from "./seal.ts"
import type { TokenGrant, TokenPart } from "./token-grant.ts"

export class AcceptedToken {
  readonly grant: TokenGrant
  private readonly part: TokenPart
  private readonly key: Buffer

  /** `key` is that of the part's seals, and is wiped with this. */
  constructor(grant: TokenGrant, part: TokenPart, key: Buffer) {
    this.grant = grant
    this.part = part
    this.key = key
  }

  /** Whether it is the grant's token, or the one before and that still holds. */
  isInForce({ steady, wall }: Clocks): boolean {
    if (this.isNewest) return true
    const { previous } = this.grant
    if (previous === undefined || previous.proof.salt !== this.salt) return false
    return wall() < previous.until && steady() < previous.deadline
  }

  /** What tells it from the other token of its grant. */
  get salt(): string {
    return this.part.proof.salt
  }

  /** Whether it is the newest token of its grant: a stale seal of an older one says nothing about the new one. */
  get isNewest(): boolean {
    return this.grant.token.proof.salt === this.salt
  }

  hasSeal(keygrip: Keygrip): boolean {
    return this.part.seals.has(keygrip)
  }

  /** The passphrase of a key, in a slab that its taker wipes; `undefined` where there is none, or what is kept was altered. */
  open(keygrip: Keygrip): Buffer | undefined {
    const seal = this.part.seals.get(keygrip)
    if (seal === undefined) return undefined
    const { app, id, operations } = this.grant
    return openSeal(this.key, seal, { grant: id, app, keygrip, operations: [...operations] })
  }

  wipe(): void {
    this.key.fill(0)
  }
}
