// Options of gpg-agent that change what the gate can do, or what goes around it. They are read from its files, as it reads them.
import type { Entries, Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { join } from "node:path"
import { type Finding, finding } from "./finding.ts"
import { optionsIn, readText } from "./look/files.ts"
import { type Scene, usablePolicy } from "./scene.ts"

/** Whether some entry wants a token: its seal is given to the agent in loopback mode. */
export const wantsTokens = (policy: Policy): boolean => {
  const wants = (entries: Entries) => [...entries.values()].some(({ verdict }) => verdict === "token")
  return [...policy.apps.values()].some((app) =>
    wants(app.operations) || app.with.some((each) => wants(each.operations))
  )
    || wants(policy.operations)
}

/** What to say of the options in a file; `tokens` is whether the policy wants some. */
export const judgeOptions = (options: ReadonlyArray<string>, file: string, tokens: boolean): ReadonlyArray<Finding> => {
  const has = (name: string) => options.some((option) => option === name || option.startsWith(`${name} `))
  const found: Array<Finding> = []
  if (has("no-allow-loopback-pinentry")) {
    const message = "the agent takes no passphrase in band (no-allow-loopback-pinentry)"
    found.push(
      tokens
        ? finding("options.no-loopback-tokens", `${message}, so no grant with a sealed passphrase can be used`, {
          where: file
        })
        : finding("options.no-loopback", message, { where: file })
    )
  }
  if (has("allow-preset-passphrase")) {
    const message =
      "passphrases can be put into the agent's cache (allow-preset-passphrase): every program then uses those keys"
    found.push(finding("options.preset", message, { where: file }))
  }
  if (has("enable-ssh-support")) {
    const message = "the agent is an ssh-agent too (enable-ssh-support): what comes that way passes no gate"
    found.push(finding("options.ssh", message, { where: file }))
  }
  return found
}

export const options = (scene: Scene): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.sync(() => {
    if (Result.isFailure(scene.owner)) return []
    const file = join(scene.owner.success.homedir, "gpg-agent.conf")
    const read = readText(file)
    if ("problem" in read && read.problem === "unreadable") {
      return [finding("options.unreadable", "the agent's options cannot be read", { where: file })]
    }
    const policy = usablePolicy(scene)
    const lines = "problem" in read ? [] : optionsIn(read.text)
    const found = judgeOptions(lines, file, policy !== undefined && wantsTokens(policy))
    return found.length > 0
      ? found
      : [finding("options.fine", "nothing in the agent's options is in the way", { where: file })]
  })
