// Whether whoever runs this could go around the gate: each way is tried, as far as that changes nothing. From inside `gripgate run`
// or as a client's own user all of them are closed; to the owner himself they never are.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { dirname, join } from "node:path"
import { command, type Finding, finding } from "./finding.ts"
import type { FindingId } from "./ids.ts"
import { type Answerer, takesConnections, whoAnswers } from "./look/answerer.ts"
import { canRead, canWrite, look, namesIn } from "./look/files.ts"
import { type Scene, upstreamOf, usablePolicy } from "./scene.ts"

/** One way around, and whether it is open. */
export interface Way {
  readonly id: Extract<FindingId, `bypass.${string}`>
  /** What somebody could do: `read the private keys`. */
  readonly what: string
  readonly where: string
  readonly open: boolean
}

/** What to say of them; `app` is one that could be run in a sandbox. */
export const judgeWays = (ways: ReadonlyArray<Way>, app: string | undefined): ReadonlyArray<Finding> => {
  const found = ways.map(({ id, open, what, where }) =>
    open
      ? finding(id, `whoever runs this can ${what}, whatever the gate says`, { where })
      : finding("bypass.closed", `whoever runs this cannot ${what}`, { where })
  )
  if (!ways.some(({ open }) => open)) return found
  const message = "to a program of this user these ways stay open; a sandbox (gripgate run) or another user closes them"
  const fix = app === undefined ? undefined : command("gripgate", "run", app, "--", "bash")
  return [...found, finding("bypass.ways", message, { fix })]
}

/** One that hangs has let us in all the same. */
const isAgent = ({ kind }: Answerer): boolean => kind === "agent" || kind === "activated" || kind === "silent"

/** Another socket of the agent's; one that a gate serves is none. */
const socketWay = (id: Way["id"], what: string, where: string): Effect.Effect<ReadonlyArray<Way>> =>
  where === ""
    ? Effect.succeed([])
    : Effect.map(whoAnswers(where), (answerer) => [{ id, what, where, open: isAgent(answerer) }])

const sshWay = (where: string): Effect.Effect<ReadonlyArray<Way>> =>
  where === "" ? Effect.succeed([]) : Effect.map(
    takesConnections(where),
    (open) => [{ id: "bypass.ssh", what: "reach the agent as an ssh-agent", where, open }]
  )

/** The private keys of GnuPG 2.1 and later, and of 1.4 and 2.0. */
const keyWays = (homedir: string): ReadonlyArray<Way> => {
  const folder = join(homedir, "private-keys-v1.d")
  const files = (namesIn(folder) ?? []).filter((name) => name.endsWith(".key")).map((name) => join(folder, name))
  const what = "read the private keys"
  const id = "bypass.keys"
  return [
    { id, what, where: folder, open: files.some(canRead) },
    ...canRead(join(homedir, "secring.gpg"))
      ? [{ id, what, where: join(homedir, "secring.gpg"), open: true } as const]
      : []
  ]
}

export const bypass = Effect.fnUntraced(function*(scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { control, order, owner, policy, status } = scene
  const upstream = upstreamOf(scene) ?? ""
  // in a sandbox gpgconf names another place than outside: whether that one is hidden too is to be seen
  const outside = order.app === undefined || order.uid === undefined ? "" : `/run/user/${order.uid}/gnupg/S.gpg-agent`
  const sockets = Result.isFailure(owner) ? [] : yield* Effect.all([
    socketWay("bypass.agent", "reach the agent itself", upstream),
    socketWay(
      "bypass.agent",
      "reach the agent at its place in the runtime directory",
      outside === upstream ? "" : outside
    ),
    socketWay("bypass.extra", "reach the agent's socket for other machines", owner.success.extra),
    socketWay("bypass.browser", "reach the agent's socket for browsers", owner.success.browser),
    sshWay(owner.success.ssh)
  ], { concurrency: "unbounded" })
  const file = policy?.file ?? order.paths.policyFile
  const chainKey = join(order.paths.stateDir, "chain.key")
  const files: ReadonlyArray<Way> = [
    ...Result.isFailure(owner) ? [] : keyWays(owner.success.homedir),
    ...policy === undefined
      ? []
      : [
        {
          id: "bypass.policy",
          what: "change the policy",
          where: file,
          open: look(file) !== undefined && (canWrite(file) || canWrite(dirname(file)))
        } as const
      ],
    {
      id: "bypass.state",
      what: "read the grants and the key of their chain",
      where: chainKey,
      open: canRead(chainKey)
    },
    {
      id: "bypass.control",
      what: "answer questions and give grants",
      where: control,
      open: Result.isSuccess(status)
    }
  ]
  const own = [...usablePolicy(scene)?.apps.values() ?? []].find(({ socket }) => socket !== undefined)?.name
  return judgeWays([...sockets.flat(), ...files], order.app ?? own)
})
