// `gripgate testkit` as a shell sees it: the exit code of the command, the transcript, the files that steer it, what it says of
// wrong input, and that nothing is left, whatever ends it.
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import { run } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const PROGRAM = resolve(import.meta.dirname, "../../packages/cli/bin/gripgate.mjs")

const made: Array<string> = []
afterAll(() => Promise.all(made.map(removeFolder)))

/** A folder that is gone after the tests of the file. */
const newFolder = async (): Promise<string> => {
  const folder = await makeFolder("gs")
  made.push(folder)
  return folder
}

const environment = (home: string): Readonly<Record<string, string>> => ({
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: home,
  LC_ALL: "C.UTF-8"
})

const asCommand = `gripgate() { "${process.execPath}" "${PROGRAM}" "$@"; }\n`

/** A line of a shell with `gripgate` as a command of it, in a folder. */
const shell = async (line: string, home: string) => {
  const { code, stderr, stdout } = await run(["bash", "-c", `${asCommand}${line}`], {
    env: environment(home),
    cwd: home
  })
  return { code, stderr, stdout: stdout.toString() }
}

const signing = "echo text | gpg --batch --clearsign"

describe("gripgate testkit", () => {
  it("runs a command before a gate, and hands on its exit code", async () => {
    const home = await newFolder()
    writeFileSync(join(home, "answers.json"), `[{"pin": "not it"}, "cancel"]`)
    const count = `grep -c "^program [0-9]* > PKSIGN" "$GRIPGATE_TESTKIT_TRANSCRIPT"`
    writeFileSync(join(home, "test.sh"), `${signing}; echo "gpg: $?"; ${count}; exit 7`)
    const flags = "--key bob --pinentry answers.json --transcript log"
    const { code, stderr, stdout } = await shell(`gripgate testkit ${flags} -- sh test.sh`, home)
    assert.strictEqual(code, 7, stderr)
    assert.include(stderr, "gpg: signing failed: Operation cancelled")
    assert.include(stdout, "gpg: 2\n1\n")
    const text = readFileSync(join(home, "log"), "utf8")
    assert.match(text, /^# gripgate transcript 1\n/)
    assert.strictEqual(text.match(/^pinentry \d+ > GETPIN$/gm)?.length, 2)
    assert.match(text, /^program 1 = closed$/m)
    assert.strictEqual(statSync(join(home, "log")).mode & 0o777, 0o600)
  })

  it("writes the transcript as JSON", async () => {
    const home = await newFolder()
    const { code, stderr } = await shell(
      "gripgate testkit --transcript log --json -- gpg-connect-agent 'NOP' /bye",
      home
    )
    assert.strictEqual(code, 0, stderr)
    const { entries, v } = JSON.parse(readFileSync(join(home, "log"), "utf8"))
    assert.strictEqual(v, 1)
    assert.deepInclude(entries, { place: "program", connection: 1, mark: ">", text: "NOP" })
  })

  it("has keys: ready ones, new ones with a passphrase from a descriptor, others from a file", async () => {
    const home = await newFolder()
    const carol = "--key 'Carol <carol@example.org>' --passphrase-fd 3"
    writeFileSync(join(home, "pins.json"), `{"answers": [], "default": {"pin": "one two"}}`)
    const first = await shell(
      `gripgate testkit --key release ${carol} --pinentry pins.json -- sh -c 'gpg --batch --armor --export-secret-keys carol@example.org > carol; gpg -K --with-colons' 3<<< 'one two'`,
      home
    )
    assert.strictEqual(first.code, 0, first.stderr)
    assert.deepStrictEqual(first.stdout.match(/(?<=^uid:.*:)[A-Z]\w* <\S+>/gm), [
      "Release <release@example.org>",
      "Carol <carol@example.org>"
    ])
    const second = await shell(`gripgate testkit --key carol --pinentry pins.json -- sh -c '${signing}'`, home)
    assert.strictEqual(second.code, 0, second.stderr)
    assert.include(second.stdout, "BEGIN PGP SIGNATURE")
  })

  it("has an agent that goes wrong, a policy, and an app of it", async () => {
    const home = await newFolder()
    writeFileSync(join(home, "faults.json"), `{"commands": {"PKSIGN": {"error": 67108949}}}`)
    const faulty = await shell(`gripgate testkit --agent-faults faults.json -- sh -c '${signing}'`, home)
    assert.include(faulty.stderr, "signing failed: No pinentry")
    writeFileSync(
      join(home, "policy.toml"),
      `default = "forbid"\n[apps.mail]\nsocket = "mail"\nkeys = ["*"]\nsign = "allow"\n`
    )
    const anyone = await shell(`gripgate testkit --policy policy.toml -- sh -c '${signing}'`, home)
    assert.strictEqual(anyone.code, 2, anyone.stderr)
    const mail = await shell(`gripgate testkit --policy policy.toml --app mail -- sh -c '${signing}'`, home)
    assert.strictEqual(mail.code, 0, mail.stderr)
  })

  it("lets the command change the scripts, the policy, and answer questions", async () => {
    const home = await newFolder()
    writeFileSync(
      join(home, "policy.toml"),
      `default = "allow"\n[approve]\napprovers = ["terminal"]\n[operations]\nsign = "ask"\n`
    )
    const lines = [
      `cd "$GRIPGATE_TESTKIT_CONTROL"`,
      `${signing} > signed &`,
      `until id=$(gripgate asks --control "$PWD/gate" | grep -oE "^ *[A-Z0-9]{4}\\b") && [ -n "$id" ]; do sleep 0.05; done`,
      `gripgate approve $id --control "$PWD/gate"`,
      `wait && grep "BEGIN PGP SIGNATURE" signed`
    ]
    writeFileSync(join(home, "test.sh"), `${asCommand}${lines.join("\n")}\n`)
    const asked = await shell("gripgate testkit --policy policy.toml -- bash test.sh", home)
    assert.include(asked.stdout, "BEGIN PGP SIGNATURE", asked.stderr)
    writeFileSync(join(home, "answers.json"), `["cancel"]`)
    const change = [
      `cd "$GRIPGATE_TESTKIT_CONTROL"`,
      signing,
      `echo '[{"pin": "abc"}]' > mine && mv mine pinentry.json`,
      signing
    ]
    writeFileSync(join(home, "test.sh"), change.join("\n"))
    const signed = await shell("gripgate testkit --key bob --pinentry answers.json -- bash test.sh", home)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.include(signed.stderr, "Operation cancelled")
    assert.include(signed.stdout, "BEGIN PGP SIGNATURE")
  })

  it("keeps the caller's environment, but for what leads past the gate or opens it", async () => {
    const line = `MINE=1 PINENTRY_USER_DATA=gripgate:x GPG_AGENT_INFO=/x:0:1 GNUPGHOME=/x gripgate testkit -- env`
    const { stdout } = await shell(line, await newFolder())
    assert.match(stdout, /^MINE=1$/m)
    assert.notMatch(stdout, /^(PINENTRY_USER_DATA|GPG_AGENT_INFO)=/m)
    for (const name of ["GNUPGHOME", "GRIPGATE_TESTKIT_TRANSCRIPT", "GRIPGATE_TESTKIT_CONTROL"]) {
      const path = new RegExp(`^${name}=(.*)$`, "m").exec(stdout)![1]!
      assert.isTrue(path.startsWith("/") && path !== "/x", path)
      assert.isFalse(existsSync(path), "and it is gone afterwards")
    }
  })

  for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129], ["SIGINT", 130], ["SIGKILL", null]] as const) {
    it(`leaves nothing behind when ${signal} ends it`, async () => {
      const folder = await newFolder()
      const env = { ...environment(folder), TMPDIR: folder }
      const command = "sleep 1000 & echo $! $$; exec sleep 1000"
      const child = spawn(process.execPath, [PROGRAM, "testkit", "--", "sh", "-c", command], {
        env,
        stdio: ["ignore", "pipe", "inherit"]
      })
      const ended = once(child, "exit")
      try {
        let line = ""
        for await (const chunk of child.stdout.setEncoding("utf8")) if ((line += chunk).includes("\n")) break
        const pids = line.trim().split(" ").map(Number)
        assert.isTrue(pids.length === 2 && pids.every(isAlive), line)
        child.kill(signal)
        assert.deepStrictEqual(await ended, [code, code === null ? "SIGKILL" : null])
        assert.deepStrictEqual(await waitGone(pids, 10_000), [])
        // Node's own cache is no file of a harness
        const left = () => readdirSync(folder).filter((name) => name !== "node-compile-cache")
        for (const end = performance.now() + 10_000; left().length > 0 && performance.now() < end;) await sleep(10)
        assert.deepStrictEqual(left(), [])
      } finally {
        child.kill("SIGKILL")
        await ended
      }
    })
  }
})
