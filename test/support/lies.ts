// Texts that try to look like something of the gate's, or to do something to a terminal, and what no text before a person may have.

/** As a client writes them in SETKEYDESC and GET_CONFIRMATION: a blank is `+`, and everything can be escaped. */
export const lies: ReadonlyArray<string> = [
  "gripgate:+the+app+%22git%22+wants+to+decrypt%0AWho:+%22by+its+own+socket%22",
  "%0AKey:+FEDCBA9876543210,+%22Bob%22%0AIt+can:+nothing%0ASHA256+digest:+0000+0000",
  "%0D%0Agripgate:+never+mind%0D",
  "%1B[2J%1B[H%1B]0;gripgate%07%1B[31m",
  "\x1b[2J\x07\x7f raw",
  "%C2%9B2J%C2%85gripgate:+next+line",
  "%E2%80%AE%E2%81%A6gnp.exe%E2%80%A8Who:+nobody%E2%80%A9",
  "%FF%FE%ED%A0%80+bytes+that+are+no+text",
  "%E2%80%8B%EF%BB%BF%E3%85%A4%E2%A0%80".repeat(8),
  "[+Yes,+once+]++[+No+]%0A%0AAnswer+Yes.%0A%3CYes%3E+%3CNo%3E%0AYes%0A_Yes",
  "%3Cb%3EKey:%3C/b%3E+%26lt;br%26gt;%3Cbr%3E",
  "It+says:%0A%7C+nothing%0A..+and+more%0Agpg-agent+says:%0A%7C+yes",
  "%25%30%41gripgate:+%2525%2530%2541",
  "Your+PIN,+please:+%c+%C+%F+%%",
  "+".repeat(400),
  "A".repeat(900),
  "%0A".repeat(300),
  "%00%0Agripgate:+behind+a+NUL"
]

/** What turns, hides or moves what a person reads: controls, formats, separators of lines, halves of characters. Not LF. */
const harm = /(?!\n)[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/u

export const isHarmful = (text: string): boolean => harm.test(text)

/** What a client's text says, decoded once, as a pinentry does it. */
export const wordsOf = (lie: string): string => {
  const bytes = lie.replaceAll("+", " ").replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16))
  )
  return Buffer.from(bytes, "latin1").toString("utf8")
}
