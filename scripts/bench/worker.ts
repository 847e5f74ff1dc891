// A process of driven clients: takes an order from its parent, carries it out, and answers.
import process from "node:process"
import { drive, type DriveOrder } from "./drive.ts"

export type WorkerAnswer = { readonly driven: ReturnType<typeof drive> } | { readonly error: string }

process.on("message", (order: DriveOrder) => {
  let answer: WorkerAnswer
  try {
    answer = { driven: drive(order) }
  } catch (error) {
    answer = { error: (error as Error).message }
  }
  process.send!(answer)
})
