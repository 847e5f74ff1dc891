// The owner's public keys and how far he trusts their holders, as they are taken out of his homedir and brought into a client's.
// Secret keys are nowhere on this way, and no agent is asked for any.
import { gpg, type GpgError } from "@gripgate/proxy/keys/gpg"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { HomeError } from "./home-error.ts"

/** What a client homedir is filled with. */
export interface PublicKeys {
  /** OpenPGP certificates, binary or armoured. */
  readonly certificates: Buffer
  /** As `gpg --export-ownertrust` prints it; absent where the keys came from a file. */
  readonly ownertrust: Buffer | undefined
}

const quiet = ["--batch", "--no-tty", "-q", "--no-auto-check-trustdb"]

const inHome = (
  homedir: string,
  ...args: ReadonlyArray<string>
) => ["--homedir", homedir, "--no-autostart", ...quiet, ...args]

/** What gpg would do where an agent runs for this homedir must not depend on it. */
const failed = (what: string) => ({ message }: GpgError) => new HomeError({ message: `${what}: ${message}` })

/** The keys of an owner's homedir. Nothing is changed there; with keyboxd that daemon is started, as by any gpg. */
export const exportKeys = Effect.fnUntraced(function*(homedir: string): Effect.fn.Return<PublicKeys, HomeError> {
  const start = existsSync(join(homedir, "public-keys.d")) ? [] : ["--no-autostart"]
  const args = ["--homedir", homedir, ...start, ...quiet, "--lock-never"]
  const owner = (...rest: ReadonlyArray<string>) =>
    Effect.mapError(gpg([...args, ...rest]), failed(`the public keys of ${homedir} cannot be read`))
  const listed = yield* owner("--trust-model", "always", "--with-colons", "--list-keys")
  // without a key gpg 2.3 and newer call an export a failure
  const certificates = listed.includes("pub:") ? yield* owner("--export") : Buffer.alloc(0)
  return { certificates, ownertrust: yield* owner("--export-ownertrust") }
})

/** Fingerprints of the primary keys in a colon listing (GnuPG doc/DETAILS): the first `fpr` after each `pub`. */
export const fingerprintsIn = (listing: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let open = false
  for (const line of listing.split("\n")) {
    const fields = line.split(":")
    if (fields[0] === "pub") open = true
    else if (fields[0] === "fpr" && open) {
      open = false
      found.push(fields[9] ?? "")
    }
  }
  return found
}

/** The primary keys in a client homedir. */
export const keysOf = (homedir: string): Effect.Effect<ReadonlyArray<string>, HomeError> =>
  gpg(inHome(homedir, "--trust-model", "always", "--with-colons", "--list-keys")).pipe(
    Effect.mapBoth({
      onSuccess: (listing) => fingerprintsIn(listing.toString("latin1")),
      onFailure: failed(`the keys of ${homedir} cannot be listed`)
    })
  )

/** The primary keys among certificates that are not imported by this. */
export const keysIn = (homedir: string, certificates: Buffer): Effect.Effect<ReadonlyArray<string>, HomeError> =>
  certificates.length === 0
    ? Effect.succeed([])
    : gpg(inHome(homedir, "--with-colons", "--import-options", "show-only", "--import"), certificates).pipe(
      Effect.mapBoth({
        onSuccess: (listing) => fingerprintsIn(listing.toString("latin1")),
        onFailure: failed("expected OpenPGP public keys")
      })
    )

/** Brings keys and trust in; what is there already is merged. */
export const importKeys = Effect.fnUntraced(function*(
  homedir: string,
  { certificates, ownertrust }: PublicKeys
): Effect.fn.Return<void, HomeError> {
  const told = failed(`the public keys cannot be brought into ${homedir}`)
  if (certificates.length > 0) {
    yield* Effect.mapError(gpg(inHome(homedir, "--import-options", "keep-ownertrust", "--import"), certificates), told)
  }
  if (ownertrust !== undefined) yield* Effect.mapError(gpg(inHome(homedir, "--import-ownertrust"), ownertrust), told)
  // now, or the first gpg of the client does it
  yield* Effect.mapError(gpg(inHome(homedir, "--check-trustdb")), told)
})

/** Takes public keys out, each by its fingerprint; the secret ones are with the agent, and stay there. */
export const deleteKeys = (homedir: string, fingerprints: ReadonlyArray<string>): Effect.Effect<void, HomeError> =>
  fingerprints.length === 0
    ? Effect.void
    // with --expert gpg does not ask the agent first whether it has the secret key (GnuPG g10/delkey.c)
    : gpg(inHome(homedir, "--yes", "--expert", "--delete-keys", ...fingerprints)).pipe(
      Effect.mapBoth({ onSuccess: () => {}, onFailure: failed(`keys cannot be taken out of ${homedir}`) })
    )
