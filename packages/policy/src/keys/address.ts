// The mail address in a user id. Anybody can write anything into one, so whatever could be read in two ways has none.

// No pattern and no quoting: an address that could be read in two ways is none.
const ADDRESS = /^[^\s\p{C}\uFFFD@<>()[\]\\,;:"*?]+@[\p{L}\p{N}\p{M}_-]+(?:\.[\p{L}\p{N}\p{M}_-]+)*$/u

// What no font shows, so that two addresses would look the same.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u

// KELVIN SIGN and I WITH DOT ABOVE are the two characters outside ASCII that have an ASCII letter in lower case.
const BECOMES_ASCII = /[\u212A\u0130]/

/** Whether a text is one plain mail address, without brackets around it. */
export const isAddress = (text: string): boolean => ADDRESS.test(text) && !INVISIBLE.test(text)

/**
 * The address of a user id in lower case: what stands between `<` and `>` where there is exactly one of each, else the whole
 * user id where it is an address. As GnuPG reads it (common/mbox-util.c, mailbox_from_userid), but a user id with two pairs
 * of brackets has none, and what stands in front of the brackets never counts, address or not.
 */
export const addressOf = (userId: string): string | undefined => {
  const from = userId.indexOf("<")
  const to = userId.indexOf(">")
  if (from !== userId.lastIndexOf("<") || to !== userId.lastIndexOf(">") || to < from) return undefined
  const text = from < 0 ? userId : userId.slice(from + 1, to)
  return isAddress(text) && !BECOMES_ASCII.test(text) ? text.toLowerCase() : undefined
}
