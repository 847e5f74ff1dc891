// Which pinentry is run: the one that the policy names, else gpg-agent's own, found as gpg-agent finds it. The owner may change
// that at any time, so it is looked up for each question. Its border: it names a program and runs none but gpgconf.
import { harmless } from "@gripgate/policy/harmless"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { isAbsolute, join, resolve } from "node:path"
import { codeOf, reasonOf } from "../../reason.ts"
import { gpgconf } from "../../upstream/gpgconf.ts"
import { Unavailable } from "./unavailable.ts"

export interface ProgramSettings {
  /** GnuPG's homedir; its own default (`$GNUPGHOME`, `~/.gnupg`) where `undefined`. */
  readonly homedir: string | undefined
  /** A program that goes before all others, if the policy names one; asked each time. */
  readonly program: () => string | undefined
}

/** Where GnuPG keeps its configuration, by its own word. */
interface Folders {
  readonly homedir: string
  readonly sysconfdir: string
}

/** gpg-agent's file of options, in the homedir and in the folder for all users. */
const CONF = "gpg-agent.conf"

/** Bytes of such a file that are read. */
const MAX_CONF = 256 * 1024

/** GnuPG's blanks: those of C's isspace, without the line feed. */
const BLANKS = "[ \\t\\v\\f\\r]"
const option = new RegExp(`^${BLANKS}*pinentry-program${BLANKS}+(.*?)${BLANKS}*$`)

/**
 * The value of `pinentry-program` in a file of options, the last one if there are several; `undefined` where there is none.
 * One option a line; `#` begins a comment only at the start of a line; a double quote at the start of a value falls away, and
 * then one at its end (GnuPG common/argparse.c, libgpg-error argparse.c).
 */
export const pinentryProgramOf = (text: string): string | undefined => {
  const lines = text.replace(/^\ufeff/, "").split("\n")
  const value = lines.map((line) => option.exec(line)?.[1] ?? "").findLast((each) => each !== "")
  return value?.startsWith("\"") === true ? value.slice(1).replace(/"$/, "") : value
}

/** The text of a file of options; `undefined` where there is none. What is no regular file is none: a FIFO would hang. */
const readConf = (path: string): Effect.Effect<string | undefined, Unavailable> =>
  Effect.suspend(() => {
    try {
      const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
      try {
        if (!fs.fstatSync(fd).isFile()) return Effect.succeed(undefined)
        const bytes = Buffer.alloc(MAX_CONF)
        return Effect.succeed(bytes.toString("utf8", 0, fs.readSync(fd, bytes)))
      } finally {
        fs.closeSync(fd)
      }
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return Effect.succeed(undefined)
      return Effect.fail(new Unavailable({ reason: `${harmless(path)} cannot be read: ${reasonOf(error)}` }))
    }
  })

/** What gpgconf prints, without its hint: that is for people at a command line. */
const ask = (args: ReadonlyArray<string>): Effect.Effect<string, Unavailable> =>
  gpgconf(args).pipe(
    Effect.map((output) => output.toString()),
    Effect.mapError(({ message }) => new Unavailable({ reason: harmless(message) }))
  )

/** Both in one run, in the order of gpgconf's own table. */
const askFolders: Effect.Effect<Folders, Unavailable> = Effect.flatMap(
  ask(["--null", "--list-dirs", "homedir", "sysconfdir"]),
  (output): Effect.Effect<Folders, Unavailable> => {
    const [sysconfdir = "", homedir = ""] = output.split("\0")
    if (isAbsolute(homedir) && isAbsolute(sysconfdir)) return Effect.succeed({ homedir, sysconfdir })
    return Effect.fail(new Unavailable({ reason: "gpgconf does not name GnuPG's folders by absolute paths" }))
  }
)

/** The third field of gpgconf's line for the pinentry, without its escapes. */
const askDefault: Effect.Effect<string, Unavailable> = Effect.map(ask(["--list-components"]), (output) => {
  const [, path = ""] = /^pinentry:[^:\n]*:([^:\n]*)/m.exec(output) ?? []
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
})

/** An effect that runs until it has succeeded, and then gives the same again. */
const once = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  let known: Effect.Effect<A, E> | undefined
  const learn = Effect.map(effect, (value) => {
    known = Effect.succeed(value)
    return value
  })
  return Effect.suspend(() => known ?? learn)
}

/** `~/` is the home directory, as for an agent of GnuPG 2.4; a path that is not absolute could be anything. */
const absolute = (path: string, by: string): Effect.Effect<string, Unavailable> => {
  const home = process.env["HOME"]
  const whole = path.startsWith("~/") && home !== undefined ? join(home, path.slice(2)) : path
  return isAbsolute(whole) && !whole.includes("\0")
    ? Effect.succeed(whole)
    : Effect.fail(new Unavailable({ reason: `${harmless(by)} names no pinentry by an absolute path` }))
}

/**
 * Looks the program up, anew each time; gpgconf is asked at most once for each thing that it is needed for. The path is
 * absolute; whether there is such a program is for its caller to find out.
 */
export const pinentryFinder = ({ homedir, program }: ProgramSettings): Effect.Effect<string, Unavailable> => {
  const folders = once(askFolders)
  const standard = once(askDefault)
  return Effect.gen(function*() {
    const first = program()
    if (first !== undefined) return yield* absolute(first, "the policy")
    const own = join(homedir === undefined ? (yield* folders).homedir : resolve(homedir), CONF)
    let conf = own
    let named = pinentryProgramOf((yield* readConf(own)) ?? "")
    if (named === undefined) {
      conf = join((yield* folders).sysconfdir, CONF)
      named = pinentryProgramOf((yield* readConf(conf)) ?? "")
    }
    return yield* named === undefined || named === ""
      ? Effect.flatMap(standard, (path) => absolute(path, "gpgconf"))
      : absolute(named, conf)
  })
}
