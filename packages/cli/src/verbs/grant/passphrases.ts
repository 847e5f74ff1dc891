// Where the passphrases of a grant come from: a file descriptor, the terminal, or the gate's pinentry; and who is asked again when
// one was wrong. Whatever becomes of it, they are wiped.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { askForToken, type ControlError, type WithToken } from "@gripgate/proxy/control/client"
import type { Planned } from "@gripgate/proxy/control/message/granted"
import type { RequestOf, TokenVerb } from "@gripgate/proxy/control/message/request"
import { hardenBriefly } from "@gripgate/proxy/harden"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { printError } from "../../output.ts"
import { word } from "../../screens/line.ts"
import { userIdText } from "../../screens/question.ts"
import { failureOf } from "../control.ts"
import { passphraseFrom } from "./from-fd.ts"
import { type HiddenPrompt, hiddenPrompt } from "./hidden.ts"

export interface SourceFlags {
  readonly passphraseFd: number | undefined
  readonly pinentry: boolean
}

/** A request but for where its passphrases come from. */
export type Sourceless<V extends TokenVerb> = Omit<RequestOf<V>, "passphrases" | "secrets">

type Answer = Effect.Effect<WithToken<TokenVerb>, Failure>

/** Times that somebody is asked without getting further. */
const TRIES = 3

type Key = Planned["keys"][number]

/** Asks the gate at `path` for a token, with the passphrases that the plan needs. */
export const withPassphrases = <V extends TokenVerb>(
  path: string,
  plan: Planned,
  flags: SourceFlags,
  request: Sourceless<V>
): Answer => Effect.andThen(hardened, asking(path, plan, flags, request))

/** Before anything secret is read: no file has it, and no debugger. */
const hardened = Effect.suspend(() => {
  const problems = hardenBriefly()
  return problems.length === 0
    ? Effect.void
    : printError(`gripgate: a core dump of this program would hold what is typed: ${problems.join(", ")}`)
})

const asking = <V extends TokenVerb>(
  path: string,
  plan: Planned,
  flags: SourceFlags,
  request: Sourceless<V>
): Answer => {
  const needed = plan.keys.filter(({ sealed }) => sealed)
  const send = (passphrases: "given" | "pinentry", given?: ReadonlyMap<Keygrip, Buffer>) =>
    askForToken(path, { ...request, passphrases } as RequestOf<V>, given)
  const plain = (answer: Effect.Effect<WithToken<TokenVerb>, ControlError>): Answer =>
    Effect.mapError(answer, failureOf)
  if (needed.length === 0) return plain(send("given"))
  const { passphraseFd } = flags
  if (passphraseFd !== undefined) {
    return Effect.acquireUseRelease(
      passphraseFrom(passphraseFd),
      (passphrase) => plain(send("given", forAll(needed, passphrase))),
      (passphrase) => Effect.sync(() => passphrase.fill(0))
    )
  }
  const asked = Effect.andThen(
    printError("gripgate: the passphrase is asked for by the gate's pinentry"),
    plain(send("pinentry"))
  )
  if (flags.pinentry) return asked
  return Effect.scoped(
    Effect.flatMap(
      hiddenPrompt,
      (terminal) => terminal === undefined ? asked : typed(terminal, needed, (given) => send("given", given))
    )
  )
}

const forAll = (keys: ReadonlyArray<Key>, passphrase: Buffer): Map<Keygrip, Buffer> =>
  new Map(keys.flatMap(({ keygrip }) => {
    const grip = parseKeygrip(keygrip)
    return grip === undefined ? [] : [[grip, passphrase] as const]
  }))

/** Asks once for all keys, and again for those for which what was typed is wrong. */
const typed = (
  terminal: HiddenPrompt,
  needed: ReadonlyArray<Key>,
  send: (given: ReadonlyMap<Keygrip, Buffer>) => Effect.Effect<WithToken<TokenVerb>, ControlError>
): Answer => {
  const given = new Map<Keygrip, Buffer>()
  const all: Array<Buffer> = []
  const asking = Effect.gen(function*() {
    let keys = needed
    for (let tries = 1;;) {
      const passphrase = yield* terminal.ask(`Passphrase for ${namesOf(keys)}: `)
      all.push(passphrase)
      for (const [grip, same] of forAll(keys, passphrase)) given.set(grip, same)
      const answer = yield* Effect.result(send(given))
      if (Result.isSuccess(answer)) return answer.success
      const { wrong = [] } = answer.failure
      const left = needed.filter(({ keygrip }) => wrong.includes(keygrip))
      if (left.length === 0) return yield* failureOf(answer.failure)
      // several keys may have several passphrases: only what opens none of them is a wrong one
      tries = left.length < keys.length ? 1 : tries + 1
      if (tries > TRIES) return yield* failure(exitCode.failed, `the passphrase is wrong for ${namesOf(left)}`)
      yield* printError(`gripgate: ${left.length < keys.length ? "right, but another" : "wrong"} for ${namesOf(left)}`)
      keys = left
    }
  })
  return Effect.ensuring(asking, Effect.sync(() => all.forEach((passphrase) => passphrase.fill(0))))
}

/** The first key in words, and how many more there are. */
const namesOf = ([key, ...more]: ReadonlyArray<Key>): string => {
  if (key === undefined) return "no key"
  const { keyId, keygrip, userId } = key
  const name = [word(keyId ?? keygrip, 40), ...userId === null ? [] : [userIdText(userId)]].join(", ")
  return more.length === 0 ? name : `${name} and ${more.length} more`
}
