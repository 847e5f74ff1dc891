// An authority in a test: a policy as text, keys that are all known, grants in a folder of its own, and a desk that answers what
// it is told and remembers what it was asked.
import { parsePolicy } from "@gripgate/policy/file/parse"
import type { Capability } from "@gripgate/policy/keys/keyring"
import { sees, visible } from "@gripgate/policy/visible"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Context from "effect/Context"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type Asking, Desk } from "../../src/approve/desk.ts"
import type { Ended } from "../../src/approve/question.ts"
import { Authority, type Permit, type Refusal, type Use } from "../../src/authority/authority.ts"
import { policyAuthority } from "../../src/authority/policy-authority.ts"
import { GrantStore, openGrants } from "../../src/grant/grant-store.ts"
import { Journal } from "../../src/journal/journal.ts"
import { KeyDirectory } from "../../src/keys/key-directory.ts"
import { PolicyRef } from "../../src/policy-file.ts"
import { recordingLog } from "../support/recording-log.ts"

const policyOf = (text: string) => Result.getOrThrow(parsePolicy(text, "p.toml"))

export interface PlaceOptions {
  readonly policy: string
  readonly state: string
  readonly answer: (asking: Asking) => Ended
  readonly capabilities?: (keygrip: Keygrip) => ReadonlySet<Capability> | undefined
}

const signs: ReadonlySet<Capability> = new Set(["sign"])

export const makePlace = Effect.fnUntraced(function*(options: PlaceOptions) {
  const { answer, capabilities = () => signs, state } = options
  const ref = { current: policyOf(options.policy), generation: 0 }
  const { layer, lines } = recordingLog()
  const asked: Array<Asking> = []
  const desk: Desk["Service"] = {
    ask: (asking) =>
      Effect.suspend(() => {
        asked.push(asking)
        const ended = answer(asking)
        const kept = ended.kind === "yes" || ended.kind === "no" ? asking.keep(ended) : Effect.void
        return Effect.as(Effect.orDie(kept), ended)
      }),
    answer: () => Effect.fail("nobody"),
    standing: () => [],
    decided: () => [],
    paused: () => [],
    reconsider: () => {},
    watch: () => () => {},
    close: () => {}
  }
  const keys: KeyDirectory["Service"] = {
    seesAll: (app) => sees(ref.current, app) === "all",
    visible: (app, keygrip) => visible(ref.current, app, keygrip),
    own: () => false,
    info: (keygrip) => ({ keygrip, capabilities: capabilities(keygrip) }),
    made: () => Effect.void,
    gone: () => Effect.void,
    changed: () => {}
  }
  const grants = yield* Effect.provide(openGrants({ state }), Layer.merge(layer, layerWebCrypto))
  const services = yield* Layer.build(
    policyAuthority(() => "somebody").pipe(
      Layer.provide(Layer.mergeAll(
        Layer.succeed(Desk, desk),
        Layer.succeed(KeyDirectory, keys),
        Layer.succeed(GrantStore, grants),
        Layer.provide(Journal.log, layer),
        Layer.succeed(PolicyRef, ref)
      ))
    )
  )
  const authority = Context.get(services, Authority)
  return {
    authority,
    asked,
    grants,
    lines,
    change: (text: string) => {
      ref.current = policyOf(text)
      ref.generation++
    },
    permit: (use: Use): Effect.Effect<Permit | Refusal> => {
      const decided = authority.permit(use)
      return Effect.isEffect(decided) ? decided : Effect.succeed(decided)
    }
  }
})

/** A use by an app, or by a program of a session. */
export const useOf = (
  app: string | undefined,
  operation: Operation,
  keygrip: Keygrip | undefined,
  more: Partial<Use> = {}
): Use => ({
  app,
  facts: {
    socket: "/run/S",
    session: 1,
    uid: 1000,
    chain: [],
    leader: { pid: 100, started: 5 },
    program: "/usr/bin/git"
  },
  identity: app === undefined ? { kind: "anyone" } : { kind: "app", app, rank: "socket", by: [] },
  command: "PKSIGN",
  operations: [operation],
  keygrips: keygrip === undefined ? [] : [keygrip],
  whenLost: () => () => {},
  ...more
})
