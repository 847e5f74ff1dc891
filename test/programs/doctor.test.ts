// What `gripgate doctor` says where other programs are needed: from the client's side as another user and in a sandbox, before a socket
// that systemd holds, and of gpg 1.4's keys.
import { assert, describe, it } from "@effect/vitest"
import type { Finding } from "@gripgate/deploy/doctor/finding"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, run, type RunResult } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, cp, mkdir, readFile, realpath, writeFile } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { giveToOther, OTHER, runAsOther } from "../support/as-user.ts"

const root = resolve(import.meta.dirname, "../..")

const findingsOf = (
  { code, stderr, stdout }: RunResult
): { readonly code: number | null; readonly findings: ReadonlyArray<Finding> } => {
  assert.strictEqual(stderr, "")
  return { code, findings: (JSON.parse(stdout.toString()) as { findings: ReadonlyArray<Finding> }).findings }
}

/** The ways around the gate that are open, by their names. */
const open = (findings: ReadonlyArray<Finding>): ReadonlyArray<string> =>
  findings.filter(({ id, level }) => id.startsWith("bypass.") && level === "danger").map(({ id }) => id)

const closed = (findings: ReadonlyArray<Finding>): number => findings.filter(({ id }) => id === "bypass.closed").length

/** An owner with a key, and a gate with a socket for another user, in a folder that everybody can go through. */
interface Place {
  readonly owner: Homedir
  readonly client: Homedir
  readonly gate: Gate
  readonly folder: string
  readonly socket: string
  /** Node and the script, where everybody can run them. */
  readonly gripgate: ReadonlyArray<string>
}

const makePlace = async (stack: AsyncDisposableStack): Promise<Place> => {
  const folder = await realpath(await makeFolder("gd"))
  stack.defer(() => removeFolder(folder))
  await chmod(folder, 0o711)
  await mkdir(join(folder, "program"), { mode: 0o755 })
  for (const name of ["bin", "dist"]) {
    await cp(join(root, "packages/cli", name), join(folder, "program", name), { recursive: true })
  }
  for (const name of ["koffi", "@koromix"]) {
    await cp(join(root, "node_modules", name), join(folder, "program/node_modules", name), { recursive: true })
  }
  const node = join(folder, "program", "node")
  await cp(await realpath(process.execPath), node)
  const owner = stack.use(await makeHomedir())
  const { fingerprint } = await importKey(owner, "plain")
  await owner.launchAgent()
  const socket = join(folder, "mail", "S.gpg-agent")
  const policy =
    `default = "forbid"\n[apps.mail]\nsocket = "${socket}"\nsocket-mode = "0666"\nkeys = ["alice@example.org"]\n`
  const gate = stack.use(await startGate({ home: owner, policy }))
  const client = stack.use(await makeClientHome({ owner, socket }))
  const mark = { v: 1, app: "mail", socket, homedir: owner.path, keys: [fingerprint], complete: true }
  await writeFile(join(client.path, "gripgate.json"), JSON.stringify(mark))
  return { owner, client, gate, folder, socket, gripgate: [node, join(folder, "program/bin/gripgate.mjs")] }
}

const args = ({ gate, owner }: Place): ReadonlyArray<string> => [
  "doctor",
  "--json",
  "--app",
  "mail",
  "--policy",
  gate.policyFile!,
  "--state",
  join(owner.path, ".local/state/gripgate"),
  "--control",
  join(owner.path, ".local/state/gripgate/run/control")
]

