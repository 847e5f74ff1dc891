// The numbers are those of libgpg-error 1.46 (err-codes.h), with source 4, gpg-agent, as agents send them.
import { assert, describe, it } from "@effect/vitest"
import { type GpgError, gpgError } from "../src/gpg-error.ts"

const expected: Record<keyof typeof gpgError, readonly [value: number, text: string]> = {
  BAD_PASSPHRASE: [67108875, "Bad passphrase"],
  NO_SECKEY: [67108881, "No secret key"],
  NOT_FOUND: [67108891, "Not found"],
  INV_VALUE: [67108919, "Invalid value"],
  UNUSABLE_SECKEY: [67108918, "Unusable secret key"],
  UNSUPPORTED_ALGORITHM: [67108948, "Unsupported algorithm"],
  NO_DATA: [67108922, "No data"],
  NOT_SUPPORTED: [67108924, "Not supported"],
  TIMEOUT: [67108926, "Timeout"],
  INTERNAL: [67108927, "Internal error"],
  NOT_IMPLEMENTED: [67108933, "Not implemented"],
  TRUNCATED: [67108938, "Result truncated"],
  INV_RESPONSE: [67108940, "Invalid response"],
  NO_AGENT: [67108941, "No agent running"],
  INV_SEXP: [67108947, "Invalid S-expression"],
  NO_PIN_ENTRY: [67108949, "No pinentry"],
  CANCELED: [67108963, "Operation cancelled"],
  NOT_CONFIRMED: [67108978, "Not confirmed"],
  NO_SCDAEMON: [67108983, "No SmartCard daemon"],
  NO_PASSPHRASE: [67109041, "No passphrase given"],
  UNKNOWN_OPTION: [67109038, "Unknown option"],
  LIMIT_REACHED: [67109047, "Limit reached"],
  FULLY_CANCELED: [67109062, "Operation fully cancelled"],
  FORBIDDEN: [67109115, "Forbidden"],
  KEY_DISABLED: [67109116, "Key disabled"],
  FALSE: [67109120, "False"],
  ASS_INCOMPLETE_LINE: [67109126, "Incomplete line passed to IPC"],
  ASS_LINE_TOO_LONG: [67109127, "Line passed to IPC too long"],
  ASS_TOO_MUCH_DATA: [67109137, "Too much data for IPC layer"],
  ASS_UNEXPECTED_CMD: [67109138, "Unexpected IPC command"],
  ASS_UNKNOWN_CMD: [67109139, "Unknown IPC command"],
  ASS_SYNTAX: [67109140, "IPC syntax error"],
  ASS_CANCELED: [67109141, "IPC call has been cancelled"],
  ASS_PARAMETER: [67109144, "IPC parameter error"],
  ASS_UNKNOWN_INQUIRE: [67109145, "Unknown IPC inquire"],
  NO_AUTH: [67109178, "Not authenticated"],
  BAD_AUTH: [67109179, "Bad authentication"],
  USER_1: [67109888, "User defined error code 1"],
  EACCES: [67141633, "Permission denied"],
  EPERM: [67141739, "Operation not permitted"]
}

describe("gpgError", () => {
  it("has the numbers and words that agents send and gpg explains", () => {
    const all = Object.entries<GpgError>(gpgError).map(([name, { text, value }]) => [name, [value, text]] as const)
    assert.deepStrictEqual<unknown>(Object.fromEntries(all), expected)
  })

  it("is never 0, has source 4, and words that fit an ERR line", () => {
    for (const { text, value } of Object.values<GpgError>(gpgError)) {
      assert.strictEqual(value >>> 24, 4)
      assert.notStrictEqual(value & 0xffffff, 0)
      assert.match(text, /^[ -~]{1,50}$/)
    }
  })
})
