// The scripted pinentry, asked by the real gpg-agent.
import { assert, describe, it } from "@effect/vitest"
import { statSync } from "node:fs"
import { type Homedir, makeHomedir } from "../src/homedir.ts"
import { importKey } from "../src/keys.ts"
import type { PinentryAnswer, PinentryScript } from "../src/pinentry.ts"
import { connectRaw } from "../src/raw-client.ts"
import { run } from "../src/run.ts"

const homeWithBob = async (pinentry: PinentryScript): Promise<Homedir> => {
  const home = await makeHomedir({ pinentry })
  await importKey(home, "protected")
  return home
}
const sign = (home: Homedir) => home.run(["gpg", "--batch", "--clearsign"], { input: "text\n" })
const lines = async (home: Homedir) =>
  (await home.pinentry.log()).flatMap((entry) => entry.event === "line" ? [entry.line] : [])

const confirm = async (answer: PinentryAnswer): Promise<string> => {
  await using home = await makeHomedir({ pinentry: { answers: [answer] } })
  await home.launchAgent()
  await using client = await connectRaw(await home.agentSocket())
  await client.readReply()
  return (await client.command("GET_CONFIRMATION Really+sign%3F")).last
}

/** Talks to the program itself. */
const ask = async (home: Homedir, input: string) => {
  const { code, stdout } = await run([home.pinentry.program], { env: home.env, input })
  return { code, stdout: stdout.toString() }
}

