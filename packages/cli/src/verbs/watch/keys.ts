// What a terminal sends, as keys. Pure. One key answers a question, so nothing may be taken for a key that was not pressed: the
// rest of an escape sequence, what a terminal says of itself, what is pasted.

/** A key that means something to a screen, one printed character, or `other`. */
export type Key =
  | "up"
  | "down"
  | "pageUp"
  | "pageDown"
  | "interrupt"
  | "suspend"
  | "redraw"
  | "other"
  | `char:${string}`

/** Where in a sequence a terminal is; a sequence may come in pieces. */
export type Place = "ground" | "escape" | "csi" | "ss3" | "string" | "paste"

export interface Reading {
  readonly place: Place
  /** What came of a sequence so far. */
  readonly held: string
}

export const nothingRead: Reading = { place: "ground", held: "" }

/** Switches marks around what is pasted on and off (xterm, bracketed paste). */
export const PASTE_ON = "\u001b[?2004h"
export const PASTE_OFF = "\u001b[?2004l"

const PASTE_END = "\u001b[201~"

const controls: ReadonlyMap<string, Key> = new Map([
  ["\u0003", "interrupt"],
  ["\u001a", "suspend"],
  ["\u000c", "redraw"]
])

/** Cursor keys come as CSI or as SS3, by the mode of the terminal. */
const cursor: ReadonlyMap<string, Key> = new Map([
  ["A", "up"],
  ["B", "down"],
  ["5~", "pageUp"],
  ["6~", "pageDown"]
])

/** The keys of what came, and where that leaves off. */
export const readKeys = (before: Reading, text: string): readonly [Reading, ReadonlyArray<Key>] => {
  const keys: Array<Key> = []
  let { held, place } = before
  const to = (next: Place, key?: Key): void => {
    place = next
    held = ""
    if (key !== undefined) keys.push(key)
  }
  for (const character of text) {
    if (place === "paste") {
      held = (held + character).slice(-PASTE_END.length)
      if (held === PASTE_END) to("ground", "other")
    } else if (place !== "ground" && character < " " && character !== "\u001b") {
      // no sequence has a control character in it: it was none, and whoever pressed Ctrl-C wants out
      to("ground", controls.get(character) ?? "other")
    } else if (character === "\u001b") {
      // alone it is the key Esc; whether more comes is not known yet
      to("escape", "other")
    } else if (place === "ground") {
      to(
        "ground",
        controls.get(character) ?? (character < " " || character === "\u007f" ? "other" : `char:${character}`)
      )
    } else if (place === "escape") {
      if (character === "[") to("csi")
      else if (character === "O") to("ss3")
      // what a terminal answers to a question of some other program
      else if ("]P_^X".includes(character)) to("string")
      else to("ground", "other")
    } else if (place === "ss3") {
      to("ground", cursor.get(character) ?? "other")
    } else if (place === "csi") {
      held += character
      // parameters and intermediates, and the final byte (ECMA-48 5.4)
      if (character < "@" || character > "~") continue
      if (held === "200~") to("paste")
      else to("ground", cursor.get(held) ?? "other")
    }
  }
  return [{ place, held }, keys]
}
