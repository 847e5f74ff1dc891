// The redirect file of a client homedir: it lies where GnuPG looks for the agent's socket, and names that of the gate.
import { gpgconf } from "@gripgate/proxy/upstream/gpgconf"
import { parseRedirect } from "@gripgate/proxy/upstream/redirect"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fs from "node:fs"
import { dirname } from "node:path"
import { gnupgPlaces } from "../gnupg-places.ts"
import { attempt, HomeError, notByGpgconf } from "./home-error.ts"
import { putFile, removeLeftovers } from "./put-file.ts"

/** The text of a redirect file (libassuan assuan-socket.c eval_redirection), or why no such file can name this socket. */
export const redirectTo = (socket: string): Result.Result<string, HomeError> => {
  const text = `%Assuan%\nsocket=${socket}\n`
  // GnuPG knows no escape for what it would read otherwise, so that reading it back is the test
  const named = parseRedirect(Buffer.from(text), {})
  if (Result.isSuccess(named) && named.success === socket) return Result.succeed(text)
  const why = Result.isFailure(named)
    ? named.failure
    : "it contains what GnuPG would read as a variable or a line's end"
  return Result.fail(new HomeError({ message: `no homedir can lead to the socket ${JSON.stringify(socket)}: ${why}` }))
}

/**
 * Puts the file where GnuPG looks for the agent of this homedir, and says where that is. Below `/run/user/UID` it is gone after a
 * reboot. An agent that some program has started for this homedir, and that took the place, is ended: it has no keys.
 */
export const putRedirect = Effect.fnUntraced(function*(
  homedir: string,
  socket: string
): Effect.fn.Return<string, HomeError> {
  const text = yield* Effect.fromResult(redirectTo(socket))
  const { agent } = yield* Effect.mapError(
    gnupgPlaces(homedir),
    notByGpgconf
  )
  if (agent === "") return yield* new HomeError({ message: `gpgconf names no socket for the homedir ${homedir}` })
  if (isSocket(agent)) yield* endAgent(homedir, agent)
  yield* attempt(`the redirect file ${agent} cannot be written`, () => {
    const there = fs.lstatSync(agent, { throwIfNoEntry: false })
    if (there?.isFile() === true && fs.readFileSync(agent, "utf8") === text) return
    fs.mkdirSync(dirname(agent), { recursive: true, mode: 0o700 })
    removeLeftovers(dirname(agent))
    putFile(agent, text)
  })
  return agent
})

const isSocket = (path: string): boolean => {
  try {
    return fs.lstatSync(path).isSocket()
  } catch {
    return false
  }
}

/** Milliseconds until an agent has removed its socket. */
const PATIENCE = 2_000
const PAUSE = 10

/** First of all: an agent that ends later removes whatever has the name of its socket by then (seen with GnuPG 2.2.40). */
const endAgent = Effect.fnUntraced(function*(homedir: string, socket: string): Effect.fn.Return<void> {
  yield* Effect.ignore(gpgconf(["--homedir", homedir, "--kill", "gpg-agent"]))
  for (let waited = 0; waited < PATIENCE && isSocket(socket); waited += PAUSE) yield* Effect.sleep(PAUSE)
})
