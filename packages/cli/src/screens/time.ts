// Times for people: how long ago, how long still, and the clock on the wall. Pure.
import type { View } from "./line.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `12s`, `1m48s`, `3h05m`, `2d4h`; nothing is less than no time at all. */
export const span = (milliseconds: number): string => {
  const time = Math.max(0, Math.floor(milliseconds / SECOND) * SECOND)
  if (!Number.isFinite(time)) return "?"
  const two = (big: number, bigName: string, small: number, smallName: string, digits: number): string => {
    const rest = Math.floor(time % big / small)
    const tail = rest === 0 ? "" : `${String(rest).padStart(digits, "0")}${smallName}`
    return `${Math.floor(time / big)}${bigName}${tail}`
  }
  if (time < MINUTE) return `${time / SECOND}s`
  if (time < HOUR) return two(MINUTE, "m", SECOND, "s", 2)
  if (time < DAY) return two(HOUR, "h", MINUTE, "m", 2)
  return two(DAY, "d", HOUR, "h", 1)
}

/** A time as the gate writes it; `NaN` for what is none. */
export const timeOf = (moment: string): number => Date.parse(moment)

/** `12s ago`. */
export const ago = (moment: string, { now }: View): string => `${span(now - timeOf(moment))} ago`

/** `1m48s left`. */
export const left = (moment: string, { now }: View): string => `${span(timeOf(moment) - now)} left`

/** Local time in the order of RFC 3339, or `undefined` for what is no time. */
const local = (at: number, { offset }: View): string | undefined => {
  const date = new Date(at + offset(at) * MINUTE)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** `2026-02-03 14:32:10`, local time. */
export const dateTime = (moment: string, view: View): string =>
  local(timeOf(moment), view)?.slice(0, -5).replace("T", " ") ?? "?"

/** `14:32:10`, local time. */
export const clock = (at: number, view: View): string => local(at, view)?.slice(-13, -5) ?? "?"

/** `14:32` on the day of the view, `2026-02-03` on any other. */
export const dayOrTime = (moment: string, view: View): string => {
  const [then, today] = [local(timeOf(moment), view), local(view.now, view)]
  if (then === undefined) return "?"
  const day = then.slice(0, -14)
  return day === today?.slice(0, -14) ? then.slice(-13, -8) : day
}
