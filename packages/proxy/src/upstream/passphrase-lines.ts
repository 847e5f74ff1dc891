// A passphrase as it goes to an agent: D lines and END, in memory of their own.
import { END_LINE } from "@gripgate/protocol/answer"
import { encodeDataLines } from "@gripgate/protocol/escape"
import { secretSlab } from "../grant/token.ts"

/** The lines, which whoever sends them wipes; the passphrase is wiped here. `undefined` for none. */
export const passphraseLines = (passphrase: Buffer | undefined): Buffer | undefined => {
  if (passphrase === undefined) return undefined
  const data = encodeDataLines(passphrase)
  const lines = secretSlab(data.length + END_LINE.length)
  data.copy(lines)
  END_LINE.copy(lines, data.length)
  data.fill(0)
  passphrase.fill(0)
  return lines
}
