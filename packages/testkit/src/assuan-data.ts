// D lines the way libassuan itself reads and writes them. On purpose apart from @gripgate/protocol: what a test measures
// with must not share a mistake with what it measures, and libassuan is laxer than a gate may be.

const bytesOf = (line: Buffer): string => line.toString("latin1")

/**
 * D lines for `data`, without their LF: `%`, CR and LF escaped, at most 1000 bytes each (libassuan assuan-buffer.c,
 * LINELENGTH - 5 is where it flushes). No line for no data.
 */
export const dataLines = (data: Uint8Array): Array<Buffer> => {
  const lines: Array<Buffer> = []
  let line = "D "
  for (const byte of data) {
    const text = byte === 0x25 ? "%25" : byte === 0x0d ? "%0D" : byte === 0x0a ? "%0A" : String.fromCharCode(byte)
    if (line.length + text.length > 998) {
      lines.push(Buffer.from(line, "latin1"))
      line = "D "
    }
    line += text
  }
  if (line.length > 2) lines.push(Buffer.from(line, "latin1"))
  return lines
}

/**
 * The bytes that a D line carries. Like libassuan's client it takes a percent sign with fewer than two bytes behind it
 * literally; `undefined` where a line is no D line.
 */
export const lineData = (line: Buffer): Buffer | undefined =>
  line[0] === 0x44 && line[1] === 0x20
    ? Buffer.from(
      bytesOf(line.subarray(2)).replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      "latin1"
    )
    : undefined

/** All data of a reply's D lines, one after the other; the other lines are passed over. */
export const replyData = (lines: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat(lines.map(lineData).filter((data) => data !== undefined))
