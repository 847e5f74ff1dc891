// The owner's public keyring, as gpg lists it. Nothing is made or changed in the homedir, and no lock is taken there.
import { parseColons } from "@gripgate/policy/keys/colons"
import type { Certificate } from "@gripgate/policy/keys/keyring"
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { join, resolve } from "node:path"
import { setImmediate } from "node:timers/promises"
import { LogService } from "../log.ts"
import { gpg } from "./gpg.ts"

/** Where GnuPG has public keys: gpg would make the first of them where none of them is there. */
const keyrings = ["pubring.kbx", "pubring.gpg", "public-keys.d"]

/**
 * The trust model matters for the validity of user ids alone, which nobody looks at; `always` needs no trust database, and
 * ownertrust is shown where there is one (seen with GnuPG 2.2.40). gpg replaces keyring files, so that one that is read needs
 * no lock; its lock files would be changes of the homedir.
 */
const listKeys = [
  "--batch",
  "--no-autostart",
  "--no-tty",
  "-q",
  "--trust-model",
  "always",
  "--no-auto-check-trustdb",
  "--lock-never",
  "--with-colons",
  "--with-keygrip",
  "--list-keys"
]

/**
 * All certificates of a homedir, in 60 s at most; `undefined` where there is no keyring, or gpg cannot read it, which the log
 * tells in one line.
 */
export const readKeyring = Effect.fnUntraced(function*(
  homedir: string
): Effect.fn.Return<ReadonlyArray<Certificate> | undefined, never, LogService> {
  const log = yield* LogService
  const path = resolve(homedir)
  const there = (name: string) => statSync(join(path, name), { throwIfNoEntry: false }) !== undefined
  const isThere = yield* Effect.orElseSucceed(Effect.try(() => keyrings.some(there)), () => false)
  if (!isThere) return undefined
  return yield* gpg(["--homedir", path, ...listKeys]).pipe(
    Effect.flatMap((listing) => Effect.promise(() => parse(listing))),
    Effect.catch(({ message }) => {
      log.write(4, `the public keyring of ${path} cannot be read: ${message}`)
      return Effect.succeed(undefined)
    })
  )
})

/** Bytes that are parsed in one go, at least: sessions are served in between. */
const PIECE = 256 * 1024
const BEGIN = Buffer.from("\npub:")

const parse = async (listing: Buffer): Promise<ReadonlyArray<Certificate>> => {
  const certificates: Array<Certificate> = []
  for (let from = 0; from < listing.length;) {
    const next = listing.indexOf(BEGIN, from + PIECE)
    const to = next < 0 ? listing.length : next + 1
    for (const certificate of parseColons(listing.toString("utf8", from, to))) certificates.push(certificate)
    from = to
    if (from < listing.length) await setImmediate()
  }
  return certificates
}
