import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { environment, MAIN, makeFolder } from "../../support/cli.ts"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What is left in its own folder for temporary files, and processes that name something in it. */
  readonly left: ReadonlyArray<string>
}

/** Plays the demo in a folder of its own; `signal` is sent as soon as `when` holds for the output and the folder. */
const demo = async (
  signal?: NodeJS.Signals,
  when: (output: string, files: ReadonlyArray<string>) => boolean = () => false
): Promise<Ended> => {
  const folder = makeFolder()
  const env = { ...environment(makeFolder()), TMPDIR: folder, COLUMNS: "80" }
  const child = spawn(process.execPath, [MAIN, "demo"], { env, stdio: ["ignore", "pipe", "pipe"] })
  const output = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text) => output[name] += text)
  }
  let ended = false
  const code = new Promise<number | null>((resolve) => child.once("close", resolve)).finally(() => ended = true)
  let sent = signal === undefined
  while (!ended) {
    if (!sent && when(output.stdout, readdirSync(folder))) {
      sent = true
      child.kill(signal)
    }
    await sleep(5)
  }
  assert.isTrue(sent, "the moment for the signal never came")
  return { code: await code, ...output, left: [...readdirSync(folder), ...processesThatName(folder)] }
}

const processesThatName = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(folder)
    } catch {
      return false
    }
  })

describe("gripgate demo", () => {
  it("shows five scenes that go as they should, in 80 columns, and leaves nothing behind", async () => {
    const { code, left, stderr, stdout } = await demo()
    assert.deepStrictEqual([code, stderr, left], [0, "", []])
    assert.deepStrictEqual(stdout.match(/^\d\. .*$/gm), [
      "1. A signature: allowed",
      "2. A decryption: allowed",
      "3. The passphrase sent in band (loopback): forbidden",
      "4. An export of the secret key: forbidden",
      "5. The three bytes that hang an agent: stopped"
    ])
    assert.strictEqual(stdout.match(/^ {2}as it should be: /gm)?.length, 5)
    assert.notInclude(stdout, "WRONG")
    assert.deepStrictEqual(stdout.split("\n").filter((line) => line.length > 80), [])
    assert.notInclude(stdout, "\u001b", "there is no terminal")
    // each scene has gpg's (or the raw client's) own output, and a line of the gate's log
    for (const scene of stdout.split(/^\d\. /m).slice(1)) {
      assert.match(scene, /^ {2}\| [^]*^ {2}gate: (allowed|refused) /m)
    }
  })

  it("leaves nothing behind when it is stopped, whenever that is", async () => {
    const [building, first, fourth] = await Promise.all([
      demo("SIGTERM", (_, files) => files.length > 0),
      demo("SIGINT", (output) => output.includes("1. A signature")),
      demo("SIGHUP", (output) => output.includes("4. An export"))
    ])
    assert.deepStrictEqual([building.code, building.left, building.stderr], [143, [], ""])
    assert.deepStrictEqual([first.code, first.left, first.stderr], [130, [], ""])
    assert.deepStrictEqual([fourth.code, fourth.left, fourth.stderr], [129, [], ""])
  })
})
