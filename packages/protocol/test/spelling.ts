// Spellings of single lines and what becomes of them, as assertions.
import { assert } from "@effect/vitest"
import { type GpgError, gpgError } from "../src/gpg-error.ts"
import { writeRequest } from "../src/request.ts"
import { command, request } from "./plain.ts"

/** What the agent is sent for a client's line. */
export const sent = (line: string): string => {
  const written = writeRequest(command(line))?.toString("latin1")
  return written === undefined ? "nothing" : written.replace(/\n$/, "")
}

export const refusal = (line: string): readonly [error: GpgError, reason: string] => {
  const parsed = request(line)
  assert.strictEqual(parsed.kind, "refused", line)
  return parsed.kind === "refused" ? [parsed.error, parsed.reason] : [gpgError.FALSE, ""]
}

/** By the client's line, what the agent is sent. */
export const assertSent = (spellings: Record<string, string>): void => {
  for (const [line, written] of Object.entries(spellings)) assert.strictEqual(sent(line), written, line)
}

export const assertRefused = (error: GpgError, ...lines: ReadonlyArray<string>): void => {
  for (const line of lines) assert.strictEqual(refusal(line)[0], error, line)
}
