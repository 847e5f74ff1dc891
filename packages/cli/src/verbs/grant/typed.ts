// A line that is typed and not shown, byte by byte into a slab. Pure but for its own memory: where the keys come from is no matter here.
import { MAX_PASSPHRASE } from "@gripgate/proxy/grant/seal"
import { secretSlab } from "@gripgate/proxy/grant/token"

/** What a byte leads to. `none`: nothing is typed, and nothing will be. */
export type Step = "more" | "done" | "none" | "interrupt" | "suspend"

const CTRL_C = 0x03
const CTRL_D = 0x04
const BACKSPACE = 0x08
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const CTRL_U = 0x15
const CTRL_Z = 0x1a
const ESCAPE = 0x1b
const DELETE = 0x7f

/** A byte of UTF-8 that is not the first of its character. */
const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80

/** At most 255 bytes; what is more is not kept, and `tooLong` says so until the line is cleared. */
export class TypedLine {
  tooLong = false
  private readonly slab = secretSlab(MAX_PASSPHRASE)
  private length = 0
  /** In a sequence of bytes that one key sends: an arrow is no part of a passphrase. */
  private sequence: "none" | "begun" | "inside" = "none"

  /** What has been typed: a view, good until the next byte or `wipe`. */
  get bytes(): Buffer {
    return this.slab.subarray(0, this.length)
  }

  take(byte: number): Step {
    if (this.inSequence(byte)) return "more"
    switch (byte) {
      case LF:
      case CR:
        return "done"
      case CTRL_C:
        return "interrupt"
      case CTRL_D:
        return this.length === 0 ? "none" : "more"
      case CTRL_Z:
        return "suspend"
      case BACKSPACE:
      case DELETE:
        this.rub()
        return "more"
      case CTRL_U:
        this.wipe()
        return "more"
    }
    // other controls do something elsewhere, and here nothing
    if (byte >= 0x20 || byte === TAB) this.add(byte)
    return "more"
  }

  wipe(): void {
    this.slab.fill(0)
    this.length = 0
    this.tooLong = false
  }

  private add(byte: number): void {
    if (this.length === MAX_PASSPHRASE) this.tooLong = true
    else this.slab[this.length++] = byte
  }

  /** Takes the last character away, however many bytes it has. */
  private rub(): void {
    while (this.length > 0) {
      const byte = this.slab[--this.length]!
      this.slab[this.length] = 0
      if (!isContinuation(byte)) return
    }
  }

  /** `ESC [` or `ESC O`, parameters, and a byte from @ to ~ (ECMA-48); ESC and another byte is a key with Alt. */
  private inSequence(byte: number): boolean {
    switch (this.sequence) {
      case "none":
        if (byte !== ESCAPE) return false
        this.sequence = "begun"
        return true
      case "begun":
        this.sequence = byte === 0x5b || byte === 0x4f ? "inside" : "none"
        return byte >= 0x20
      case "inside":
        if (byte >= 0x40 || byte < 0x20) this.sequence = "none"
        return byte >= 0x20
    }
  }
}
