// What `default` means for the operations that nothing names. A default that asked about everything, or forbade
// everything, would leave a session that cannot even look for its own keys; these are the exceptions, each an entry
// with a text of its own.
import type { Operation } from "@gripgate/protocol/operation"
import type { Default, Entry } from "./policy.ts"

// `list` shows only what the client may see anyway. `prompt` and `admin` are nothing to ask about: the one would move
// the agent's own pinentry away from the owner, with the other a client ends or reloads the agent of everybody.
const rules: Record<Default["verdict"], ReadonlyMap<Operation, Entry>> = {
  allow: new Map(),
  ask: new Map<Operation, Entry>([
    ["list", { verdict: "allow", text: "default = \"ask\" allows list, on visible keys" }],
    ["prompt", { verdict: "forbid", text: "default = \"ask\" keeps prompt from the agent" }],
    ["admin", { verdict: "forbid", text: "default = \"ask\" refuses admin" }]
  ]),
  forbid: new Map<Operation, Entry>([
    ["list", { verdict: "allow", text: "default = \"forbid\" allows list, on visible keys" }]
  ])
}

/** The built-in exception from this `default` for an operation, or `undefined` where the default itself speaks. */
export const ruleFor = (byDefault: Default, operation: Operation): Entry | undefined =>
  rules[byDefault.verdict].get(operation)
