// Text from elsewhere (a file, a key's user id, a client), made harmless for a terminal, a log and a dialog.

// Controls (C0, C1, DEL), what turns the direction of writing around or is invisible, line separators, half surrogates.
const harmful = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/gu

/** The text with every character that could do something written as `\u{1b}`. */
export const harmless = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
