// The answer of `gripgate check` for people: who, what, and every entry with the reason why it holds or does not.
import { describeIdentity } from "@gripgate/policy/client/describe"
import { harmless } from "@gripgate/policy/harmless"
import { formatPlace, headerOf } from "@gripgate/policy/policy"
import { sees } from "@gripgate/policy/visible"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { verdictCode } from "../../exit-code.ts"
import { wrap } from "../../help.ts"
import { bold } from "../../output.ts"
import type { ResolvedPolicy } from "../policy-world.ts"
import type { Who } from "./ask.ts"
import type { Answer, Part } from "./check.ts"

/** `chosen`: whether somebody chose the policy, or there is none. */
export const asText = (resolved: ResolvedPolicy, answer: Answer, chosen: boolean): string => {
  const { asked, barred, parts, verdict } = answer
  const name = asked.who.app ?? (asked.who.nobody === undefined ? "anyone" : "nobody")
  const many = parts.length > 1
  const lines = [bold(`${name}, ${asked.operation}${keysText(resolved, asked.keys)}: ${verdict}`)]
  if (asked.who.process !== undefined) lines.push(...processText(asked.who.process))
  for (const part of parts) lines.push(...partText(resolved, part, many))
  if (barred !== undefined) lines.push("", barred)
  lines.push("", `exit code ${verdictCode[verdict]}`)
  return [...lines, ...notesOn(resolved, answer, chosen).map((note) => `\n${wrap(`note: ${note}`, "")}`)].join("\n")
}

const keysText = (resolved: ResolvedPolicy, keys: ReadonlyArray<Keygrip> | undefined): string =>
  keys === undefined ? "" : keys.length === 1 ? ` with key ${keyText(resolved, keys[0]!)}` : ` with ${keys.length} keys`

const keyText = ({ keys }: ResolvedPolicy, keygrip: Keygrip): string => {
  const known = keys(keygrip)
  return known === undefined
    ? keygrip
    : `${keygrip} (${known.keyId}${known.userId === undefined ? "" : `, ${harmless(known.userId)}`})`
}

const partText = (resolved: ResolvedPolicy, { decision, keygrip, operation }: Part, many: boolean): Array<string> => {
  const lines = [""]
  if (many) {
    const key = keygrip === undefined ? "" : ` with key ${keyText(resolved, keygrip)}`
    lines.push(`${operation}${key}: ${decision.verdict}`)
  }
  for (const { entry, holds, why } of decision.considered) {
    const place = entry.place === undefined ? "" : `  (${formatPlace(entry.place)})`
    lines.push(`${holds ? "*" : " "} ${entry.text}${place}`)
    lines.push(wrap(`${holds ? "holds: " : ""}${why}`, "      "))
  }
  return lines
}

const processText = ({ candidates, facts, identity, words }: NonNullable<Who["process"]>): Array<string> => {
  const chain = facts.chain.map(({ exe, pid }) => `${harmless(exe ?? "?")} (${pid})`).join(" <- ")
  const what = facts.via === undefined ? `process ${facts.pid}` : "client"
  const lines = ["", wrap(`${what}: ${harmless(words)}`, "")]
  if (chain !== "") lines.push(wrap(chain, "    "))
  if (facts.cgroup !== undefined) lines.push(wrap(`cgroup ${harmless(facts.cgroup)}`, "    "))
  lines.push(`recognised ${describeIdentity(identity)}`)
  for (const { app, holds, why } of candidates) lines.push(wrap(`${holds ? "*" : " "} ${headerOf(app)}: ${why}`, "  "))
  return lines
}

const notesOn = ({ policy }: ResolvedPolicy, { asked, verdict }: Answer, chosen: boolean): ReadonlyArray<string> => {
  const notes: Array<string> = []
  if (!chosen) notes.push("there is no policy file, so this is the built-in policy, which allows everything")
  const { app } = asked.who
  const seen = sees(policy, app)
  if (asked.keys === undefined && seen !== "all" && asked.who.nobody === undefined) {
    const whose = headerOf(app)
    if (seen === "none") notes.push(`${whose} sees no key: gpg says "No secret key" to every use of one`)
    else {
      const keys = seen.size === 1 ? "one key only" : `${seen.size} keys only`
      notes.push(`${whose} sees ${keys}: with any other, gpg says "No secret key"`)
    }
  }
  if (verdict === "token" && app === undefined) notes.push("whoever is no app can have no token, so it is refused")
  return notes
}
