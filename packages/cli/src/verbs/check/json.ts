// The answer of `gripgate check --json`.
import type { ResolvedPolicy } from "../policy-world.ts"
import type { Answer } from "./check.ts"

export const asJson = ({ keys, policy }: ResolvedPolicy, { asked, barred, parts, verdict }: Answer): string =>
  JSON.stringify(
    {
      v: 1,
      policy: policy.file ?? null,
      app: asked.who.nobody === undefined ? asked.who.app ?? "anyone" : null,
      nobody: asked.who.nobody === undefined
        ? null
        : { why: asked.who.nobody.why, apps: asked.who.nobody.apps },
      operation: asked.operation,
      keygrips: asked.keys ?? null,
      verdict,
      barred: barred ?? null,
      process: asked.who.process === undefined ? null : {
        facts: asked.who.process.facts,
        rank: asked.who.process.identity.kind === "app" ? asked.who.process.identity.rank : null,
        candidates: asked.who.process.candidates
      },
      decisions: parts.map(({ decision, keygrip, operation }) => ({
        operation,
        keygrip: keygrip ?? null,
        keyId: keygrip === undefined ? null : keys(keygrip)?.keyId ?? null,
        verdict: decision.verdict,
        considered: decision.considered.map(({ entry, holds, operation, where, why }) => ({
          entry: entry.text,
          verdict: entry.verdict,
          place: entry.place ?? null,
          where,
          operation,
          holds,
          why
        }))
      }))
    },
    undefined,
    2
  )
