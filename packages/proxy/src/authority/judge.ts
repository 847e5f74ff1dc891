// What the policy says of a use: the verdict of everything that it amounts to, with every key.
import { decide } from "@gripgate/policy/decide"
import type { Entry, Policy } from "@gripgate/policy/policy"
import { isStricter, type Verdict } from "@gripgate/policy/verdict"
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { KeyDirectory } from "../keys/key-directory.ts"
import { type Refusal, refusal, type Use } from "./authority.ts"
import { needsOf, signatures } from "./needs.ts"

/** One operation with one key, or without one, and the entry that holds for it. */
export interface Need {
  readonly operation: Operation
  readonly keygrip: Keygrip | undefined
  readonly entry: Entry
}

export interface Judged {
  /** The strictest verdict, and the need that has it. */
  readonly verdict: Verdict
  readonly entry: Entry
  readonly operation: Operation
  /** Everything that needs the owner's yes. */
  readonly asks: ReadonlyArray<Need>
  /** Everything that needs a token. */
  readonly tokens: ReadonlyArray<Need>
  /** Everything that it amounts to with each key. */
  readonly needs: () => ReadonlyArray<Need>
  /** Every operation that the use amounts to. */
  readonly operations: () => ReadonlyArray<Operation>
  /** The entries that hold and have a limit. */
  readonly limited: ReadonlyArray<Entry>
}

const none: ReadonlyArray<never> = []

/** Judges a use that has at least one operation; a refusal where a key is not for it. */
export const judge = (policy: Policy, keys: KeyDirectory["Service"], use: Use): Judged | Refusal => {
  let held: Need | undefined
  let verdict: Verdict = "allow"
  let limited: Array<Entry> | undefined
  let asks: Array<Need> | undefined
  let tokens: Array<Need> | undefined
  const consider = (operation: Operation, keygrip: Keygrip | undefined): void => {
    const own = keygrip !== undefined && keys.own(use.app, keygrip)
    const { entry, verdict: its } = decide(policy, { app: use.app, operation, keygrip, own })
    if (entry.limit !== undefined && limited?.includes(entry) !== true) (limited ??= []).push(entry)
    if (its === "ask") (asks ??= []).push({ operation, keygrip, entry })
    else if (its === "token") (tokens ??= []).push({ operation, keygrip, entry })
    if (held === undefined || isStricter(its, verdict)) {
      held = { operation, keygrip, entry }
      verdict = its
    }
  }
  const notForIt = eachNeed(keys, use, consider)
  if (notForIt !== undefined) return notForIt
  return {
    verdict,
    entry: held!.entry,
    operation: held!.operation,
    asks: asks ?? none,
    tokens: tokens ?? none,
    needs: () => {
      const all: Array<Need> = []
      eachNeed(keys, use, (operation, keygrip) => {
        const own = keygrip !== undefined && keys.own(use.app, keygrip)
        all.push({ operation, keygrip, entry: decide(policy, { app: use.app, operation, keygrip, own }).entry })
      })
      return all
    },
    limited: limited ?? none,
    operations: () => {
      const all = new Set<Operation>()
      eachNeed(keys, use, (operation) => all.add(operation))
      return [...all]
    }
  }
}

const eachNeed = (
  keys: KeyDirectory["Service"],
  use: Use,
  consider: (operation: Operation, keygrip: Keygrip | undefined) => void
): Refusal | undefined => {
  for (const operation of use.operations) {
    if (use.keygrips.length === 0) {
      for (const each of operation === "sign" ? signatures : [operation]) consider(each, undefined)
    }
    for (const keygrip of use.keygrips) {
      const needs = needsOf(operation, keys.info(keygrip).capabilities)
      if (needs === undefined) {
        return refusal(gpgError.FORBIDDEN, "the key is not one to decrypt with: its certificate says so")
      }
      for (const each of needs) consider(each, keygrip)
    }
  }
  return undefined
}
