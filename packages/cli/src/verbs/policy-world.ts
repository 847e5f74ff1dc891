// A policy together with what it speaks of: the users and groups of this machine and the owner's keys. For the verbs that
// judge a policy without a gate; nothing is asked of an agent.
import { resolveAccounts } from "@gripgate/policy/client/accounts"
import { keyIndex } from "@gripgate/policy/keys/key-index"
import { type KeyNote, type Match, resolveKeys } from "@gripgate/policy/keys/resolve"
import type { World } from "@gripgate/policy/keys/world"
import type { Policy } from "@gripgate/policy/policy"
import { systemAccounts } from "@gripgate/proxy/accounts"
import { readKeyring } from "@gripgate/proxy/keys/keyring"
import { secretFiles } from "@gripgate/proxy/keys/secret-keys"
import type { LogService } from "@gripgate/proxy/log"
import type { PolicyProblem } from "@gripgate/proxy/policy-file"
import * as Effect from "effect/Effect"
import { join } from "node:path"

/** A policy in which names have become numbers, and selectors keys. */
export interface ResolvedPolicy {
  readonly policy: Policy
  readonly problems: ReadonlyArray<PolicyProblem>
  readonly notes: ReadonlyArray<KeyNote>
  readonly matches: ReadonlyArray<Match>
  readonly keys: ReturnType<typeof keyIndex>
  readonly world: World
  readonly userName: (uid: number) => string | undefined
}

/** The owner's keys in a homedir: the one that is named, or gpg's own. */
export const readWorld = Effect.fnUntraced(function*(
  named: string | undefined
): Effect.fn.Return<World, never, LogService> {
  const homedir = named ?? ownHomedir()
  const certificates = homedir === undefined ? undefined : yield* readKeyring(homedir)
  const secret = homedir === undefined ? undefined : yield* Effect.sync(() => secretFiles(homedir))
  return { certificates, secret, made: new Set() }
})

/** GnuPG's home directory for whoever runs this. */
const ownHomedir = (): string | undefined => {
  const { GNUPGHOME, HOME } = process.env
  return GNUPGHOME ? GNUPGHOME : HOME ? join(HOME, ".gnupg") : undefined
}

/** Resolves a policy against the keyring of a homedir: the one that is named, that of the policy, or gpg's own. */
export const resolvePolicy = Effect.fnUntraced(function*(
  read: Policy,
  named: string | undefined
): Effect.fn.Return<ResolvedPolicy, never, LogService> {
  const accounts = systemAccounts()
  const known = resolveAccounts(read, accounts)
  const world = yield* readWorld(named ?? read.gate.homedir)
  const { matches, notes, policy, problems } = resolveKeys(known.policy, world)
  return {
    policy,
    problems: [...known.problems, ...problems],
    notes,
    matches,
    keys: keyIndex(world),
    world,
    userName: accounts.userName
  }
})
