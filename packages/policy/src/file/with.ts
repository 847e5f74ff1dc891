// `[apps.NAME.with."SELECTOR"]`: the operations of an app with some of its keys.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Result from "effect/Result"
import type { App, Entries, WithKeys } from "../policy.ts"
import { readOperations } from "./operations.ts"
import { type Problem, quote } from "./problem.ts"
import { meaningOf, parseSelector } from "./selector.ts"
import type { Setting } from "./tree.ts"
import { readTable } from "./value.ts"

/** Reads `with` of an app; `name` is how the app stands in a header. `byKey` has those that go by their keygrip. */
export const readWith = (
  setting: Setting | undefined,
  name: string,
  problems: Array<Problem>
): Pick<App, "with" | "byKey"> => {
  const found = new Map<string, WithKeys>()
  const byKey = new Map<Keygrip, Entries>()
  const example = `[apps.${name}.with."alice@example.org"]`
  const tables = setting && readTable(setting.node, problems, example)
  for (const { key: text, node, place } of tables?.settings.values() ?? []) {
    const table = readTable(node, problems, example)
    if (table === undefined) continue
    const operations = readOperations(table, `[apps.${name}.with.${quote(text)}]`, [], problems)
    const wanted = parseSelector(text)
    if (Result.isFailure(wanted)) {
      problems.push({ place, ...wanted.failure })
      continue
    }
    if (wanted.success.kind === "all") {
      const hint = `what holds with every key stands in [apps.${name}]`
      problems.push({ place, message: "\"*\" has no table of its own", hint })
      continue
    }
    const meaning = meaningOf(wanted.success)
    const before = found.get(meaning)
    if (before !== undefined) {
      const { place: first, text: as } = before.selector
      const message = `${quote(text)} has a table already: ${quote(as)} (line ${first.line})`
      problems.push({ place, message, hint: "both name the same keys: make one table of the two" })
      continue
    }
    found.set(meaning, { selector: { text, place, wanted: wanted.success }, operations })
    if (wanted.success.kind === "grip") byKey.set(wanted.success.keygrip, operations)
  }
  return { with: [...found.values()], byKey }
}
