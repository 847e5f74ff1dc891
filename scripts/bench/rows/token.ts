// Whole gpg processes whose app presents a token: a grant with a number of uses, so that each is counted on disk, beside the
// journal, before the signature is released. The other contenders sign without one: what a token costs is to be seen.
import { makeClientHome } from "@gripgate/testkit/client-home"
import { importKey } from "@gripgate/testkit/keys"
import { runOk } from "@gripgate/testkit/run"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { startDaemon } from "../daemon.ts"
import { timeProgram } from "../libc.ts"
import { type Effort, interleave, type Measured, roundsOf, type Row } from "../row.ts"
import { type Contender, gateProgram, type Stage } from "../stage.ts"
import { environmentOf } from "./gpg.ts"

const TIMEOUT = 30_000
const USES = 1_000_000
/** As many as every contender has served before the first row. */
const WARM_UP = 400

/** A gate of its own, with an app that owns a socket; its client's environment has the token. */
const withToken = async (stage: Stage, gate: Contender, key: string, passphrase: string) => {
  const { owner } = stage
  const folder = join(owner.path, `token-${key.slice(-8)}`)
  await mkdir(folder, { mode: 0o700 })
  const [policy, socket, control, state] = ["policy.toml", "app", "control", "state"].map((name) => join(folder, name))
  const verdicts = ["sign", "decrypt", "loopback"].map((operation) => `${operation} = "token"`)
  const lines = ["default = \"forbid\"", "[apps.app]", `socket = "${socket}"`, `keys = ["${key}"]`, ...verdicts, ""]
  await writeFile(policy!, lines.join("\n"), { mode: 0o600 })
  const program = [process.execPath, resolve(import.meta.dirname, "../../..", gateProgram)]
  const where = ["--control", control!]
  const daemon = await startDaemon(
    [...program, "serve", "--homedir", owner.path, "--policy", policy!, "--state", state!, ...where],
    { ...owner.env, XDG_RUNTIME_DIR: folder },
    socket!,
    join(folder, "log")
  )
  const grant = ["grant", "app", "--key", key, "--uses", String(USES), "--passphrase-fd", "0", ...where]
  const granted = await runOk([...program, ...grant], { env: owner.env, input: `${passphrase}\n` })
  const home = await makeClientHome({ owner, socket: socket! })
  return {
    contender: { ...gate, socket: socket!, home, pid: daemon.pid },
    token: granted.stdout.toString("latin1").trim(),
    close: async () => {
      await home.close()
      await daemon.stop()
    }
  }
}

/** Signatures in turn; `argv` and `env` are what the contender's gpg is given. */
const signing = async (
  stage: Stage,
  effort: Effort,
  key: string,
  passphrase: string,
  direct: ReadonlyArray<string>
): Promise<Measured> => {
  const gate = stage.contenders.find(({ name }) => name === "gate")
  const made = gate === undefined ? undefined : await withToken(stage, gate, key, passphrase)
  try {
    const contenders = stage.contenders.map((each) => each === gate ? made!.contender : each)
    const sign = async (contender: Contender): Promise<number> => {
      const output = join(contender.home.path, "signed")
      const stderr = join(contender.home.path, "stderr")
      const isGate = contender === made?.contender
      const argv = ["gpg", "--batch", "--yes", ...isGate ? [] : direct, "-u", key, "-o", output, "--detach-sign"]
      // a variable that gpg sends to every agent: all pay for that line
      const env = [`PINENTRY_USER_DATA=${isGate ? `gripgate:${made.token}` : "something"}`]
      try {
        return timeProgram([...argv, stage.message], [...environmentOf(contender), ...env], stderr, TIMEOUT)
      } catch (error) {
        throw new Error(`${contender.name}: ${(await readFile(stderr, "utf8")).trimEnd()}`, { cause: error })
      }
    }
    // else it would be told from the others by its age
    for (let i = 0; i < WARM_UP && made !== undefined; i++) await sign(made.contender)
    return { samples: await interleave(contenders, roundsOf(effort, 60), sign) }
  } finally {
    await made?.close()
  }
}

const plain: Row = {
  id: "token-sign-ed25519",
  title: "gpg --detach-sign with ed25519, a token in the environment and uses that are counted, whole process",
  unit: "ms",
  goals: [{ to: "direct", text: "<= 1.05, limit 1.10" }],
  measure: (stage, effort) => signing(stage, effort, stage.keys.ed25519, "", [])
}

/** The agent's own way for whoever knows the passphrase: in loopback mode, and as with a seal each time anew. */
const sealed: Row = {
  id: "token-sign-sealed",
  title: "gpg --detach-sign with ed25519 and a sealed passphrase; the others give it in loopback mode, whole process",
  unit: "ms",
  goals: [],
  measure: async (stage, effort) => {
    const { fingerprint, passphrase } = await importKey(stage.owner, "protected")
    for (const { home } of stage.contenders) {
      const keys = await stage.owner.gpg(["--export", fingerprint])
      await home.gpg(["--import"], { input: keys.stdout })
    }
    const file = join(stage.owner.path, "passphrase")
    await writeFile(file, passphrase, { mode: 0o600 })
    const direct = ["--pinentry-mode", "loopback", "--passphrase-file", file]
    return await signing(stage, effort, fingerprint, passphrase, direct)
  }
}

export const tokenRows: ReadonlyArray<Row> = [plain, sealed]
