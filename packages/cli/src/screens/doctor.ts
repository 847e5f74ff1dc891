// What `gripgate doctor` prints: a group for each family of checks, in it the worst first, and a summary at the end.
import type { Finding } from "@gripgate/deploy/doctor/finding"
import { families, type Family, familyOf, type Level } from "@gripgate/deploy/doctor/ids"
import { isNarrow, labelled, type Line, many, type View, within, word } from "./line.ts"

/** The worst first. */
const order: ReadonlyArray<Level> = ["wrong", "danger", "note", "ok"]

/** Columns of the family's name and of the level's. */
const FAMILY = 13
const LEVEL = 8

/** Longest text that is shown of a message. */
const LONGEST = 1_000

interface Wish extends View {
  /** Whether everything that is as it should be is listed, and not one line a family. */
  readonly verbose: boolean
}

/** Those that are shown: of what is as it should be the first stands for all. */
const shown = (all: ReadonlyArray<Finding>, verbose: boolean): ReadonlyArray<Finding> => {
  const sorted = all.toSorted((one, other) => order.indexOf(one.level) - order.indexOf(other.level))
  const fine = sorted.filter(({ level }) => level === "ok")
  if (verbose || fine.length < 2) return sorted
  const message = `${fine[0]!.message} (and ${fine.length - 1} more)`
  return [...sorted.filter(({ level }) => level !== "ok"), { ...fine[0]!, message, where: null, fix: null }]
}

/** A line that is copied and run: a terminal may break it, and it is never cut. */
const fixLine = (fix: string, indent: number): Line => ({ text: `${" ".repeat(indent)}$ ${word(fix, 4_000)}` })

const texts = ({ fix, level, message, where }: Finding, family: string, view: Wish): ReadonlyArray<Line> => {
  const narrow = isNarrow(view)
  const before = narrow ? 2 : FAMILY + LEVEL
  const face = level === "wrong" ? { face: "bold" as const } : {}
  const about = where === null || level === "ok" && !view.verbose ? "" : word(where, 400)
  const said = word(message, LONGEST)
  const lines = narrow
    ? [{ text: `${family} ${level}` }, ...labelled("", said, view, { indent: 2, width: 0 })]
    : labelled(`${family.padEnd(FAMILY)}${level}`, said, view, { indent: 0, width: before })
  const place = about === "" ? [] : labelled("", about, view, { indent: before, width: 0 })
  return [
    ...within([...lines, ...place].map((line, index) => index === 0 ? { ...line, ...face } : line), view),
    ...fix === null ? [] : [fixLine(fix, before)]
  ]
}

const summary = (findings: ReadonlyArray<Finding>): string => {
  const count = (level: Level) => findings.filter((each) => each.level === level).length
  const [wrong, danger, note] = [count("wrong"), count("danger"), count("note")]
  const parts = [
    wrong === 0 ? "nothing is wrong" : `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong`,
    ...danger === 0 ? [] : [many(danger, "danger")],
    ...note === 0 ? [] : [many(note, "note")]
  ]
  return parts.join(", ")
}

export const doctorScreen = (findings: ReadonlyArray<Finding>, view: Wish): ReadonlyArray<Line> => {
  const groups = families.flatMap((family: Family) => {
    const all = findings.filter(({ id }) => familyOf(id) === family)
    return shown(all, view.verbose).flatMap((each, index) =>
      texts(each, isNarrow(view) || index === 0 ? family : "", view)
    )
  })
  return [...groups, { text: "" }, ...within([{ text: summary(findings), face: "bold" }], view)]
}
