// Writes a transcript while the dialogue goes on. Every line is appended with one write(2) before its bytes go on, so that the
// order in the file is the order of causes, also among processes: the scripted pinentry appends to the same file.
import { closeSync, openSync, writeSync } from "node:fs"
import { escaped, formatEntry, HEADER, type Mark, type Place } from "./entry.ts"

export interface Recorder {
  readonly file: string
  /** Adds lines; `false` where they cannot be written, and then nothing may go on as if they had been. */
  note(place: Place, connection: number, mark: Mark, ...lines: ReadonlyArray<Uint8Array | string>): boolean
  /** Throws where something could not be written: the transcript is not whole. */
  check(): void
  /** Nothing is added any more. */
  close(): void
}

/** Begins a transcript (mode 0600: what goes over a wire may be a passphrase). */
export const startRecorder = (file: string): Recorder => {
  const fd = openSync(file, "ax", 0o600)
  let open = true
  let broken: Error | undefined
  writeSync(fd, `${HEADER}\n`)
  return {
    file,
    note: (place, connection, mark, ...lines) => {
      if (!open || broken !== undefined) return false
      const text = lines.map((line) => `${formatEntry({ place, connection, mark, text: escaped(line) })}\n`).join("")
      try {
        writeSync(fd, text)
      } catch (error) {
        broken = new Error(`the transcript ${file} cannot be written: ${String(error)}`)
      }
      return broken === undefined
    },
    check: () => {
      if (broken !== undefined) throw broken
    },
    close: () => {
      if (open) closeSync(fd)
      open = false
    }
  }
}
