// The commands of a plan, in an order in which nobody finds his socket taken.
import { assert, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import * as Result from "effect/Result"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { applyFiles } from "../../src/units/apply.ts"
import { type Plan, planInstall, planUninstall } from "../../src/units/plan.ts"
import { standardPlaces, userUnits } from "../../src/units/user-units.ts"

const programs = { node: "/usr/bin/node", launcher: "/opt/gripgate.mjs" }
const gnupg = ["gpg-agent.socket", "gpg-agent-extra.socket", "gpg-agent-browser.socket"]
const own = [
  "gripgate.service",
  "gripgate.socket",
  "gripgate-standard.socket",
  "gripgate-extra.socket",
  "gripgate-browser.socket"
]

const withFolder = async (use: (units: string) => void): Promise<void> => {
  const folder = await makeFolder("gu")
  try {
    use(join(folder, "user"))
  } finally {
    await removeFolder(folder)
  }
}

const plan = (units: string, standIn: boolean): Plan =>
  Result.getOrThrow(planInstall({
    whose: "user",
    folders: { units, others: [] },
    files: userUnits({ programs, folder: units, ...standIn && { standIn: { places: standardPlaces } } }),
    start: true,
    notes: []
  }))

const user = (...args: ReadonlyArray<string>) => ["systemctl", "--user", ...args]

describe("planInstall", () => {
  it("as a stand-in lets GnuPG's sockets go before the gate takes their places", () =>
    withFolder((units) => {
      assert.deepStrictEqual(plan(units, true).after, [
        user("daemon-reload"),
        user("stop", "gpg-agent.service", ...gnupg),
        user("start", ...gnupg),
        user("enable", "--now", ...own)
      ])
    }))

  it("has nothing stopped where nothing changes, and restarts what does", () =>
    withFolder((units) => {
      applyFiles(plan(units, true).files)
      const again = plan(units, true)
      assert.isTrue(again.files.every(({ change }) => change === "keep"))
      assert.deepStrictEqual(again.after, [user("daemon-reload"), user("enable", "--now", ...own)])
      writeFileSync(join(units, "gripgate-extra.socket"), "# written by gripgate\n")
      assert.deepStrictEqual(plan(units, true).after[1], user("stop", ...own))
    }))

  it("without the stand-in gives GnuPG its places back", () =>
    withFolder((units) => {
      applyFiles(plan(units, true).files)
      const { after, before, files } = plan(units, false)
      assert.sameMembers(
        files.filter(({ change }) => change === "remove").map(({ path }) => path.slice(units.length + 1)),
        [...own.slice(2), ...gnupg.map((unit) => `${unit}.d/gripgate.conf`)]
      )
      assert.deepStrictEqual(before, [user("stop", ...own.slice(2).toSorted())])
      assert.deepStrictEqual(after.slice(1, 4), [
        user("stop", "gpg-agent.service", ...gnupg),
        user("stop", "gripgate.service", "gripgate.socket"),
        user("start", ...gnupg)
      ])
    }))
})

describe("planUninstall", () => {
  it("ends the gate first, and then gives GnuPG its places back", () =>
    withFolder((units) => {
      applyFiles(plan(units, true).files)
      mkdirSync(join(units, "gpg-agent.socket.d"), { recursive: true })
      writeFileSync(join(units, "gpg-agent.socket.d/mine.conf"), "[Socket]\n")
      const { after, before, files } = planUninstall({ whose: "user", folders: { units, others: [] } })
      assert.deepStrictEqual(before, [user("stop", ...own.toSorted())])
      assert.deepStrictEqual(after, [
        user("daemon-reload"),
        user("stop", "gpg-agent.service", ...gnupg),
        user("start", ...gnupg)
      ])
      applyFiles(files)
      assert.isTrue(existsSync(join(units, "gpg-agent.socket.d/mine.conf")), "a drop-in of somebody else stays")
      assert.isFalse(existsSync(join(units, "gpg-agent-extra.socket.d")))
      assert.deepStrictEqual(planUninstall({ whose: "user", folders: { units, others: [] } }).files, [])
    }))
})
