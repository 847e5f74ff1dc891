// The key directory of a policy that names keygrips: what the policy lists is all that is known of a key.
import { sees, visible } from "@gripgate/policy/visible"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PolicyRef } from "../policy-file.ts"
import { KeyDirectory } from "./key-directory.ts"

export const policyKeys: Layer.Layer<KeyDirectory, never, PolicyRef> = Layer.effect(
  KeyDirectory,
  Effect.gen(function*() {
    const policy = yield* PolicyRef
    return {
      seesAll: (app) => sees(policy.current, app) === "all",
      visible: (app, keygrip) => visible(policy.current, app, keygrip)
    }
  })
)
