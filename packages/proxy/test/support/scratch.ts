// A directory for one test, gone with its scope. Its path is short: that of a socket has at most 107 bytes.
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "gg-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
