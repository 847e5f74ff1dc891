// The gpg-error values that a gate answers with. A value is (source << 24) | code; the source is always 4, gpg-agent,
// because gpg's handshake with a restricted agent compares the whole number. The text is never shown by gpg, which
// prints its own for the number; gpg-connect-agent and logs do show it.

/** A value for an `ERR` line, never 0, and the words that libgpg-error has for its code. */
export interface GpgError {
  readonly value: number
  readonly text: string
}

const AGENT = 4 << 24
const SYSTEM = 0x8000

const error = (code: number, text: string): GpgError => ({ value: AGENT | code, text })

/** By the names of libgpg-error (err-codes.h), without `GPG_ERR_`. */
export const gpgError = {
  BAD_PASSPHRASE: error(11, "Bad passphrase"),
  NO_SECKEY: error(17, "No secret key"),
  NOT_FOUND: error(27, "Not found"),
  INV_VALUE: error(55, "Invalid value"),
  UNUSABLE_SECKEY: error(54, "Unusable secret key"),
  UNSUPPORTED_ALGORITHM: error(84, "Unsupported algorithm"),
  NO_DATA: error(58, "No data"),
  NOT_SUPPORTED: error(60, "Not supported"),
  TIMEOUT: error(62, "Timeout"),
  INTERNAL: error(63, "Internal error"),
  NOT_IMPLEMENTED: error(69, "Not implemented"),
  TRUNCATED: error(74, "Result truncated"),
  INV_RESPONSE: error(76, "Invalid response"),
  NO_AGENT: error(77, "No agent running"),
  INV_SEXP: error(83, "Invalid S-expression"),
  NO_PIN_ENTRY: error(85, "No pinentry"),
  CANCELED: error(99, "Operation cancelled"),
  NOT_CONFIRMED: error(114, "Not confirmed"),
  NO_SCDAEMON: error(119, "No SmartCard daemon"),
  NO_PASSPHRASE: error(177, "No passphrase given"),
  UNKNOWN_OPTION: error(174, "Unknown option"),
  LIMIT_REACHED: error(183, "Limit reached"),
  FULLY_CANCELED: error(198, "Operation fully cancelled"),
  FORBIDDEN: error(251, "Forbidden"),
  KEY_DISABLED: error(252, "Key disabled"),
  FALSE: error(256, "False"),
  ASS_INCOMPLETE_LINE: error(262, "Incomplete line passed to IPC"),
  ASS_LINE_TOO_LONG: error(263, "Line passed to IPC too long"),
  ASS_TOO_MUCH_DATA: error(273, "Too much data for IPC layer"),
  ASS_UNEXPECTED_CMD: error(274, "Unexpected IPC command"),
  ASS_UNKNOWN_CMD: error(275, "Unknown IPC command"),
  ASS_SYNTAX: error(276, "IPC syntax error"),
  ASS_CANCELED: error(277, "IPC call has been cancelled"),
  ASS_PARAMETER: error(280, "IPC parameter error"),
  ASS_UNKNOWN_INQUIRE: error(281, "Unknown IPC inquire"),
  NO_AUTH: error(314, "Not authenticated"),
  BAD_AUTH: error(315, "Bad authentication"),
  USER_1: error(1024, "User defined error code 1"),
  EACCES: error(SYSTEM | 1, "Permission denied"),
  EPERM: error(SYSTEM | 107, "Operation not permitted")
} as const satisfies Record<string, GpgError>
