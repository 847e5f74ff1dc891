// What flags and arguments of the verbs are made of, and how a verb's module is loaded: only when it is called.
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** `--NAME VALUE`, which may be left out. */
export const value = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  )

/** `--NAME`. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

/** An argument that may be left out. */
export const argument = (name: string, description: string) =>
  Argument.String(name).pipe(
    Argument.withDescription(description),
    Argument.optional,
    Argument.map(Option.getOrUndefined)
  )

/** Loads a verb's module and calls it. */
export const later = <Module, E>(load: () => Promise<Module>, call: (module: Module) => Effect.Effect<void, E>) =>
  Effect.flatMap(Effect.promise(load), call)

export const json = toggle("json", "print JSON, for programs")

/** Where a verb finds the gate that it asks. */
export const control = value("control", "SOCKET", "the gate's control socket, if it is not at its standard place")
