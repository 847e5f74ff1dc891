// `gripgate completions`: a completion script, made from the same description as the help.
import { operations } from "@gripgate/protocol/operation"
import type * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import type * as Effect from "effect/Effect"
import { print } from "../output.ts"

const file: Completions.FlagType = { _tag: "Path", pathType: "file" }
const directory: Completions.FlagType = { _tag: "Path", pathType: "directory" }

// To the parser these are plain strings: whether a file is there, and is one, is for the verb to say, with its exit code.
const flagTypes: Readonly<Record<string, Completions.FlagType>> = {
  policy: file,
  upstream: file,
  listen: file,
  control: file,
  socket: file,
  homedir: directory,
  state: directory,
  dir: directory,
  write: directory,
  hide: directory,
  keys: file,
  transcript: file,
  "agent-faults": file,
  operation: { _tag: "Choice", values: operations }
}

const argumentTypes: Readonly<Record<string, Completions.ArgumentType>> = {
  FILE: file,
  OPERATION: { _tag: "Choice", values: operations }
}

/** What the one verb can be asked about whoever is no app. */
const anyone: Completions.ArgumentType = { _tag: "Choice", values: ["anyone"] }

const withTypes = (descriptor: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...descriptor,
  flags: descriptor.flags.map((flag) => ({ ...flag, type: flagTypes[flag.name] ?? flag.type })),
  arguments: descriptor.arguments.map((argument) => ({
    ...argument,
    type: descriptor.name === "check" && argument.name === "APP"
      ? anyone
      : argumentTypes[argument.name] ?? argument.type
  })),
  subcommands: descriptor.subcommands.map(withTypes)
})

/** Prints the script for a shell. */
export const completions = (command: Command.Command.Any, shell: "bash" | "zsh" | "fish"): Effect.Effect<void> =>
  print(Completions.generate(command.name, shell, withTypes(Completions.fromCommand(command))).trimEnd())
