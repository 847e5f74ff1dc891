// What becomes of `gripgate watch` when something happens. Pure. Its rule: a key answers the question that its owner was looking
// at, and no other.
import type { AskedQuestion } from "@gripgate/proxy/control/message/asked"
import { DEAF, type Event, type Model, said, type Step } from "./model.ts"
import { onKey } from "./on-key.ts"

/** What becomes of it when something comes in at a time. */
export const step = (before: Model, event: Event, now: number): Step => {
  const model = { ...before, now }
  switch (event.kind) {
    case "key":
      return onKey(model, event.key)
    case "snapshot": {
      const { asks, decided, owner, paused } = event.snapshot
      const done = new Set([...model.done].filter((id) => asks.some((ask) => ask.id === id)))
      const shown = asks.filter(({ id }) => !done.has(id))
      return [withAsks({ ...model, done, decided, paused, place: owner, gone: undefined }, shown), []]
    }
    case "gone":
      // what was asked may be over, and cannot be answered; the mark finds its question again
      return [{ ...withAsks(model, []), gone: event.why, marked: model.marked, decided: [], paused: [] }, []]
    case "answered": {
      const done = new Set([...model.done, event.id])
      const rest = model.asks.filter(({ id }) => id !== event.id)
      return [withAsks(said({ ...model, busy: undefined, done }, `${event.id}: ${event.text}`), rest), []]
    }
    case "failed":
      return [said({ ...model, busy: undefined }, `${event.id}: ${event.text}`), []]
    case "size":
      return [{ ...model, columns: event.columns, rows: event.rows }, []]
    case "back":
      return [{ ...model, deafUntil: now + DEAF, confirm: undefined }, []]
    case "tick":
      return [now < model.messageUntil ? model : { ...model, message: undefined }, []]
  }
}

/** The mark stays with its question. When that has gone, the next one comes under it, and keys wait a moment. */
const withAsks = (model: Model, asks: ReadonlyArray<AskedQuestion>): Model => {
  const has = (id: string | undefined) => asks.some((ask) => ask.id === id)
  const wasShown = model.asks.some(({ id }) => id === model.marked)
  const marked = has(model.marked) ? model.marked : nextOf(model, asks)
  if (marked === model.marked && wasShown) return { ...model, asks }
  return { ...model, asks, marked, from: 0, confirm: undefined, deafUntil: model.now + DEAF }
}

/** What stood below the marked question, else what is last; the first open one where none was marked. */
const nextOf = ({ asks: before, marked }: Model, asks: ReadonlyArray<AskedQuestion>): string | undefined => {
  const at = before.findIndex(({ id }) => id === marked)
  if (at < 0) return (asks.find(({ state }) => state === "open") ?? asks[0])?.id
  const below = before.slice(at + 1).find(({ id }) => asks.some((ask) => ask.id === id))
  return (below ?? asks.at(-1))?.id
}
