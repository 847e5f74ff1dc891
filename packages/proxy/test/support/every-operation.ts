// Puts itself in front of every call of node:fs that makes something durable or may: synchronous, with a callback, with a
// promise, and through a handle. Each is reported as what the kernel is asked for, once, and however it was spelt.
import * as fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import process from "node:process"

export type Operation = "write" | "fsync" | "fdatasync" | "rename" | "link" | "truncate" | "open"

export interface Watcher {
  /** Where an operation on a path or a descriptor happens; `undefined` where it is not to be seen. */
  readonly placeOf: (target: unknown) => string | undefined
  /** Does the operation: all of it, or for a write a half, which says how many bytes that is. */
  readonly perform: (operation: Operation, place: string, whole: () => unknown, half?: () => number) => unknown
  /** Milliseconds by which what is asynchronous is later at a place. */
  readonly delay?: (place: string | undefined) => number
}

type Arguments = ReadonlyArray<unknown>
type Call = (...args: Arguments) => unknown
type Table = Record<string, Call>

// the objects that everybody gets, also by `require`, and not this module's view of them
const { default: shared } = await import("node:fs")
const table = shared as unknown as Table
const promises = shared.promises as unknown as Table
const some = await fs.promises.open(process.execPath, "r")
const handles = Object.getPrototypeOf(some) as Table
await some.close()

