// The place where programs of the owner look for gpg-agent: who answers there, and whether that is what the set-up means. A gate
// that stands in there keeps the agent beside it.
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { command, type Finding, finding } from "./finding.ts"
import type { Answerer } from "./look/answerer.ts"
import type { AgentPlace, Scene } from "./scene.ts"

const heal = "gripgate serve --stand-in"

/** What is beside the standard place although no gate stands in there. */
const judgeAside = ({ answerer, aside, besides }: AgentPlace): ReadonlyArray<Finding> => {
  if (answerer.kind === "gate" || besides.kind === "nothing") return []
  if (answerer.kind === "agent") {
    const message = "a gate that stood in has gone and an agent has taken its place: every program goes around the gate"
    return [finding("agent.around", message, { where: aside, fix: heal })]
  }
  if (besides.kind !== "agent") return []
  const message = "a gate that stood in has gone, and its agent is where no program looks for it"
  return [finding("agent.left", message, { where: aside, fix: "gripgate stand-down" })]
}

const judgeAnswerer = (answerer: Answerer, socket: string): Finding => {
  const about = { where: socket }
  const kill = (pid: number | undefined) => pid === undefined ? undefined : command("kill", String(pid))
  switch (answerer.kind) {
    case "agent": {
      const { pid, restricted, socketName, version } = answerer
      const who = `gpg-agent${version === undefined ? "" : ` ${version}`}${pid === undefined ? "" : `, pid ${pid}`}`
      if (restricted || socketName === undefined || isSamePlace(socketName, socket)) {
        return finding("agent.runs", who, about)
      }
      return finding("agent.elsewhere", `${who}, says that it listens at ${socketName}`, about)
    }
    case "gate":
      return finding(
        "agent.gate",
        `a gate stands here${answerer.app === undefined ? "" : `, for the app ${answerer.app}`}`,
        about
      )
    case "nothing":
      return finding("agent.none", "no agent runs; gpg, or the gate, starts one when it is needed", about)
    case "activated":
      return finding("agent.activated", `${answerer.by} listens here, and starts an agent when it is needed`, about)
    case "stale": {
      const fix = command("rm", "--", socket)
      return finding("agent.stale", "the socket was left by an agent that was killed; the next one replaces it", {
        ...about,
        fix
      })
    }
    case "denied":
      return finding("agent.denied", "this user may not connect to the agent", about)
    case "other":
      return finding("agent.no-socket", `expected a socket, found a ${answerer.what}: no agent can listen here`, about)
    case "silent": {
      const fix = kill(answerer.pid)
      return finding("agent.silent", "what listens here takes connections and does not greet: programs wait for it", {
        ...about,
        fix
      })
    }
    case "foreign":
      return finding("agent.foreign", "what listens here is no agent", { ...about, fix: kill(answerer.pid) })
  }
}

/** What to say of the place. */
export const judgeAgent = (place: AgentPlace): ReadonlyArray<Finding> => {
  const { answerer, socket, standard } = place
  if (Result.isFailure(socket)) {
    return [finding("agent.redirect", socket.failure, { where: standard, fix: command("rm", "--", standard) })]
  }
  return [judgeAnswerer(answerer, socket.success), ...judgeAside(place)]
}

export const agent = ({ agent }: Scene): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.succeed(
    Result.isFailure(agent)
      ? [finding("agent.unknown", `it cannot be told where the agent is: ${agent.failure}`, { where: "gpgconf" })]
      : judgeAgent(agent.success)
  )
