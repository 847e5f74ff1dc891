// Runs `gripgate doctor --json` as a process, in the environment of a throw-away homedir, and asks for findings by their names.
import { assert } from "@effect/vitest"
import type { Finding } from "@gripgate/deploy/doctor/finding"
import type { FindingId } from "@gripgate/deploy/doctor/ids"
import type { Homedir } from "@gripgate/testkit/homedir"
import { run } from "@gripgate/testkit/run"
import { MAIN } from "./cli.ts"

export interface Examined {
  readonly code: number | null
  readonly findings: ReadonlyArray<Finding>
  readonly ids: ReadonlyArray<FindingId>
  /** The one finding of this name; more than one, or none, is a failure of the test. */
  readonly only: (id: FindingId) => Finding
  /** Milliseconds. */
  readonly time: number
}

/** Longest that all checks together may take, in milliseconds, with much to spare for a machine that is busy. */
const LONGEST = 20_000

export const examineIn = async (
  env: Readonly<Record<string, string>>,
  args: ReadonlyArray<string> = []
): Promise<Examined> => {
  const begun = performance.now()
  const result = await run([process.execPath, MAIN, "doctor", "--json", ...args], { env, cwd: "/" })
  const time = performance.now() - begun
  assert.strictEqual(result.stderr, "")
  assert.isBelow(time, LONGEST)
  const { findings, v } = JSON.parse(result.stdout.toString()) as { v: number; findings: ReadonlyArray<Finding> }
  assert.strictEqual(v, 1)
  assert.strictEqual(result.code, findings.some(({ level }) => level === "wrong") ? 1 : 0)
  return {
    code: result.code,
    findings,
    ids: findings.map(({ id }) => id),
    only: (id) => {
      const found = findings.filter((each) => each.id === id)
      assert.lengthOf(found, 1, `${id} among ${findings.map(({ id, message }) => `${id}: ${message}`).join("\n")}`)
      return found[0]!
    },
    time
  }
}

export const examine = (home: Homedir, args: ReadonlyArray<string> = []): Promise<Examined> => examineIn(home.env, args)

/** Runs a line that mends something, as its reader would: in a shell. */
export const mend = async (home: Pick<Homedir, "env">, line: string | null): Promise<void> => {
  assert.isString(line)
  const { code, stderr } = await run(["sh", "-c", line!], { env: home.env })
  assert.strictEqual(code, 0, stderr)
}
