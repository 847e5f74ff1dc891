// The scenes of the demo. Each does one thing with stock gpg (the last one with bytes that gpg would never send), looks at
// what came of it, and says whether that is what the policy says.
import type { Gate } from "@gripgate/testkit/gate-process"
import type { Homedir } from "@gripgate/testkit/homedir"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Shown } from "./stage.ts"

export const key = fixtureKeys.protected

export const policy = `default = "allow"

[operations]
loopback = "forbid"
export = "forbid"
`

/** What the scenes play with. */
export interface Stage {
  /** The owner's homedir: the key, the agent, a pinentry that knows the passphrase. */
  readonly owner: Homedir
  /** The client's: public keys, and the way to the gate. */
  readonly client: Homedir
  readonly gate: Gate
  readonly print: (shown: Shown) => void
}

export interface Scene {
  readonly title: string
  readonly about: string
  /** The line that the gate must log. */
  readonly log: RegExp
  /** Plays it; what is wrong, or what was as it should be. */
  readonly play: (stage: Stage) => Promise<Outcome>
}

export interface Outcome {
  readonly ok: boolean
  readonly text: string
}

const outcome = (wrong: ReadonlyArray<string | false>, right: string): Outcome => {
  const found = wrong.filter((text) => text !== false)
  return found.length === 0 ? { ok: true, text: right } : { ok: false, text: found.join("; ") }
}

/** Runs gpg as the client, shows the command and what it printed. */
const gpg = async ({ client, print }: Stage, args: ReadonlyArray<string>, input?: string) => {
  const fed = input === undefined ? "" : `echo ${input} | `
  print({ kind: "command", text: `${fed}gpg ${args.join(" ")}` })
  const result = await client.run(["gpg", ...args], {
    cwd: client.path,
    timeoutMs: 15_000,
    ...input !== undefined && { input: `${input}\n` }
  })
  const text = [result.stdout.toString(), result.stderr].join("").trimEnd()
  if (text !== "") print({ kind: "output", text })
  return { ...result, text }
}

const code = (got: number | null, expected: number): string | false =>
  got !== expected && `gpg ended with exit code ${got}, not ${expected}`

const signature: Scene = {
  title: "A signature: allowed",
  about: "The key is the owner's, the passphrase is asked for by the owner's pinentry, and the client sees neither.",
  log: /: allowed sign .* by PKSIGN/,
  play: async (stage) => {
    await writeFile(join(stage.client.path, "letter.txt"), "I hereby resign.\n")
    const signed = await gpg(stage, ["--output", "signed.txt", "--clearsign", "letter.txt"])
    const verified = await gpg(stage, ["--verify", "signed.txt"])
    const asked = await stage.owner.pinentry.questions()
    return outcome([
      code(signed.code, 0),
      code(verified.code, 0),
      !verified.text.includes("Good signature") && "there is no good signature",
      asked === 0 && "nobody was asked for the passphrase"
    ], "the signature is good, and the pinentry asked for the passphrase")
  }
}

const decryption: Scene = {
  title: "A decryption: allowed",
  about: "",
  log: /: allowed decrypt .* by PKDECRYPT/,
  play: async (stage) => {
    const recipient = ["--batch", "--yes", "--recipient", key.fingerprint, "--output", "letter.gpg", "--encrypt"]
    await stage.client.gpg(recipient, { cwd: stage.client.path, input: "The treasure lies below the old oak.\n" })
    const { code: got, text } = await gpg(stage, ["--decrypt", "letter.gpg"])
    return outcome([code(got, 0), !text.includes("old oak") && "the text did not come out"], "the text came out")
  }
}

const loopback: Scene = {
  title: "The passphrase sent in band (loopback): forbidden",
  about: "Whoever may do this can try out passphrases, and has to know one. [operations] loopback = \"forbid\"",
  log: /: refused loopback/,
  play: async (stage) => {
    const args = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--clearsign", "letter.txt"]
    const { code: got, text } = await gpg(stage, args, key.passphrase)
    return outcome([
      code(got, 2),
      !text.includes("Forbidden") && "gpg does not say that it is forbidden",
      existsSync(join(stage.client.path, "letter.txt.asc")) && "there is a signature"
    ], "gpg says that it is forbidden, exit code 2, and nothing was signed")
  }
}

const secretKey: Scene = {
  title: "An export of the secret key: forbidden",
  about: "",
  log: /: refused export/,
  play: async (stage) => {
    const { code: got, text } = await gpg(stage, ["--batch", "--armor", "--export-secret-keys", "bob@example.org"])
    return outcome([
      code(got, 2),
      !text.includes("Forbidden") && "gpg does not say that it is forbidden",
      text.includes("PRIVATE KEY BLOCK") && "the secret key came out"
    ], "gpg says that it is forbidden, exit code 2, and no key came out")
  }
}

const hangingLine: Scene = {
  title: "The three bytes that hang an agent: stopped",
  about: "The line \"D %\" as the answer to a question sends every gpg-agent of today into an endless loop (libassuan "
    + "assuan-inquire.c): it serves nobody any more and can only be killed. The gate decodes what it passes on, and writes "
    + "it anew.",
  log: /: closed a session/,
  play: async ({ gate, owner, print }) => {
    const before = await owner.agentPid()
    await using attacker = await connectRaw(gate.socket)
    const show = (sign: string, lines: ReadonlyArray<Buffer | string>) =>
      print({ kind: "output", text: lines.map((line) => `${sign} ${line.toString()}`).join("\n") })
    show("<", (await attacker.readReply()).lines)
    for (const line of [`SETKEY ${key.keygrips.encryption}`, "PKDECRYPT"]) {
      show(">", [line])
      show("<", (await attacker.command(line)).lines)
    }
    show(">", ["D %"])
    const refusal = await attacker.command("D %", 3_000).catch(() => undefined)
    if (refusal === undefined) return { ok: false, text: "the line was not refused" }
    show("<", refusal.lines)
    const closed = await Promise.race([attacker.closed.then(() => true), sleep(2_000, false)])
    if (closed) show("<", ["(the gate has closed the connection)"])
    await using second = await connectRaw(gate.socket)
    await second.readReply()
    const answer = await second.command("GETINFO pid", 3_000).then(
      ({ data }) => Number(data.toString()),
      () => undefined
    )
    return outcome([
      !refusal.last.startsWith("ERR ") && "the line was not refused",
      !closed && "the connection was not closed",
      (before === undefined || answer !== before) && "the agent does not answer any more"
    ], `the agent (pid ${before}) never saw the line and answers the next client`)
  }
}

export const scenes: ReadonlyArray<Scene> = [signature, decryption, loopback, secretKey, hangingLine]