/** `original` is `node:fs` as it was before. From now on every operation goes through the watcher, in every module. */
export const everyOperation = (original: typeof fs, { delay = () => 0, perform, placeOf }: Watcher): void => {
  const half = (fd: number, args: Arguments): number => {
    const [bytes, position] = written(args)
    return original.writeSync(fd, bytes, 0, bytes.length >> 1, position)
  }

  // every operation that is seen ends up in one of these
  const replace = (name: string, operation: Operation): void => {
    const call = table[name]!
    table[name] = (...args) => {
      if (operation === "open" && !makes(args[1])) return call(...args)
      const place = pathsOf(name, args).map(placeOf).find((place) => place !== undefined)
      if (place === undefined) return call(...args)
      const part = operation === "write" ? () => half(args[0] as number, args.slice(1)) : undefined
      return perform(operation, place, () => call(...args), part)
    }
  }
  const pathsOf = (name: string, args: Arguments): Arguments => args.slice(0, /^(?:rename|link)/.test(name) ? 2 : 1)
  const makes = (flags: unknown): boolean =>
    typeof flags === "number" ? (flags & fs.constants.O_CREAT) !== 0 : /[wa]/.test(String(flags ?? "r"))

  replace("writeSync", "write")
  replace("writevSync", "write")
  replace("fsyncSync", "fsync")
  replace("fdatasyncSync", "fdatasync")
  replace("ftruncateSync", "truncate")
  replace("renameSync", "rename")
  replace("linkSync", "link")
  replace("openSync", "open")

  /** Node does these in one go, past all others: here they are taken apart. */
  const whole = (name: string, usual: string): void => {
    const call = table[name]!
    table[name] = (path, data, options) => {
      if (placeOf(path) === undefined) return call(path, data, options)
      const named = typeof options === "string" ? { encoding: options } : (options ?? {}) as Record<string, unknown>
      const fd = typeof path === "number"
        ? path
        : table["openSync"]!(path, named["flag"] ?? usual, named["mode"] ?? 0o666)
      try {
        const bytes = typeof data === "string" ? Buffer.from(data, named["encoding"] as BufferEncoding) : bytesOf(data)
        for (let at = 0; at < bytes.length;) at += Number(table["writeSync"]!(fd, bytes, at, bytes.length - at))
        if (named["flush"] === true) table["fsyncSync"]!(fd)
      } finally {
        if (fd !== path) original.closeSync(fd as number)
      }
      return undefined
    }
  }
  whole("writeFileSync", "w")
  whole("appendFileSync", "a")
  {
    const call = table["truncateSync"]!
    table["truncateSync"] = (path, length) => {
      if (placeOf(path) === undefined) return call(path, length)
      return perform("truncate", placeOf(path)!, () => original.truncateSync(path as string, length as number))
    }
  }

  /** A synchronous call, later. */
  const later = (name: string, args: Arguments): Promise<unknown> =>
    new Promise((resolve) => {
      const milliseconds = delay(placeOf(args[0]))
      if (milliseconds > 0) setTimeout(resolve, milliseconds)
      else setImmediate(resolve)
    }).then(() => table[name]!(...args))

  for (
    const name of [
      "write",
      "writev",
      "fsync",
      "fdatasync",
      "ftruncate",
      "truncate",
      "rename",
      "link",
      "open",
      "writeFile",
      "appendFile"
    ]
  ) {
    const call = table[name]!
    table[name] = (...all) => {
      const args = all.slice(0, -1)
      const done = all.at(-1)
      const unseen = pathsOf(name, args).every((target) => placeOf(target) === undefined)
      if (typeof done !== "function" || unseen) return call(...all)
      const more = name === "write" || name === "writev" ? [args[1]] : []
      // outside of the promise: what a callback throws is nobody's rejection
      later(`${name}Sync`, args).then(
        (result) => process.nextTick(done, null, result, ...more),
        (error) => process.nextTick(done, error)
      )
      return undefined
    }
    // how `promisify` names the results
    for (const symbol of Object.getOwnPropertySymbols(call)) {
      Object.defineProperty(table[name], symbol, Object.getOwnPropertyDescriptor(call, symbol)!)
    }
  }

  for (const name of ["rename", "link", "truncate"]) {
    const call = promises[name]!
    promises[name] = (...args) =>
      pathsOf(name, args).every((path) => placeOf(path) === undefined) ? call(...args) : later(`${name}Sync`, args)
  }
  {
    const call = promises["open"]!
    promises["open"] = async (...args) => {
      const place = makes(args[1]) ? placeOf(args[0]) : undefined
      if (place === undefined) return await call(...args)
      await new Promise((resolve) => setImmediate(resolve))
      // the handle itself can only be opened by Node: it is there already where a crash comes after
      perform(
        "open",
        place,
        () => original.closeSync(original.openSync(...args as Parameters<typeof original.openSync>))
      )
      const flags = typeof args[1] === "number" ? args[1] & ~fs.constants.O_EXCL : String(args[1]).replace("x", "")
      return await call(args[0], flags, ...args.slice(2))
    }
  }

  interface Handle {
    readonly fd: number
  }
  const method = (name: string, sync: string, result: (given: unknown, value: unknown) => unknown): void => {
    const call = handles[name]!
    handles[name] = async function(this: Handle, ...args: Arguments) {
      if (placeOf(this.fd) === undefined) return await call.apply(this, [...args])
      return result(args[0], await later(sync, [this.fd, ...args]))
    }
  }
  method("write", "writeSync", (buffer, bytesWritten) => ({ buffer, bytesWritten }))
  method("writev", "writevSync", (buffers, bytesWritten) => ({ buffers, bytesWritten }))
  method("sync", "fsyncSync", () => undefined)
  method("datasync", "fdatasyncSync", () => undefined)
  method("truncate", "ftruncateSync", () => undefined)

  /** All of what is to be written: a string, bytes, or pieces that come one after the other. */
  const gather = async (data: unknown): Promise<unknown> => {
    if (typeof data === "string" || ArrayBuffer.isView(data)) return data
    const pieces: Array<Buffer> = []
    for await (const piece of data as AsyncIterable<string | Uint8Array>) pieces.push(Buffer.from(piece as string))
    return Buffer.concat(pieces)
  }
  for (const name of ["writeFile", "appendFile"]) {
    const call = handles[name]!
    handles[name] = async function(this: Handle, data: unknown, options: unknown) {
      if (placeOf(this.fd) === undefined) return await call.call(this, data, options)
      return await later("writeFileSync", [this.fd, await gather(data), options])
    }
    const named = promises[name]!
    promises[name] = async (target, data, options) => {
      const path = typeof target === "object" && target !== null && "fd" in target ? target.fd : target
      if (placeOf(path) === undefined) return await named(target, data, options)
      return await later(`${name}Sync`, [path, await gather(data), options])
    }
  }
  syncBuiltinESMExports()
}

/** The bytes of a write and their place, from the arguments behind its descriptor, in every form that Node takes. */
const written = ([data, second, length, position]: Arguments): readonly [Buffer, number | null] => {
  const at = (value: unknown): number | null =>
    typeof value === "number" || typeof value === "bigint" ? Number(value) : null
  if (typeof data === "string") return [Buffer.from(data, length as BufferEncoding | undefined), at(second)]
  if (Array.isArray(data)) return [Buffer.concat(data.map(bytesOf)), at(second)]
  const bytes = bytesOf(data)
  const named = typeof second === "object" && second !== null ? second as Record<string, unknown> : undefined
  const from = Number(named?.["offset"] ?? (named === undefined ? second ?? 0 : 0))
  const size = Number(named?.["length"] ?? (named === undefined ? length : undefined) ?? bytes.length - from)
  return [bytes.subarray(from, from + size), at(named === undefined ? position : named["position"])]
}

const bytesOf = (data: unknown): Buffer => {
  const { buffer, byteLength, byteOffset } = data as Uint8Array
  return Buffer.from(buffer, byteOffset, byteLength)
}
