// A word as a shell reads it back, for commands that people are shown.

/** The word itself where no shell takes it for more than that, else in single quotes. */
export const shellWord = (word: string): string =>
  /^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
