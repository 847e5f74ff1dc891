// What a session keeps between KEYWRAP_KEY --import and the end of IMPORT_KEY: the key under which keys travel, a secret, and
// the public key that was proven to be the client's. Both are good on one connection to the agent.
import { decodeDataInto, decodedLength } from "@gripgate/protocol/escape"
import { giveSlab, takeSlab } from "../../upstream/collector.ts"
import type { PublicKey } from "../own-keys.ts"

/** AES-128 (GnuPG agent/command.c KEYWRAP_KEYSIZE). */
const WRAPPING_KEY = 16

const LF = 10
const SPACE = 0x20
const D = 0x44

export class KeptImport {
  private slab: Buffer | undefined
  private proven: PublicKey | undefined

  /** The 16 bytes under which the client wraps its keys; `undefined` where none were kept. */
  get wrappingKey(): Buffer | undefined {
    return this.slab?.subarray(0, WRAPPING_KEY)
  }

  /** Keeps the key of an agent's answer in place of the one before; of an answer without a key, nothing. */
  keep(answer: Buffer): void {
    this.forget()
    const end = answer.indexOf(LF)
    if (end < 0 || answer[0] !== D || answer[1] !== SPACE) return
    const payload = answer.subarray(2, end)
    if (decodedLength(payload) !== WRAPPING_KEY) return
    this.slab = takeSlab()
    decodeDataInto(payload, this.slab, 0)
  }

  /** Notes the public key that is on its way to the agent; `undefined` for none. */
  prove(proven: PublicKey | undefined): void {
    this.proven = proven
  }

  /** Hands out, once, what was proven last. */
  takeProven(): PublicKey | undefined {
    const { proven } = this
    this.proven = undefined
    return proven
  }

  /** Wipes and forgets everything: the connection is gone, or has another key. */
  forget(): void {
    if (this.slab !== undefined) giveSlab(this.slab, WRAPPING_KEY)
    this.slab = undefined
    this.proven = undefined
  }
}
