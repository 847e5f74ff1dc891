// The policies that need no file: nothing but a `default`. The first run uses one, and so does `--default` on the
// command line.
import { type App, type Default, type Policy, standardApprove } from "./policy.ts"

/**
 * A policy of only a `default`. Under `ask` and `forbid` everyone sees all keys, unlike in a file that says no more
 * than that: on the command line nobody can name keys, and "no secret key" in place of the verdict would only puzzle.
 */
export const builtin = (verdict: Default["verdict"]): Policy => ({
  file: undefined,
  default: { verdict, text: `default = "${verdict}"` },
  operations: new Map(),
  apps: new Map(),
  anyone: verdict === "allow" ? undefined : everyone,
  limits: new Map(),
  gate: { access: { mode: 0o600 } },
  approve: standardApprove,
  upstreams: []
})

const everyone: App = {
  name: "anyone",
  selectors: [],
  keys: "all",
  operations: new Map(),
  with: [],
  byKey: new Map()
}
