// The key that the ledgers of a state directory are hashed with. It keeps a mistake, a copy put back or anybody without
// access to the directory from making a chain that holds; it does not keep the gate's own user from it.
import { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { createSecretKey, type KeyObject } from "node:crypto"
import { constants, statSync } from "node:fs"
import { join } from "node:path"
import { headPath } from "./head.ts"
import { LedgerError, ledgerError } from "./ledger-error.ts"
import { makeOwn, openOwn } from "./own-file.ts"

/** Bytes. */
const SIZE = 32

const pathOf = (folder: string): string => join(folder, "chain.key")

/** The key of a state directory; `undefined` where none was made yet. */
export const readChainKey = (folder: string): Effect.Effect<KeyObject | undefined, LedgerError> =>
  Effect.tryPromise({
    try: () => read(pathOf(folder)),
    catch: ledgerError(`${pathOf(folder)} cannot be read`, "it belongs to the gate's user")
  })

/**
 * The key of a state directory, which this process has locked; made, durably, where there is none. Not where one of
 * these ledgers is there already: nothing in it could be checked with a new key.
 */
export const openChainKey = Effect.fnUntraced(function*(
  folder: string,
  ledgers: ReadonlyArray<string>
): Effect.fn.Return<KeyObject, LedgerError, SecureRandom> {
  const found = yield* readChainKey(folder)
  if (found !== undefined) return found
  const path = pathOf(folder)
  const keyed = ledgers.map((name) => join(folder, name)).find((file) => sizeOf(file) + sizeOf(headPath(file)) > 0)
  if (keyed !== undefined) {
    return yield* new LedgerError({
      message: `${path} is missing, and ${keyed} was written with it`,
      hint: `put it back, or move ${keyed} and ${headPath(keyed)} aside to begin anew, with nothing in it`
    })
  }
  const bytes = yield* (yield* SecureRandom).randomBytes(SIZE)
  yield* Effect.tryPromise({
    try: () => makeOwn(path, bytes),
    catch: ledgerError(`${path} cannot be made`, "see to the state directory")
  })
  return secret(bytes)
})

const read = async (path: string): Promise<KeyObject | undefined> => {
  const handle = await openOwn(path, constants.O_RDONLY)
  if (handle === undefined) return undefined
  await using file = handle
  const bytes = Buffer.alloc(SIZE + 1)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
  if (bytesRead === SIZE) return secret(bytes.subarray(0, SIZE))
  throw new LedgerError({
    message: `${path}: expected ${SIZE} bytes, got ${bytesRead < SIZE ? bytesRead : "more"}`,
    hint: "put back the key that the ledgers beside it were written with"
  })
}

/** The key out of JavaScript's memory. */
const secret = (bytes: Uint8Array): KeyObject => {
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
