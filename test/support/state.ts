// A state directory for one gate after the other, and an agent with locked keys: files of it are copied, put back and rewritten.
import { headPath, makeHead, openHead } from "@gripgate/proxy/ledger/head"
import { genesis, writeLine } from "@gripgate/proxy/ledger/record"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import * as Effect from "effect/Effect"
import { createSecretKey } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { startTestGate, type TestGate } from "./gate.ts"
import { startProtectedAgent } from "./protected-agent.ts"
import { allKeys, PASSPHRASE, primary, twoApps } from "./refused-tokens.ts"
import { environmentOption, sign } from "./tokens.ts"

export const GRANTS = ["grants.jsonl", "grants.jsonl.head"]
export const JOURNAL = ["journal.jsonl", "journal.jsonl.head"]

/** A record of the ledger of grants, to be changed. */
export interface GrantFields {
  readonly op: string
  readonly id: string
  app: string
  definition: string
  keys: Array<string>
  operations: Array<string>
  expiresAt: string | null
  maxUses: number | null
  token: { salt: string; verifier: string; seals: Record<string, { nonce: string; box: string }> }
}

/** An agent, and a state directory for one gate after the other. */
export class World implements AsyncDisposable {
  readonly agent: FakeAgent
  readonly state: string

  constructor(agent: FakeAgent, state: string) {
    this.agent = agent
    this.state = state
  }

  at(name: string): string {
    return join(this.state, name)
  }

  start(): Promise<TestGate> {
    return startTestGate({ agent: this.agent.socket, policy: twoApps, apps: ["mail", "other"], state: this.state })
  }

  /** Runs a gate for a while. */
  async run<A>(use: (gate: TestGate) => Promise<A>): Promise<A> {
    await using gate = await this.start()
    return await use(gate)
  }

  /** Why a gate does not start, and what is to be done. */
  async refusal(): Promise<{ readonly message: string; readonly hint?: string }> {
    const started = await this.start().then((gate) => gate, (error) => error as { readonly message: string })
    if ("message" in started) return started
    await started.close()
    throw new Error("expected that the gate does not start, and it did")
  }

  copy(names: ReadonlyArray<string> = fs.readdirSync(this.state)): ReadonlyMap<string, Buffer> {
    return new Map(names.map((name) => [name, fs.readFileSync(this.at(name))]))
  }

  putBack(copy: ReadonlyMap<string, Buffer>, names: ReadonlyArray<string> = [...copy.keys()]): void {
    for (const name of names) fs.writeFileSync(this.at(name), copy.get(name)!)
  }

  /** Writes the grants anew, with the real key: what only the gate's own user can do. */
  async rewriteGrants(change: (records: ReadonlyArray<GrantFields>) => void): Promise<void> {
    const key = createSecretKey(fs.readFileSync(this.at("chain.key")))
    const [name] = GRANTS as [string]
    const file = this.at(name)
    const records = fs.readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line))
    change(records)
    let position = genesis(key, name)
    const lines = records.map(({ at, mac: _mac, n: _n, v: _v, ...fields }) => {
      const next = writeLine(key, position, Date.parse(at), JSON.stringify(fields).slice(1, -1))
      ;({ position } = next)
      return next.line
    })
    fs.writeFileSync(file, Buffer.concat(lines))
    fs.rmSync(headPath(file))
    await makeHead(key, name, file)
    const head = (await openHead(key, name, file))!
    await head.write(position)
    await head.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return removeFolder(this.state).finally(() => this.agent.close())
  }
}

export const newWorld = async (): Promise<World> =>
  new World(await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE }), await makeFolder("gp"))

/** Signs with a token: `OK`, or the number of the refusal. */
export const use = async (gate: TestGate, token: Buffer): Promise<string> => {
  await using client = await gate.client("mail")
  await client.command(environmentOption(token))
  return await sign(client, primary)
}

export const revoke = (gate: TestGate, id: string): Promise<void> =>
  Effect.runPromise(gate.inside.grants.tokens.revoke([gate.inside.grants.tokens.get(id)!], { through: "test" }))
