// Loaded first (`node --import`), this ends any program at a chosen one of its durable operations, or lets one fail. Such are
// write, fsync, fdatasync, rename, link, truncate, and open where it may make a file. Linux only.
//
//   CRASH_FOLDER   operations on this folder and on what lies below it count, from 1; no others do
//   CRASH_SKIP     files whose names begin with this do not count
//   CRASH_AT       `N:VARIANT`, or several with commas:
//                    before, after   SIGKILL in front of operation N, or when it is done
//                    half            SIGKILL after one half of its bytes, where it is a write
//                    power           as before, and what was not synchronised is gone, as when the power fails
//                    short           it takes one half of its bytes and says so, where it is a write
//                    full            it fails with ENOSPC, where it is a write
//                    fail            it fails with EIO
//   CRASH_DELAY    `NAME=MS`, or several with commas: what is asynchronous happens so much later there, as on a slow disk
//   CRASH_REPORT   gets the operations as JSON when the program exits: [["write", "grants"], ...]
//
// What is asynchronous happens later than it is asked for, one after the other: whoever does not wait for it is found out.
import * as fs from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { durableFiles } from "./durable-files.ts"
import { everyOperation, type Operation } from "./every-operation.ts"

export type Variant = "before" | "after" | "half" | "power" | "short" | "full" | "fail"

// before anything is replaced
const original = { ...fs }

const plan = new Map(
  (process.env["CRASH_AT"] ?? "").split(",").map((each) => {
    const [n, variant] = each.split(":")
    return [Number(n), variant as Variant]
  })
)
const operations: Array<readonly [Operation, string]> = []
const delays = new Map(
  (process.env["CRASH_DELAY"] ?? "").split(",").map((each) => {
    const [name = "", milliseconds] = each.split("=")
    return [name, Number(milliseconds ?? 0)]
  })
)

const skipped = process.env["CRASH_SKIP"]

/** Node does some calls by others of the same module, which are part of the first. */
let inside = false

/** Where an operation happens, from the folder; `undefined` where it does not count. */
const placeOf = (target: unknown): string | undefined => {
  if (inside) return undefined
  const path = typeof target === "number" ? linkOf(target) : absolute(target)
  const place = path === undefined ? ".." : relative(folder, path)
  if (place.split("/")[0] === ".." || skipped !== undefined && place.startsWith(skipped)) return undefined
  return place === "" ? "." : place
}

const linkOf = (fd: number): string | undefined => {
  try {
    return original.readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

/** A path without links above its last name. */
const absolute = (target: unknown): string => {
  const full = resolve(target instanceof URL ? fileURLToPath(target) : String(target))
  try {
    return join(original.realpathSync(dirname(full)), basename(full))
  } catch {
    return full
  }
}

const folder = absolute(process.env["CRASH_FOLDER"] ?? "/dev/null")
const durable = durableFiles(original, folder)

const kill = (): never => {
  process.kill(process.pid, "SIGKILL")
  for (;;);
}

const failure = (syscall: string, errno: number, message: string): Error =>
  Object.assign(new Error(`${message}, ${syscall}`), { errno, code: message.split(":")[0], syscall })

/** Does one operation as it is planned. `half` does a half of it and says how many bytes that is. */
const perform = (operation: Operation, place: string, whole: () => unknown, half?: () => number): unknown => {
  operations.push([operation, place])
  inside = true
  try {
    return asPlanned(operation, place, whole, half)
  } finally {
    inside = false
  }
}

const asPlanned = (operation: Operation, place: string, whole: () => unknown, half?: () => number): unknown => {
  const variant = plan.get(operations.length)
  if (variant === "before") kill()
  if (variant === "power") {
    durable.lose()
    kill()
  }
  if (variant === "fail") throw failure(operation, -5, "EIO: i/o error")
  if (half !== undefined) {
    if (variant === "full") throw failure(operation, -28, "ENOSPC: no space left on device")
    if (variant === "short") return half()
    if (variant === "half") {
      half()
      kill()
    }
  }
  const result = whole()
  if (operation === "fsync" || operation === "fdatasync") durable.keep(join(folder, place))
  if (variant === "after") kill()
  return result
}

everyOperation(original, { placeOf, perform, delay: (place) => delays.get(place ?? "") ?? 0 })

const report = process.env["CRASH_REPORT"]
if (report !== undefined) process.on("exit", () => original.writeFileSync(report, JSON.stringify(operations)))
