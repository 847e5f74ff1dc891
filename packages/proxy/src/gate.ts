// A gate, put together: policy, authority, upstream, sessions, sockets. It is ready when every socket takes connections,
// and ends with its scope, in the opposite order.
import { numberIn } from "@gripgate/policy/client/accounts"
import { describeClient } from "@gripgate/policy/client/describe"
import { identify } from "@gripgate/policy/client/identify"
import { slowFacts } from "@gripgate/policy/client/slow-facts"
import type { Policy } from "@gripgate/policy/policy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { dirname, join, resolve } from "node:path"
import { systemAccounts } from "./accounts.ts"
import { Desk, makeDesk } from "./approve/desk.ts"
import { notification } from "./approve/notification.ts"
import { pinentryPassphrases } from "./approve/pinentry/passphrase.ts"
import { pinentryApprover } from "./approve/pinentry/pinentry.ts"
import { pinentryTurns } from "./approve/pinentry/turns.ts"
import { Authority } from "./authority/authority.ts"
import { policyAuthority } from "./authority/policy-authority.ts"
import { WrongAnswers } from "./authority/wrong-answers.ts"
import { deniedTo } from "./control/owners.ts"
import { type ControlPeer, peerReader } from "./control/peer.ts"
import { serveControl } from "./control/server.ts"
import { momentOf } from "./control/show.ts"
import { controlVerbs } from "./control/verbs.ts"
import { makeFolder } from "./folder.ts"
import { definitionOf } from "./grant/definition.ts"
import { GRANTS, GrantStore, openGrants } from "./grant/grant-store.ts"
import type { Issuer } from "./grant/issue.ts"
import { makeIssuer } from "./grant/issuer.ts"
import { Journal } from "./journal/journal.ts"
import { JOURNAL, openJournal } from "./journal/open-journal.ts"
import { makeDirectory } from "./keys/directory.ts"
import { KeyDirectory } from "./keys/key-directory.ts"
import { KnownKeys } from "./keys/known-keys.ts"
import { openChainKey } from "./ledger/chain-key.ts"
import { defaultLimits, type Limits } from "./limits.ts"
import { factsAvailable, factsOfPid, readFacts, readSlow } from "./listen/facts/read-facts.ts"
import { listenHeld } from "./listen/held-socket.ts"
import { adopt, listen, type OnConnection } from "./listen/listener.ts"
import { barrier } from "./listen/reach.ts"
import { isSamePlace } from "./listen/same-place.ts"
import { lockState } from "./lock.ts"
import { LogService } from "./log.ts"
import { AgentDialogs } from "./owner/agent-dialogs.ts"
import { placeOf, type Whereabouts } from "./owner/place.ts"
import { loadPolicy, PolicyRef, watchPolicy } from "./policy-file.ts"
import { warnOfRestart, withAccounts } from "./policy-in-force.ts"
import { makeSessions } from "./session/sessions.ts"
import type { GateSettings, ListenOn } from "./settings.ts"
import { launch, locate } from "./upstream/locate.ts"
import { makeMembers } from "./upstream/members.ts"

/** Nothing to listen on: a mistake of whoever made the settings. */
export class NothingToServe extends Data.TaggedError("NothingToServe")<{ readonly message: string }> {}

/** The agent's socket is one that the gate would listen at: it would talk to itself without end. */
export class LeadsToItself extends Data.TaggedError("LeadsToItself")<{ readonly message: string }> {}

/** A gate that serves. */
export interface Gate {
  readonly upstream: string
  readonly policy: Policy
  readonly reload: Effect.Effect<void>
  /** Where questions lie until they are answered. */
  readonly desk: Desk["Service"]
  readonly owner: Whereabouts
  readonly grants: GrantStore["Service"]
  /** Makes grants with tokens. */
  readonly issuer: Issuer
}

