// Rows of cells under each other. A column is as wide as its widest cell, within its limits; what is too long is cut.
import { columnsOf } from "@gripgate/proxy/shown/lines"
import { fit, padded } from "./line.ts"

export interface Column {
  readonly title: string
  /** Columns of the screen that it has at most. */
  readonly most: number
  /** Narrowest screen on which it is shown. */
  readonly from?: number
}

const GAP = "  "

/** One text for the titles and one for each row. No text needs more than `columns`. */
export const table = (
  heads: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  columns: number
): { readonly title: string; readonly rows: ReadonlyArray<string> } => {
  const shown = heads.map((_, index) => index).filter((index) => columns >= (heads[index]!.from ?? 0))
  const widths = shown.map((index) =>
    Math.min(heads[index]!.most, Math.max(...[heads[index]!.title, ...rows.map((row) => row[index]!)].map(columnsOf)))
  )
  const text = (cells: ReadonlyArray<string>): string =>
    fit(shown.map((index, i) => padded(fit(cells[index]!, widths[i]!), widths[i]!)).join(GAP).trimEnd(), columns)
  return { title: text(heads.map(({ title }) => title)), rows: rows.map(text) }
}