describe("the scripted pinentry", () => {
  it("unlocks a key with its pin and writes down what it was asked", async () => {
    await using home = await homeWithBob({ answers: [{ pin: "abc" }] })
    const result = await sign(home)
    assert.strictEqual(result.code, 0, result.stderr)
    assert.strictEqual(await home.pinentry.questions(), 1)
    const asked = await lines(home)
    assert.isTrue(asked.some((line) => /^SETDESC .*Bob <bob@example\.org>/.test(line)), asked.join("\n"))
    assert.include(asked, "GETPIN")
    const [start] = await home.pinentry.log()
    assert.strictEqual(start!.event, "start")
    if (start!.event === "start") {
      assert.strictEqual(start!.env["GNUPGHOME"] ?? start!.env["HOME"], home.path)
      assert.isTrue(Array.isArray(start!.argv))
    }
  })

  it("is shown the display that a client names", async () => {
    await using home = await makeHomedir({ pinentry: { answers: ["cancel"] } })
    await home.launchAgent()
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    await client.command("OPTION display=:9")
    await client.command("GET_CONFIRMATION Well?")
    const [start] = await home.pinentry.log()
    assert.isTrue(start?.event === "start" && start.argv.join(" ").includes("--display :9"))
    assert.isTrue(start?.event === "start" && start.env["DISPLAY"] === ":9")
  })

  it("takes its answers one by one: a wrong pin, then the right one", async () => {
    await using home = await homeWithBob({ answers: [{ pin: "wrong" }, { pin: "abc" }] })
    assert.strictEqual((await sign(home)).code, 0)
    assert.strictEqual(await home.pinentry.questions(), 2)
  })

  it("repeats the last answer, over processes", async () => {
    await using home = await homeWithBob({ answers: [{ pin: "wrong" }, "cancel"] })
    for (const questions of [2, 3, 4]) {
      const result = await sign(home)
      assert.strictEqual(result.code, 2)
      assert.include(result.stderr, "signing failed: Operation cancelled")
      assert.strictEqual(await home.pinentry.questions(), questions)
    }
  })

  it("gives the default once its answers are used up, and another script from then on", async () => {
    await using home = await homeWithBob({ answers: ["cancel"], default: { pin: "abc" } })
    assert.strictEqual((await sign(home)).code, 2)
    assert.strictEqual((await sign(home)).code, 0)
    await home.killAgent()
    await home.pinentry.script({ answers: ["cancel"] })
    assert.strictEqual((await sign(home)).code, 2)
  })

  it("cancels where there is no script", async () => {
    await using home = await makeHomedir()
    await importKey(home, "protected")
    assert.include((await sign(home)).stderr, "signing failed: Operation cancelled")
  })

  it("closes its window: the agent takes that for the end of the whole operation", async () => {
    await using home = await homeWithBob({ answers: ["close"] })
    await using client = await connectRaw(await home.agentSocket())
    await client.readReply()
    await client.command("OPTION agent-awareness=2.1.0")
    await client.command("SIGKEY 349AE8F7F4653924852C42093EBD4D6B0E0B43A1")
    await client.command(`SETHASH --hash=sha256 ${"0".repeat(64)}`)
    // GPG_ERR_FULLY_CANCELED 198 of source 5, Pinentry
    assert.match((await client.command("PKSIGN")).last, /^ERR (83886278|67109062) /)
  })

  it("crashes before it answers", async () => {
    await using home = await homeWithBob({ answers: ["crash"] })
    const result = await sign(home)
    assert.strictEqual(result.code, 2)
    assert.include(result.stderr, "End of file")
  })

  it("confirms, cancels, and presses the button in the middle", async () => {
    assert.strictEqual(await confirm({ confirm: true }), "OK")
    assert.strictEqual(await confirm({ confirm: false }), "ERR 83886179 Operation cancelled <Pinentry>")
    assert.strictEqual(await confirm({ confirm: "notok" }), "ERR 83886194 Not confirmed <Pinentry>")
  })

  it("answers a question with an error that the script has no fitting answer for", async () => {
    assert.match(await confirm({ pin: "abc" }), /^ERR 83886081 /)
  })

  it("asks for a new passphrase once, as it repeats the question itself", async () => {
    await using home = await makeHomedir({ pinentry: { answers: [{ pin: "a new one, 8 words & 1 %" }] } })
    await home.gpg(["--quick-generate-key", "--", "New <new@example.org>", "ed25519", "default", "never"])
    assert.strictEqual(await home.pinentry.questions(), 1)
    await home.killAgent()
    assert.strictEqual((await sign(home)).code, 0, "the pin is what the agent took, percent sign and all")
  })

  it("says what is not Assuan, and the agent gives it up", async () => {
    assert.strictEqual(await confirm("garbage"), "ERR 83886340 Invalid IPC response <Pinentry>")
  })

  it("ends before it greets", async () => {
    await using home = await makeHomedir({ pinentry: { answers: [{ confirm: true }], exits: true } })
    const { code, stdout } = await ask(home, "CONFIRM\n")
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.strictEqual(await home.pinentry.questions(), 0)
  })

  it("is of the flavor that the script names", async () => {
    await using home = await makeHomedir({ pinentry: { answers: [], flavor: "gtk2:curses" } })
    assert.include((await ask(home, "GETINFO flavor\n")).stdout, "\nD gtk2:curses\nOK\n")
  })

  it("has no button in the middle where the script says so, though it takes its label", async () => {
    await using home = await makeHomedir({ pinentry: { answers: [{ confirm: "notok" }], thirdButton: false } })
    const { stdout } = await ask(home, "SETNOTOK Perhaps\nCONFIRM\n")
    assert.match(stdout, /^OK .*\nOK\nERR 83886081 /)
  })

  it("gives each answer once, however many run at the same time", async () => {
    const pins = ["a", "b", "c", "d", "e", "f"]
    await using home = await makeHomedir({ pinentry: { answers: pins.map((pin) => ({ pin })), default: "cancel" } })
    const said = await Promise.all([...pins, "one more"].map(() => ask(home, "GETPIN\n")))
    const given = said.map(({ stdout }) => /^D (.)$/m.exec(stdout)?.[1] ?? "none")
    assert.deepStrictEqual(given.toSorted(), [...pins, "none"])
    assert.strictEqual(await home.pinentry.questions(), pins.length + 1)
  })

  it("keeps pins out of its log, and its files from others", async () => {
    await using home = await homeWithBob({ answers: [{ pin: "wrong-and-long" }, { pin: "abc" }] })
    await sign(home)
    assert.notInclude(JSON.stringify(await home.pinentry.log()), "wrong-and-long")
    assert.strictEqual(statSync(home.pinentry.program).mode & 0o777, 0o700)
  })
})
