// A process of clients: takes orders from its parent, one after the other, and answers each.
import process from "node:process"
import { type BusyOrder, type BusyResult, driveBusy } from "./busy.ts"
import { IdleCrowd, type IdleOrder, type IdleResult } from "./idle.ts"

export type Order = BusyOrder | IdleOrder | { readonly kind: "end" }

export type Answer =
  | BusyResult
  | IdleResult
  | { readonly kind: "open" }
  | { readonly kind: "error"; readonly error: string }

let crowd: IdleCrowd | undefined

const obey = (order: Order): Answer => {
  switch (order.kind) {
    case "busy":
      return driveBusy(order)
    case "idle":
      crowd = new IdleCrowd(order)
      return { kind: "open" }
    case "end":
      return crowd === undefined ? { kind: "error", error: "nobody is there" } : crowd.end()
  }
}

process.on("message", (order: Order) => {
  let answer: Answer
  try {
    answer = obey(order)
  } catch (error) {
    answer = { kind: "error", error: (error as Error).message }
  }
  process.send!(answer)
})

// whoever gave the orders has gone, however that came
process.on("disconnect", () => process.exit())
