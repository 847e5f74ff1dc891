// What an owner and a client know of grants with tokens while the gate may die at any moment: what was acknowledged, what was under
// way, and which signatures came out. It is compared with what a gate says that starts again.
import { assert } from "@effect/vitest"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { environmentOption, sign } from "./tokens.ts"
import { ERR } from "./wire.ts"

/** `undefined`: what would change it was under way. */
type Known = boolean | undefined

export interface HeldToken {
  readonly bytes: Buffer
  holds: Known
}

export class HeldGrant {
  readonly id: string
  /** All that the owner was given, oldest first. */
  readonly tokens: Array<HeldToken>
  /** Not revoked. */
  live: Known = true
  /** How many uses there may be in all; two numbers where a renewal was under way, none for any number. */
  most: ReadonlyArray<number>
  /** Whether the seal of the odd key was found to be of another passphrase. */
  stale: Known = false
  /** Tokens that were made. */
  rotations = 0
  rotating = false
  /** Uses that were asked for, those that were refused, and signatures that came out. */
  tried = 0
  refused = 0
  got = 0

  constructor(id: string, token: Buffer, most?: number) {
    this.id = id
    this.tokens = [{ bytes: token, holds: true }]
    this.most = most === undefined ? [] : [most]
  }

  get newest(): HeldToken {
    return this.tokens.at(-1)!
  }

  /** Signs by a socket of the app. `OK` or the number of the refusal; rejects where the gate is gone. */
  async use(socket: string, key: string, { bytes } = this.newest): Promise<string> {
    this.tried++
    await using client = await connectRaw(socket)
    await client.readReply()
    await client.command(environmentOption(bytes))
    const said = await sign(client, key)
    if (said === "OK") {
      assert.include(client.received().toString("latin1"), "sig-val")
      this.got++
    } else {
      assert.strictEqual(said, ERR.BAD_PASSPHRASE)
      this.refused++
    }
    return said
  }
}
