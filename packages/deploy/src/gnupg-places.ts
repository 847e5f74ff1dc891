// Where GnuPG looks for its sockets, by its own word: the path depends on the version, on the homedir, and on whether the system
// has a runtime directory for this user, so nobody but gpgconf knows it.
import { gpgconf, type GpgconfError } from "@gripgate/proxy/upstream/gpgconf"
import * as Effect from "effect/Effect"

/** The homedir, and the paths at which its agent is looked for; none of them need exist. */
export interface GnupgPlaces {
  readonly homedir: string
  /** For every program of the user. */
  readonly agent: string
  /** For another machine, by ssh: restricted. */
  readonly extra: string
  /** For browsers: restricted. */
  readonly browser: string
  /** The agent as an ssh-agent, which speaks another protocol. */
  readonly ssh: string
}

const names: Readonly<Record<keyof GnupgPlaces, string>> = {
  homedir: "homedir",
  agent: "agent-socket",
  extra: "agent-extra-socket",
  browser: "agent-browser-socket",
  ssh: "agent-ssh-socket"
}

/** `%3a` and the like: gpgconf escapes what would end a field or a line (gpgconf(1), --list-dirs). */
const unescaped = (field: string): string =>
  field.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString())

/** The places of a homedir; GnuPG's own (`$GNUPGHOME`, `~/.gnupg`) where none is named. */
export const gnupgPlaces = Effect.fnUntraced(function*(
  homedir: string | undefined
): Effect.fn.Return<GnupgPlaces, GpgconfError> {
  const output = yield* gpgconf([...homedir === undefined ? [] : ["--homedir", homedir], "--list-dirs"])
  const fields = new Map(
    output.toString().split("\n").map((line) => {
      const at = line.indexOf(":")
      return [line.slice(0, at), unescaped(line.slice(at + 1))] as const
    })
  )
  const place = (name: keyof GnupgPlaces): string => fields.get(names[name]) ?? ""
  return {
    homedir: place("homedir"),
    agent: place("agent"),
    extra: place("extra"),
    browser: place("browser"),
    ssh: place("ssh")
  }
})
