// gpg gives one and the same string for an old passphrase and for a new one. A token that is given there becomes nobody's passphrase:
// gpg fails, or makes a key that the token does not open.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, makeKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { startTestGate } from "../support/gate.ts"
import { appPolicy } from "../support/tokens.ts"
import { outcome } from "../support/wire.ts"

const PASSPHRASE = "a passphrase of the owner, 1"
const OWNER = "Owner <owner@example.org>"
const { armored } = fixtureKeys.protected

const policyOf = (loopback: string): string => {
  const free = ["generate", "import", "export", "passwd", "delete", "cache"].map((operation) => [operation, "allow"])
  return `default = "forbid"\n${
    appPolicy("mail", { sign: "token", decrypt: "token", loopback, ...Object.fromEntries(free) })
  }\n`
}

/** How the token is presented: what goes before gpg's arguments, what behind, and its standard input. */
const presenting: Readonly<
  Record<string, (token: string) => { env: string; args: ReadonlyArray<string>; input: string }>
> = {
  "as the passphrase": (token) => ({ env: "NONE=", args: inLoopback, input: `${token}\n` }),
  "as the passphrase, in lower case": (token) => ({
    env: "NONE=",
    args: inLoopback,
    input: `${token.toLowerCase()}\n`
  }),
  "as the passphrase, from a file with CRs": (token) => ({ env: "NONE=", args: inLoopback, input: `${token}\r\n` }),
  "as the passphrase, with what stands before it in the environment": (token) => ({
    env: "NONE=",
    args: inLoopback,
    input: `gripgate:${token}\n`
  }),
  "in the environment": (token) => ({ env: `PINENTRY_USER_DATA=gripgate:${token}`, args: [], input: "" }),
  "in the environment and as the passphrase": (token) => ({
    env: `PINENTRY_USER_DATA=gripgate:${token}`,
    args: inLoopback,
    input: `${token}\n`
  })
}
const inLoopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]

const commands: Readonly<Record<string, ReadonlyArray<string>>> = {
  "--quick-generate-key": ["--quick-generate-key", "New <new@example.org>", "ed25519", "default", "never"],
  "--passwd": ["--change-passphrase", OWNER],
  "--import of a protected key": ["--import", "key.asc"],
  "--export-secret-keys": ["--armor", "--export-secret-keys"]
}

/** The keygrips of the agent that a passphrase opens, and those that have none. */
const openedBy = async (home: Homedir, passphrase: string): Promise<ReadonlyArray<string>> => {
  await using agent = await connectRaw(await home.agentSocket())
  await agent.readReply()
  const grips = (await agent.command("KEYINFO --list")).status.map((line) => line.split(" ")[1]!)
  await agent.command("OPTION pinentry-mode=loopback")
  const opened: Array<string> = []
  for (const grip of grips) {
    const asked = outcome(await agent.command(`PASSWD --verify ${grip}`))
    if (asked === "OK") opened.push(`${grip} without a passphrase`)
    else if (outcome(await agent.answer(Buffer.from(passphrase))) === "OK") opened.push(grip)
  }
  return opened
}

/** What the token may be written as. */
const spellings = (token: string): ReadonlyArray<string> => [
  token,
  token.toLowerCase(),
  `${token}\r`,
  `gripgate:${token}`
]

describe("a token becomes nobody's passphrase", () => {
  for (const loopback of ["allow", "token"]) {
    for (const [how, present] of Object.entries(presenting)) {
      for (const [name, args] of Object.entries(commands)) {
        it(`loopback = "${loopback}", the token ${how}: ${name}`, async () => {
          for (const program of ["gpg", "gpg-agent"] as const) needs(program)
          await using home = await makeHomedir({
            agentConf: ["disable-scdaemon"],
            pinentry: { answers: [], default: { pin: PASSPHRASE } }
          })
          const key = await makeKey(home, { userId: OWNER, passphrase: Buffer.from(PASSPHRASE), algo: "ed25519" })
          await home.launchAgent()
          const agent = await home.agentSocket()
          const policy = policyOf(loopback)
          await using gate = await startTestGate({ agent, homedir: home.path, policy, apps: ["mail"] })
          const issued = await gate.grant({ app: "mail", keys: [key.fingerprint] }, Buffer.from(PASSPHRASE))
          const token = issued.token.toString("latin1")
          await using client = await makeClientHome({ owner: home, socket: gate.socketOf("mail") })
          await writeFile(join(client.path, "key.asc"), armored)
          const { args: mode, env, input } = present(token)
          const ran = await client.run(["env", env, "gpg", "--batch", ...mode, ...args], { input, cwd: client.path })

          for (const spelling of spellings(token)) {
            assert.deepStrictEqual(await openedBy(home, spelling), [], ran.stderr)
          }
          assert.include(await openedBy(home, PASSPHRASE), key.keygrips.primary, "the owner's still opens")
          if (ran.stdout.length === 0) return
          // what was exported is no key that the token opens
          await using elsewhere = await makeHomedir({ agentConf: ["disable-scdaemon"] })
          await writeFile(join(elsewhere.path, "exported.asc"), ran.stdout)
          for (const spelling of spellings(token)) {
            const taken = ["gpg", "--batch", ...inLoopback, "--import", join(elsewhere.path, "exported.asc")]
            await elsewhere.run(taken, { input: `${spelling}\n` })
            assert.deepStrictEqual(await openedBy(elsewhere, spelling), [])
          }
        })
      }
    }
  }
})
