// What becomes of a policy that was read, before it is put in force: users and groups are looked up, and what cannot change
// while the gate runs is told.
import { type Accounts, resolveAccounts } from "@gripgate/policy/client/accounts"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import { PolicyProblems } from "./policy-file.ts"

/** A policy whose users and groups are known, or what is wrong with it. */
export const withAccounts = (policy: Policy, accounts: Accounts): Effect.Effect<Policy, PolicyProblems> => {
  const resolved = resolveAccounts(policy, accounts)
  return resolved.problems.length === 0
    ? Effect.succeed(resolved.policy)
    : Effect.fail(new PolicyProblems({ file: policy.file ?? "", problems: resolved.problems }))
}

/** Sockets and numbers are taken at the start; a policy that changes them takes effect with all else but these. */
export const warnOfRestart = (before: Policy, after: Policy, write: (priority: 4, message: string) => void): void => {
  const sockets = (policy: Policy): string =>
    [...policy.apps.values()].map(({ name, socket }) =>
      JSON.stringify([name, socket?.name, socket?.mode, socket?.group])
    )
      .toSorted().join()
  // who may answer is looked up each time
  const fixed = ({ gate: { owners: _, ...gate }, limits, upstreams }: Policy): string =>
    JSON.stringify([[...limits], gate, upstreams.map(({ place: _, ...upstream }) => upstream)])
  const changed = [
    ...(sockets(before) === sockets(after) ? [] : ["the sockets of apps"]),
    ...(fixed(before) === fixed(after) ? [] : ["[limits], [gate] or [upstreams]"])
  ]
  if (changed.length === 0) return
  write(4, `the policy changes ${changed.join(" and ")}: that needs a restart of the gate, all else is in force now`)
}
