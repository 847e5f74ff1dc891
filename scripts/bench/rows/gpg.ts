// Whole gpg processes, from the start to the end, one at a time: what a person waits for.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { timeProgram } from "../libc.ts"
import { interleave, roundsOf, type Row } from "../row.ts"
import type { Contender, Stage } from "../stage.ts"

const TIMEOUT = 30_000

/** As in a terminal: gpg tells the agent of it with every connection. */
const terminal = ["TERM=xterm", "GPG_TTY=/dev/null"]

export const environmentOf = ({ home }: Contender): ReadonlyArray<string> => [
  ...Object.entries(home.env).map(([name, value]) => `${name}=${value}`),
  ...terminal
]

/** Runs a program in the contender's homedir; the error carries what it said. */
export const timeIn = async (contender: Contender, argv: ReadonlyArray<string>): Promise<number> => {
  const stderr = join(contender.home.path, "stderr")
  try {
    return timeProgram(argv, environmentOf(contender), stderr, TIMEOUT)
  } catch (error) {
    throw new Error(`${contender.name}: ${(await readFile(stderr, "utf8")).trimEnd()}`, { cause: error })
  }
}

type Key = keyof Stage["keys"]

const goals = [{ to: "direct", text: "<= 1.05, limit 1.10" }] as const

const sign = (stage: Stage, verb: "sign" | "detach-sign", key: Key) => (contender: Contender): Promise<number> => {
  const output = join(contender.home.path, "signed")
  return timeIn(contender, ["gpg", "--batch", "--yes", "-u", stage.keys[key], "-o", output, `--${verb}`, stage.message])
}

const signRow = (verb: "sign" | "detach-sign", key: Key): Row => ({
  id: `${verb}-${key}`,
  title: `gpg --${verb} with ${key === "ed25519" ? "ed25519" : "RSA-4096"}, whole process`,
  unit: "ms",
  goals,
  measure: async (stage, effort) => ({
    samples: await interleave(stage.contenders, roundsOf(effort, 60), sign(stage, verb, key))
  })
})

/** Longer than the gate keeps anything ready or remembers anything, which is 2 s. */
const REST = 2_300

/** One signature now and then, as by hand: nothing is ready, and no cache of the processor is warm, with any contender. */
const restedRow: Row = {
  id: "rested-detach-sign",
  title: `gpg --detach-sign with ed25519 after ${REST / 1000} s without any, whole process`,
  unit: "ms",
  goals,
  measure: async (stage, effort) => ({
    samples: await interleave(
      stage.contenders,
      roundsOf(effort, 20),
      sign(stage, "detach-sign", "ed25519"),
      REST
    )
  })
}

const decryptRow = (key: Key): Row => ({
  id: `decrypt-${key === "ed25519" ? "cv25519" : key}`,
  title: `gpg --decrypt with ${key === "ed25519" ? "cv25519" : "RSA-4096"}, whole process`,
  unit: "ms",
  goals,
  measure: async (stage, effort) => {
    const encrypted = join(stage.owner.path, `encrypted-${key}`)
    await stage.owner.gpg(["--yes", "-r", stage.keys[key], "-o", encrypted, "--encrypt", stage.message])
    const samples = await interleave(stage.contenders, roundsOf(effort, 60), (contender) => {
      const output = join(contender.home.path, "decrypted")
      return timeIn(contender, ["gpg", "--batch", "--yes", "-o", output, "--decrypt", encrypted])
    })
    const message = await readFile(stage.message)
    for (const { home, name } of stage.contenders) {
      const decrypted = await readFile(join(home.path, "decrypted"))
      if (!decrypted.equals(message)) throw new Error(`${name}: gpg decrypted something else than was encrypted`)
    }
    return { samples }
  }
})

export const gpgRows: ReadonlyArray<Row> = [
  ...(["ed25519", "rsa4096"] as const).flatMap((key) => [
    signRow("detach-sign", key),
    signRow("sign", key),
    decryptRow(key)
  ]),
  restedRow
]
