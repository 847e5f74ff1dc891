// Which program is gpg-agent here, and by what option it takes sockets that somebody else made: 2.5.3 renamed it.
import { gpgconf, type GpgconfError } from "@gripgate/proxy/upstream/gpgconf"
import * as Effect from "effect/Effect"

export interface OwnAgent {
  readonly program: string
  /** What this version calls its way of taking sockets over. */
  readonly option: "--supervised" | "--deprecated-supervised"
}

const isAtLeast = (version: string, wanted: ReadonlyArray<number>): boolean => {
  const parts = version.split(".").map(Number)
  const different = wanted.findIndex((number, index) => (parts[index] ?? 0) !== number)
  return different < 0 || (parts[different] ?? 0) > wanted[different]!
}

/** What `gpgconf --list-components` and `gpgconf --version` say. */
export const ownAgentFrom = (components: string, version: string): OwnAgent | undefined => {
  const program = components.split("\n").map((line) => line.split(":")).find(([name]) => name === "gpg-agent")?.[2]
  const number = /\d+(?:\.\d+)+/.exec(version)?.[0]
  if (program === undefined || program === "" || number === undefined) return undefined
  return { program, option: isAtLeast(number, [2, 5, 3]) ? "--deprecated-supervised" : "--supervised" }
}

export const findOwnAgent: Effect.Effect<OwnAgent | undefined, GpgconfError> = Effect.map(
  Effect.all([gpgconf(["--list-components"]), gpgconf(["--version"])]),
  ([components, version]) => ownAgentFrom(components.toString(), version.toString())
)
