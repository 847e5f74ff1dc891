// A gate inside the test's own process, put together as `gripgate serve` does it, with folders of its own and limits that a
// test can wait for. What it says in its log is kept.
import { type Gate, startGate } from "@gripgate/proxy/gate"
import type { Bounds, Issued, Wish } from "@gripgate/proxy/grant/issue"
import { defaultLimits, type Limits } from "@gripgate/proxy/limits"
import type { DoorKind } from "@gripgate/proxy/listen/far/door"
import { LogService, makeLog, type Priority } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"

export interface TestGateOptions {
  /** The agent's socket; nothing is started where nobody listens there. */
  readonly agent: string
  /** GnuPG's home directory with the owner's keyring; without one nothing is known of keys but what the agent says. */
  readonly homedir?: string
  /** One word for `--default`, or the text of a policy file; `allow` where it is left out. */
  readonly policy?: string
  /** Lines of `[approve]`; where they are left out nobody can be asked, and a question is refused at once. */
  readonly approve?: ReadonlyArray<string>
  /** Apps that have a socket of their own. */
  readonly apps?: ReadonlyArray<string>
  readonly limits?: Partial<Limits>
  /** A state directory that is there before and stays; one of its own where it is left out. */
  readonly state?: string
  /** The environment in which the gate would have been started; nothing of this process's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Up to which priority the log is kept; 6 (info) where it is left out. */
  readonly logLevel?: Priority
}

export interface TestGate extends AsyncDisposable {
  readonly socket: string
  /** The control socket. */
  readonly control: string
  /** The socket of one of `apps`. */
  socketOf(app: string): string
  /** The socket of a transport. */
  doorOf(kind: DoorKind): string
  /** The lines of the log so far. */
  log(): ReadonlyArray<string>
  /** A client that has read its greeting, of nobody in particular or of an app. */
  client(app?: string): Promise<RawClient>
  /** Rewrites the policy file and has it read, as SIGHUP does. */
  changePolicy(text: string): Promise<void>
  /** Makes a grant with a token, as the owner does; the passphrase is that of all keys. */
  grant(wish: Omit<Wish, "seal"> & Partial<Wish>, passphrase?: Buffer, bounds?: Bounds): Promise<Issued>
  /** The gate itself, for what no program can ask of it. */
  readonly inside: Gate
  /** Stops the gate and removes its folders. Closing twice does no harm. */
  close(): Promise<void>
}

/** What is built in for `--default`, as text. */
const words: ReadonlyMap<string, string> = new Map([
  ["allow", "default = \"allow\""],
  ["ask", "default = \"ask\"\n[anyone]\nkeys = [\"*\"]"]
])

/** Starts a gate; it serves when the promise is fulfilled. */
export const startTestGate = async (options: TestGateOptions): Promise<TestGate> => {
  const { agent, apps = [], env = {}, homedir, limits, logLevel = 6, policy = "allow" } = options
  const folder = await makeFolder("gt")
  const policyFile = join(folder, "policy.toml")
  // what is built in has approvers
  const verdict = policy === "forbid" ? policy : undefined
  const withApprove = (text: string): string =>
    text.trim() === ""
      ? text
      : [words.get(text) ?? text, "", "[approve]", ...options.approve ?? ["approvers = []"], ""].join("\n")
  if (verdict === undefined) await writeFile(policyFile, withApprove(policy), { mode: 0o600 })

  let text = ""
  const log = makeLog(logLevel, (bytes) => {
    text += bytes.toString("latin1")
    return bytes.length
  }, false)
  const socket = join(folder, "S.gpg-agent")
  const socketOf = (app: string) => join(folder, `${app}.sock`)
  const doorOf = (kind: DoorKind) => join(folder, kind)
  const scope = Scope.makeUnsafe()
  let closing: Promise<void> | undefined
  const close = () => closing ??= Effect.runPromise(Scope.close(scope, Exit.void)).finally(() => removeFolder(folder))
  try {
    const gate = await Effect.runPromise(
      startGate(
        {
          upstream: agent,
          ...homedir !== undefined && { homedir },
          listen: [
            { path: socket },
            ...apps.map((app) => ({ path: socketOf(app), app })),
            ...(["connect", "qubes"] as const).map((door) => ({ path: doorOf(door), door }))
          ],
          policy: verdict === undefined ? { kind: "file", file: policyFile } : { kind: "default", verdict },
          state: options.state ?? join(folder, "state"),
          control: join(folder, "control"),
          version: "0.0.0",
          verbose: logLevel === 7
        },
        { ...defaultLimits, ...limits },
        env
      ).pipe(Scope.provide(scope), Effect.provideService(LogService, log))
    )
    return {
      socket,
      control: join(folder, "control"),
      socketOf,
      doorOf,
      log: () => {
        log.flush()
        return text.split("\n").slice(0, -1)
      },
      client: async (app) => {
        const client = await connectRaw(app === undefined ? socket : socketOf(app))
        const { last } = await client.readReply()
        if (!/^OK( |$)/.test(last)) throw new Error(`expected a greeting that says OK, got ${last}`)
        return client
      },
      changePolicy: async (next) => {
        await writeFile(`${policyFile}.next`, withApprove(next), { mode: 0o600 })
        await rename(`${policyFile}.next`, policyFile)
        await Effect.runPromise(gate.reload)
      },
      grant: (wish, passphrase, bounds = {}) => {
        const { issuer } = gate
        return Effect.runPromise(Effect.gen(function*() {
          const plan = yield* issuer.plan({ seal: true, ...wish })
          const sealed = plan.keys.filter((key) => key.sealed).map(({ info }) => info.keygrip)
          const passphrases = new Map(passphrase === undefined ? [] : sealed.map((grip) => [grip, passphrase]))
          return yield* issuer.issue(plan, bounds, passphrases, { through: "test" })
        }))
      },
      inside: gate,
      close,
      [Symbol.asyncDispose]: close
    }
  } catch (error) {
    await close()
    throw error
  }
}
