// What the tests of several documents look at: how a page of prose is laid out.

/** The longest line of prose, in characters. */
const MAX_WIDTH = 120

/** The lines of a Markdown text that are too long to read, but for tables and what a program prints. */
export const longLines = (markdown: string): ReadonlyArray<string> =>
  markdown
    .replaceAll(/^```console\n[^]*?\n```$/gm, "")
    .split("\n")
    .filter((line) => !line.startsWith("|") && line.length > MAX_WIDTH)