/** Starts a gate; it stops with the scope. `limits` are for whoever cannot wait as long as people may. */
export const startGate = Effect.fnUntraced(function*(
  settings: GateSettings,
  limits: Limits = defaultLimits,
  env: Readonly<Record<string, string | undefined>> = process.env
) {
  if (settings.listen.length === 0) {
    return yield* new NothingToServe({ message: "there is no socket to listen on" })
  }
  const log = yield* LogService
  const lacking = factsAvailable()
  if (lacking !== undefined) log.write(4, lacking)
  const accounts = systemAccounts()
  const first = yield* withAccounts(yield* loadPolicy(settings.policy), accounts)
  yield* lockState(settings.state)
  const ownAgent = yield* settings.behind ?? located(settings)
  const replaced = first.upstreams.some(({ isDefault }) => isDefault)
  const agents = [...replaced ? [] : [ownAgent.socket], ...first.upstreams.flatMap(({ socket }) => socket ?? [])]
  for (const socket of agents) {
    if (settings.listen.some(({ path }) => isSamePlace(path, socket))) {
      return yield* new LeadsToItself({ message: leadsToItself(socket) })
    }
  }
  let started = (): void => {}
  const { list: upstreams, router, running } = yield* makeMembers({
    own: replaced ? undefined : {
      socket: ownAgent.socket,
      // an agent that was not there has been asked for its keys in vain
      launch: ownAgent.launch && Effect.tap(ownAgent.launch, () => Effect.sync(() => started()))
    },
    named: first.upstreams,
    limits,
    log
  })
  const ref = { current: first, generation: 0 }
  const keys = yield* makeDirectory({
    homedir: settings.homedir ?? homedirOf(env),
    state: settings.state,
    agent: running,
    ownAgent: settings.upstream === undefined && !replaced,
    policy: ref
  })
  started = keys.changed
  yield* keys.adopt(first)

  const owner: Whereabouts = { current: placeOf(env) }
  const dialogs = new AgentDialogs()
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const chainKey = yield* Effect.provide(openChainKey(settings.state, [GRANTS, JOURNAL]), layerWebCrypto)
  const journal = yield* openJournal({ state: settings.state, key: chainKey, version: settings.version })
  const opening = openGrants({
    state: settings.state,
    key: chainKey,
    known: {
      atLeast: journal.grantsAt,
      began: journal.grantsBegan,
      found: journal.grantsFound,
      anew: Effect.suspend(() => {
        log.write(4, `there are no grants any more: ${join(settings.state, GRANTS)} begins anew`)
        return journal.grantsAnew
      })
    },
    tell: (step, about, by, at) =>
      Effect.catch(
        journal.step(step, about, by, at),
        (why) =>
          Effect.sync(() => log.write(3, `the grant ${about.id} is ${step}, and the journal does not say so: ${why}`))
      )
  })
  const grants = yield* Effect.provide(opening, layerWebCrypto)
  const turns = pinentryTurns({
    homedir: settings.homedir ?? homedirOf(env),
    owner,
    dialogs,
    program: () => ref.current.approve.pinentry,
    timeout: () => ref.current.approve.timeout
  })
  const asker = pinentryPassphrases(turns)
  const desk = yield* makeDesk({
    policy: () => ref.current.approve,
    approvers: new Map([["pinentry", pinentryApprover(turns)], ["notification", notification(owner)]])
  })
  const services = yield* Layer.build(
    policyAuthority((facts) => describeClient(facts, accounts.userName)).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.succeed(KeyDirectory, keys),
          Layer.succeed(Desk, desk),
          Layer.succeed(GrantStore, grants),
          Layer.succeed(Journal, journal)
        )
      ),
      Layer.provide(Layer.succeed(PolicyRef, ref))
    )
  )
  const authority = Context.get(services, Authority)
  const wrongAnswers = new WrongAnswers(now)
  const socketOwners = new Set(settings.listen.flatMap(({ app }) => app ?? []))
  const gateUid = process.getuid?.()
  const issuer = makeIssuer({ policy: ref, keys, tokens: grants.tokens, now, connect: router.connect(undefined) })
  const sessions = yield* makeSessions(
    {
      authority,
      keys,
      journal,
      router,
      wrongAnswers,
      present: (token, app) =>
        grants.tokens.present(token, app, app === undefined ? undefined : definitionOf(ref.current, app)),
      stale: (token, keygrip) =>
        Effect.catch(
          grants.tokens.stale(token, keygrip),
          (why) => Effect.sync(() => log.write(3, `the grant ${token.grant.id} is stale, and ${why}`))
        ),
      own: { issuer, tokens: grants.tokens, asker, log, now },
      recogniser: {
        generation: () => ref.generation,
        identify: (facts, owner) => identify(ref.current, facts, { gateUid, owner, owners: socketOwners }),
        describe: (facts) => describeClient(facts, accounts.userName),
        slowFacts: () => slowFacts(ref.current),
        readSlow
      },
      known: new KnownKeys(now),
      owner,
      dialogs,
      hasOption: new Map()
    },
    limits,
    readFacts
  )
  // before sessions end, whatever is still to be decided is decided with no
  yield* Effect.addFinalizer(() => Effect.sync(authority.close))

  const startedAt = yield* DateTime.now
  let loadedAt = startedAt
  const { reload } = yield* watchPolicy(settings.policy, (read) =>
    Effect.gen(function*() {
      const policy = yield* withAccounts(read, accounts)
      const before = ref.current
      yield* keys.adopt(policy)
      warnOfRestart(before, policy, log.write)
      loadedAt = yield* DateTime.now
      journal.policyRead(policy.file)
    }))
  // before the control socket makes these folders for the owner alone
  for (const { mode = 0, path } of settings.listen.filter(({ fd }) => fd === undefined)) {
    if ((mode & 0o077) !== 0) yield* Effect.ignore(Effect.try(() => makeFolder(dirname(resolve(path)), 0o711)))
  }
  const own = (yield* factsOfPid(process.pid, settings.control)) ?? {}
  const { controlGroup } = first.gate
  const controlNumber = controlGroup === undefined ? undefined : numberIn(controlGroup) ?? accounts.gid(controlGroup)
  const verbs = controlVerbs({
    desk,
    grants,
    issuer,
    tokens: grants.tokens,
    asker,
    keys,
    policy: ref,
    owner,
    log,
    now,
    status: () => ({
      version: settings.version,
      pid: process.pid,
      startedAt: DateTime.formatIso(startedAt),
      uptimeSeconds: Math.floor((now() - startedAt.epochMilliseconds) / 1000),
      upstream: { socket: upstreams()[0]!.where, version: upstreams()[0]!.version },
      upstreams: upstreams(),
      listen: settings.listen.map(({ app, path }) => ({ path, app: app ?? null, sessions: sessions.openOn(path) })),
      policy: {
        file: ref.current.file ?? null,
        default: ref.current.default.verdict,
        loadedAt: DateTime.formatIso(loadedAt)
      },
      sessions: {
        open: sessions.open(),
        served: sessions.served(),
        list: sessions.list(MAX_LISTED).map(({ app, connectedAt, facts }) => ({
          session: facts.session,
          app: app ?? null,
          uid: facts.uid ?? null,
          pid: facts.pid ?? null,
          program: facts.program ?? facts.exe ?? null,
          socket: facts.socket,
          connectedAt: momentOf(connectedAt)
        }))
      },
      refused: journal.refusals()
    })
  })
  const denied = (peer: ControlPeer) => deniedTo(ref.current, peer, gateUid, own)
  yield* serveControl({
    path: settings.control,
    ...controlNumber !== undefined && { mode: 0o660, group: controlNumber },
    verbs,
    facts: peerReader(settings.control, denied),
    denied
  })
  for (const { app, fd, group, held, mode = 0o600, origin, path } of inOrderOfMode(settings.listen)) {
    const accept: OnConnection = (socket) => sessions.accept(socket, app, path, origin !== undefined)
    if (fd !== undefined) {
      yield* adopt({ fd, path }, accept)
      continue
    }
    const number = group === undefined ? undefined : numberIn(group) ?? accounts.gid(group)
    const options = { path, mode, ...number !== undefined && { group: number } }
    yield* held === undefined ? listen(options, accept) : listenHeld(options, held, accept)
    const closed = barrier(path, mode, number)
    if (closed !== undefined) log.write(4, `only you can get to ${path}: the folder ${closed} lets nobody else through`)
  }
  return { upstream: upstreams()[0]!.where, policy: ref.current, reload, desk, owner, grants, issuer } satisfies Gate
})

/** The agent where GnuPG, or a flag, says that it is; one that is named is started by somebody else. */
const located = ({ homedir, upstream }: GateSettings) =>
  Effect.map(locate({ homedir, socket: upstream }), ({ mayLaunch, socket }) => ({
    socket,
    launch: mayLaunch ? launch({ homedir, socket: upstream }) : undefined
  }))

/** Sessions that a status names. */
const MAX_LISTED = 200

/** First the sockets that let others in: the folders that are made for them let others through. */
const inOrderOfMode = (sockets: ReadonlyArray<ListenOn>): ReadonlyArray<ListenOn> => {
  const open = ({ mode = 0 }: ListenOn): boolean => (mode & 0o077) !== 0
  return [...sockets.filter(open), ...sockets.filter((socket) => !open(socket))]
}

/** GnuPG's home directory where the gate was not told of one. */
const homedirOf = (env: Readonly<Record<string, string | undefined>>): string | undefined => {
  if (env["GNUPGHOME"]) return env["GNUPGHOME"]
  return env["HOME"] ? join(env["HOME"], ".gnupg") : undefined
}

const leadsToItself = (socket: string): string => `the agent's socket ${socket} leads to this gate itself`
