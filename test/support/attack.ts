// Runs attempts of a raw client through a gate two times: in front of a real agent, which has to be alive and to answer a
// second client afterwards, and in front of a fake one, which must not have been sent a byte that the client spelled.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { startBusyAgent } from "./agent.ts"
import { assertCanonical } from "./canonical.ts"
import { startTestGate, type TestGate, type TestGateOptions } from "./gate.ts"

/** The keygrips of the ready-made keys, which both agents have. */
export const grips = {
  plain: fixtureKeys.plain.keygrips,
  protected: fixtureKeys.protected.keygrips,
  rsa: fixtureKeys.rsa.keygrips
} as const

/** Where an attempt is made. */
export interface Target {
  readonly gate: TestGate
  /** A client of the gate that has read its greeting. */
  client(app?: string): Promise<RawClient>
  /** The fake agent, where it is that one. */
  readonly fake: FakeAgent | undefined
  /** The real agent's homedir, where it is that one. */
  readonly home: Homedir | undefined
  /** A client of the real agent itself, to show that the attempt would have worked. */
  direct(): Promise<RawClient>
}

export interface Attack extends Omit<TestGateOptions, "agent"> {
  /** The hazard in its own words. */
  readonly item: string
  readonly attempt: (target: Target) => Promise<void>
}

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}

const pidOf = async (client: RawClient): Promise<number> => {
  try {
    return Number((await client.command("GETINFO pid")).data)
  } finally {
    await client.close()
  }
}

const withGate = async (
  attack: Attack,
  agent: string,
  more: Pick<Target, "fake" | "home">
): Promise<void> => {
  await using gate = await startTestGate({ logLevel: 7, ...attack, agent })
  const clients: Array<RawClient> = []
  const keep = async (opened: Promise<RawClient>) => {
    const client = await opened
    clients.push(client)
    return client
  }
  try {
    await attack.attempt({
      ...more,
      gate,
      client: (app) => keep(gate.client(app)),
      direct: () => keep(greeted(agent))
    })
  } finally {
    for (const client of clients) await client.close()
  }
  if (more.fake !== undefined) assertCanonical(more.fake)
  else {
    const pid = await pidOf(await greeted(agent))
    assert.isAbove(pid, 0, "the agent answers a second client")
    assert.strictEqual(await pidOf(await gate.client()), pid, "and so does the gate, with the same agent")
  }
}

/** One test for each attempt on each of the two agents. Policies must leave `list` to whoever is no app. */
export const describeAttacks = (title: string, attacks: ReadonlyArray<Attack>): void => {
  describe(`${title}: a real agent is alive afterwards and answers a second client`, () => {
    let home: Homedir
    let pid: number
    beforeAll(async () => {
      for (const program of ["gpg", "gpg-agent"] as const) needs(program)
      home = await makeHomedir({
        agentConf: ["allow-preset-passphrase"],
        pinentry: { answers: [], default: { pin: fixtureKeys.protected.passphrase } }
      })
      for (const name of ["plain", "protected", "rsa"] as const) await importKey(home, name)
      pid = await home.launchAgent()
    })
    afterAll(() => home.close())
    for (const attack of attacks) {
      it(attack.item, async () => {
        await withGate(attack, await home.agentSocket(), { home, fake: undefined })
        assert.strictEqual(await home.agentPid(), pid, "it is the agent that it was")
      })
    }
  })

  describe(`${title}: a fake agent is sent nothing but canonical lines`, () => {
    for (const attack of attacks) {
      it(attack.item, async () => {
        await using fake = await startBusyAgent({
          keys: Object.values(grips).flatMap(({ encryption, primary }) => [primary, encryption])
        })
        await withGate(attack, fake.socket, { home: undefined, fake })
      })
    }
  })
}
