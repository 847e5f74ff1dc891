// A log that keeps what was written, for tests that look at it and for those that only need one.
import * as Layer from "effect/Layer"
import { LogService, type Priority } from "../../src/log.ts"

export interface Recorded {
  readonly lines: ReadonlyArray<readonly [Priority, string]>
  readonly layer: Layer.Layer<LogService>
}

export const recordingLog = (): Recorded => {
  const lines: Array<readonly [Priority, string]> = []
  const layer = Layer.succeed(LogService, {
    level: 7,
    write: (priority, message) => void lines.push([priority, message])
  })
  return { lines, layer }
}
