// The verbs that make grants with tokens and change them, with their flags and what --help says about them.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { control, json, later, toggle, value } from "./flags.ts"

const number = (name: string, metavar: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  )

const source = {
  passphraseFd: number(
    "passphrase-fd",
    "N",
    "read the passphrase of the keys from this file descriptor, up to its first line feed; 0 is stdin"
  ),
  pinentry: toggle("pinentry", "have the gate ask for the passphrase with a pinentry where you are, and not here")
}

const id = Argument.String("ID").pipe(Argument.withDescription("the grant, as `gripgate grants` names it"))

export const grant = Command.make("grant", {
  app: Argument.String("APP").pipe(Argument.withDescription("an app of the policy")),
  key: Flag.String("key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("a key as the policy names it, or a keygrip; may be repeated"),
    Flag.atLeast(0)
  ),
  operations: value(
    "operations",
    "LIST",
    "what the token is for: sign,decrypt; else what the policy asks or wants a token for"
  ),
  for: value("for", "TIME", "how long it is good: 90d, 8h; else until it is revoked"),
  uses: number("uses", "N", "how many uses there are in all; else any number"),
  limit: value("limit", "RATE", "how often at most: 60/hour"),
  noSeal: toggle("no-seal", "keep no passphrase: the agent asks for it, or has it in its cache"),
  ...source,
  json,
  control
}, (options) => later(() => import("./verbs/grant/grant.ts"), ({ grant }) => grant(options))).pipe(
  Command.withShortDescription("give an app a token for a key"),
  Command.withDescription(
    "Makes a grant that a token opens, and prints the token: once, alone on its line on stdout, so that it can go to a file; "
      + "how it is used goes to stderr. The app presents it wherever gpg takes a passphrase, and never learns yours.\n\n"
      + "Your passphrase is asked for on the terminal, without showing it, or by the gate's pinentry where there is none. It is "
      + "tried on each of the keys, and kept encrypted under the token: neither is worth anything without the other. What the "
      + "policy forbids is not granted."
  ),
  Command.withExamples([
    { command: "gripgate grant mailpile --key alice@example.org --for 90d" },
    {
      command: "(umask 077; gripgate grant ci --key release@example.org > token)",
      description: "A token in a file that only you can read:"
    }
  ])
)

export const rotate = Command.make("rotate", {
  id,
  overlap: value("overlap", "TIME", "how long the old token still holds: 1h; else it ends at once"),
  ...source,
  json,
  control
}, (options) => later(() => import("./verbs/grant/rotate.ts"), ({ rotate }) => rotate(options))).pipe(
  Command.withShortDescription("give a grant another token"),
  Command.withDescription(
    "Makes another token for a grant and prints it, as `gripgate grant` does. The old one ends at once, or after --overlap. This "
      + "is also what helps after a change of passphrase, when what the old token opens does not fit the key any more."
  ),
  Command.withExamples([{ command: "gripgate rotate AB23 --overlap 1h" }])
)

export const renew = Command.make("renew", {
  id,
  for: value("for", "TIME", "how long it is good from now on: 90d, 8h, or always"),
  uses: number("uses", "N", "how many uses there are from now on; else as many as are left"),
  json,
  control
}, (options) => later(() => import("./verbs/grant/renew.ts"), ({ renew }) => renew(options))).pipe(
  Command.withShortDescription("make a grant with a token good for longer"),
  Command.withDescription(
    "Makes a grant with a token good for a time from now on, or until it is revoked. The token stays the same."
  ),
  Command.withExamples([{ command: "gripgate renew AB23 --for 90d" }])
)