describe("gripgate doctor, from the client's side", () => {
  it("as another user: gpg reaches the gate as its app, and nothing around it", async () => {
    needs("setpriv")
    await using stack = new AsyncDisposableStack()
    const place = await makePlace(stack)
    {
      await using _ = await giveToOther(place.client.path)
      const found = findingsOf(await runAsOther([...place.gripgate, ...args(place)], { env: place.client.env }))
      assert.deepStrictEqual(found.findings.filter(({ level }) => level === "wrong"), [])
      assert.deepStrictEqual([open(found.findings), found.code], [[], 0])
      // the agent and its three other sockets, the keys, the state, the control socket
      assert.isAtLeast(closed(found.findings), 7)
      const ids = found.findings.map(({ id }) => id)
      assert.include(ids, "client.reaches")
      assert.include(ids, "client.keys")
    }
    // to the owner himself all of it is open
    const before = findingsOf(await run([...place.gripgate, ...args(place)], { env: place.client.env }))
    assert.includeMembers([...open(before.findings)], [
      "bypass.agent",
      "bypass.keys",
      "bypass.policy",
      "bypass.control"
    ])
  })

  it("in a sandbox that shows the socket alone: nothing around it", async () => {
    const bwrap = needs("bwrap")
    await using stack = new AsyncDisposableStack()
    const place = await makePlace(stack)
    const user = process.getuid!() === 0 ? [] : ["--unshare-user"]
    const hidden = ["--tmpfs", place.owner.path, "--tmpfs", "/run"]
    const sandbox = [
      bwrap,
      "--ro-bind",
      "/",
      "/",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
      "--unshare-pid",
      ...user,
      ...hidden,
      "--"
    ]
    const inside = findingsOf(await run([...sandbox, ...place.gripgate, ...args(place)], { env: place.client.env }))
    assert.deepStrictEqual([open(inside.findings), inside.code], [[], 0])
    assert.isAtLeast(closed(inside.findings), 7)
    assert.include(inside.findings.map(({ id }) => id), "client.reaches")
  })

  it("lets nobody else be asked: the other user is told nothing by the control socket", async () => {
    await using stack = new AsyncDisposableStack()
    const place = await makePlace(stack)
    const control = join(place.folder, "control")
    await using gate = await startGate({
      home: place.owner,
      listen: join(place.folder, "second"),
      policy: `default = "forbid"\n[gate]\nowners = [${process.getuid!()}]\ncontrol-group = ${OTHER.gid}\n`,
      args: ["--state", join(place.owner.path, "second"), "--control", control]
    })
    assert.isAbove(gate.pid, 0)
    await using _ = await giveToOther(place.client.path)
    const asked = [...place.gripgate, "doctor", "--json", "--control", control]
    const { findings } = findingsOf(await runAsOther(asked, { env: place.client.env }))
    assert.include(findings.map(({ id }) => id), "gate.not-permitted")
    assert.notInclude(open(findings), "bypass.control")
  })
})

describe("gripgate doctor, before a socket that systemd holds", () => {
  it("does not connect: that would start the agent", async () => {
    const activate = needs("systemd-socket-activate")
    await using home = await makeHomedir()
    const socket = await home.agentSocket()
    const child = spawn(activate, ["-l", socket, "gpg-agent", "--homedir", home.path, "--supervised"], {
      env: home.env,
      detached: true,
      stdio: ["ignore", "ignore", "pipe"]
    })
    const ended = once(child, "exit")
    try {
      await once(child.stderr, "data")
      const name = async () => (await readFile(`/proc/${child.pid}/comm`, "utf8")).trim()
      const before = await name()
      assert.match(before, /^systemd-/)
      const { findings } = findingsOf(
        await home.run([process.execPath, join(root, "packages/cli/bin/gripgate.mjs"), "doctor", "--json"])
      )
      const found = findings.find(({ id }) => id === "agent.activated")
      assert.strictEqual(found?.where, socket)
      await sleep(300)
      // it becomes what it starts
      assert.strictEqual(await name(), before)
      assert.isUndefined(findings.find(({ id }) => id === "agent.silent"))
    } finally {
      killGroup(child.pid)
      await ended
    }
  })
})

describe("gripgate doctor, with gpg 1.4", () => {
  it("finds its private keys, which no agent keeps", async () => {
    const gpg1 = needs("gpg1")
    await using home = await makeHomedir()
    const parameters = "Key-Type: RSA\nKey-Length: 1024\nName-Real: Dave\nExpire-Date: 0\n%commit\n"
    const made = await home.run([gpg1, "--quick-random", "--batch", "--no-use-agent", "--gen-key"], {
      input: parameters
    })
    assert.strictEqual(made.code, 0, made.stderr)
    const { findings } = findingsOf(
      await home.run([process.execPath, join(root, "packages/cli/bin/gripgate.mjs"), "doctor", "--json"])
    )
    const keys = findings.find(({ id, where }) => id === "bypass.keys" && basename(where ?? "") === "secring.gpg")
    assert.strictEqual(keys?.level, "danger")
  })
})
