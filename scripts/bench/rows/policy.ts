// What the gate does by itself, in this very process and without a contender: a decision in a policy of 10,000 entries, and
// what is read of a client when it connects.
import { decide } from "@gripgate/policy/decide"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { factsAvailable, readFacts } from "@gripgate/proxy/listen/facts/read-facts"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { type Effort, type Measured, roundsOf, type Row } from "../row.ts"

const APPS = 10_000
const DECISIONS = 100_000
const CONNECTIONS = 200

const grips = Array.from({ length: APPS }, (_, i) => parseKeygrip(i.toString(16).padStart(40, "0"))!)

const policyText = (): string =>
  [
    "default = \"forbid\"",
    ...grips.map((grip, i) => `[apps.a${i}]\nsocket = "a${i}"\nkeys = ["grip:${grip}"]\nsign = "allow"`)
  ].join("\n")

const nanoseconds = (since: bigint): number => Number(process.hrtime.bigint() - since)

const decisions = async (_: unknown, effort: Effort): Promise<Measured> => {
  const read = parsePolicy(policyText(), "p.toml")
  if (Result.isFailure(read)) throw new Error("expected a good policy")
  const policy = read.success
  const questions = grips.map((keygrip, i) => ({ app: `a${i}`, operation: "sign" as const, keygrip }))
  const samples: Array<number> = []
  for (let round = 0; round < roundsOf(effort, 10); round++) {
    const since = process.hrtime.bigint()
    for (let i = 0; i < DECISIONS; i++) {
      // not one app after the other: each look-up is to be a cold one
      const { verdict } = decide(policy, questions[i * 7919 % APPS]!)
      if (verdict !== "allow") throw new Error("expected allow")
    }
    samples.push(nanoseconds(since) / DECISIONS / 1000)
  }
  return { samples: new Map([["gate", samples]]) }
}

/** A client that connects again and again, three processes below the leader of its session. */
const CLIENT = `const net = require("node:net"); const go = (n) => {
  if (n > 0) net.connect(process.argv[1]).on("close", () => go(n - 1)).on("data", () => {}) }; go(Number(process.argv[2]))`

const facts = async (_: unknown, effort: Effort): Promise<Measured> => {
  const lacking = factsAvailable()
  const folder = mkdtempSync(join(tmpdir(), "gb-"))
  const path = join(folder, "s")
  const samples: Array<number> = []
  let depth = 0
  const server = net.createServer((socket) => {
    const since = process.hrtime.bigint()
    const known = readFacts(socket, path)
    samples.push(nanoseconds(since) / 1000)
    depth = known.chain.length
    socket.end()
  })
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const count = String(roundsOf(effort, CONNECTIONS))
    const node = [process.execPath, "-e", CLIENT, path, count].map((word) => `'${word}'`).join(" ")
    const child = spawn("setsid", ["-w", "bash", "-c", `bash -c '${node.replaceAll("'", "'\\''")}; true'; true`], {
      stdio: ["ignore", "ignore", "inherit"]
    })
    await once(child, "exit")
  } finally {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const notes = [
    `a client with ${depth} processes up to the leader of its session`,
    ...lacking === undefined ? [] : [lacking]
  ]
  return { samples: new Map([["gate", samples.slice(20)]]), notes }
}

export const policyRows: ReadonlyArray<Row> = [
  {
    id: "decide",
    title: `a decision, in a policy of ${APPS} apps with a key and an entry each`,
    unit: "us",
    goals: [{ text: "<= 2 us" }],
    measure: decisions
  },
  {
    id: "facts",
    title: "what is read of a client when it connects",
    unit: "us",
    goals: [{ text: "<= 150 us" }],
    measure: facts
  }
]
