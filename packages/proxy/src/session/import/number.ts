// Numbers of keys: bytes to BigInt without a string in between. A BigInt cannot be wiped, so none outlives the function that
// needs it.

/** The number of big-endian bytes. */
export const numberOf = (bytes: Uint8Array): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const odd = bytes.length % 8
  let number = 0n
  for (let at = 0; at < odd; at++) number = number << 8n | BigInt(view.getUint8(at))
  for (let at = odd; at < bytes.length; at += 8) number = number << 64n | view.getBigUint64(at)
  return number
}

/**
 * Whether bytes are a number above 0 as libgcrypt writes it: without a leading zero, but for one where the first bit would be
 * taken for the sign (libgcrypt mpi/mpicoder.c, GCRYMPI_FMT_STD).
 */
export const isStandard = (bytes: Uint8Array): boolean => {
  const [first = 0x80, second = 0] = bytes
  return first > 0 && first < 0x80 || first === 0 && second >= 0x80
}
