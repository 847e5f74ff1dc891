// What names keys in a policy file: `keys = [...]` and `with."..."`.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Place } from "../policy.ts"

/** Which keys are meant. A fingerprint or key id with `exact` (`!`) means this one key, else its whole certificate. */
export type Wanted =
  | { readonly kind: "all" }
  | { readonly kind: "grip"; readonly keygrip: Keygrip }
  /** 40 or 64 upper-case hexadecimal digits. */
  | { readonly kind: "fingerprint"; readonly digits: string; readonly exact: boolean }
  /** 16 upper-case hexadecimal digits. */
  | { readonly kind: "key id"; readonly digits: string; readonly exact: boolean }
  /** A mail address in lower case. */
  | { readonly kind: "address"; readonly address: string }

/** A selector as it stands in the file. */
export interface Selector {
  readonly text: string
  readonly place: Place
  readonly wanted: Wanted
}
