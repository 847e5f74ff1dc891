// How a verb asks a running gate, and what it means for the exit code when that does not go well.
import { harmless } from "@gripgate/policy/harmless"
import { askControl, type ControlError } from "@gripgate/proxy/control/client"
import type { PlainRequest } from "@gripgate/proxy/control/message/request"
import type { ResultOf } from "@gripgate/proxy/control/message/results"
import { systemPaths } from "@gripgate/proxy/paths"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure, usageError } from "../failure.ts"
import { quoted } from "../usage.ts"
import { standardPaths } from "./policy-source.ts"

/** The flags that every verb of a running gate has. */
export interface ControlFlags {
  readonly json: boolean
  readonly control: string | undefined
}

/** The control socket that is meant. */
export const controlPath = ({ control }: Pick<ControlFlags, "control">): string =>
  control ?? nearestControl(standardPaths().controlSocket, existsSync)

/**
 * One's own gate, or the system's where one has none of one's own: an owner of that one need not say where it is. Nobody but root makes
 * sockets below /run, so nobody else is asked instead.
 */
export const nearestControl = (own: string, isThere: (path: string) => boolean): string =>
  !isThere(own) && isThere(systemPaths.controlSocket) ? systemPaths.controlSocket : own

/** Asks the gate. Ends with 69 where none answers, 77 where this user or program may not, 1 where it refuses. */
export const askGate = <R extends PlainRequest>(
  flags: Pick<ControlFlags, "control">,
  request: R
): Effect.Effect<ResultOf<R["verb"]>, Failure> => Effect.mapError(askControl(controlPath(flags), request), failureOf)

const codes: Readonly<Record<ControlError["reason"], number>> = {
  refused: exitCode.failed,
  notPermitted: exitCode.notPermitted,
  usage: exitCode.usage,
  unreachable: exitCode.unavailable,
  misunderstood: exitCode.unavailable
}

// A gate repeats words of the command line, and of a policy.
const plain = (text: string): string => text.split("\n").map(harmless).join("\n")

export const failureOf = ({ hint, message, reason }: ControlError): Failure =>
  failure(codes[reason], plain(message), hint === undefined ? undefined : plain(hint))

/** The ID of a question or a grant, in any case; what cannot be one is not sent. */
export const idOf = (verb: string, typed: string): Effect.Effect<string, CliError.ShowHelp> =>
  /^[0-9A-Za-z]{1,64}$/.test(typed)
    ? Effect.succeed(typed.toUpperCase())
    : Effect.fail(usageError(verb, `expected an ID like 7KQ2, got ${quoted(typed)}`))
