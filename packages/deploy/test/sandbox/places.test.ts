// What a command may write to, and what is hidden from it.
import { assert, describe, it } from "@effect/vitest"
import {
  folderToHide,
  outermost,
  type Protected,
  whyNotShown,
  whyNotWorkedIn,
  whyNotWritable
} from "../../src/sandbox/places.ts"

const home = "/home/alice"
const hidden: Protected = {
  folders: [`${home}/.gnupg`, `${home}/.config/gripgate`, "/var/lib/gripgate"],
  files: [`${home}/src/policy.toml`]
}

describe("whyNotWritable", () => {
  it("lets a command have a folder of its own kind", () => {
    for (const folder of [`${home}/project`, `${home}/.cache/x`, "/srv/build", "/home/alicette"]) {
      assert.isUndefined(whyNotWritable(folder, home, hidden), folder)
    }
  })

  it("refuses what is, contains or lies in anything protected, there or not", () => {
    const folders = [
      "/",
      "/home",
      home,
      `${home}/.config`,
      `${home}/.config/gripgate`,
      `${home}/.gnupg/private-keys-v1.d`,
      `${home}/src`,
      "/var",
      "/var/lib"
    ]
    for (const folder of folders) assert.isString(whyNotWritable(folder, home, hidden), folder)
  })

  it("refuses folders of the system", () => {
    for (const folder of ["/etc", "/etc/cron.d", "/usr/local/bin", "/boot"]) {
      assert.isString(whyNotWritable(folder, home, hidden), folder)
    }
  })

  it("goes by whole names", () => {
    assert.isUndefined(whyNotWritable(`${home}/.gnupg2`, home, hidden))
    assert.isUndefined(whyNotWritable("/etcetera", home, hidden))
  })
})

describe("whyNotWorkedIn", () => {
  it("refuses what a session reads below the home directory, too", () => {
    for (const folder of [".ssh", ".local/bin", ".config/systemd/user", ".cache/x"]) {
      assert.isString(whyNotWorkedIn(`${home}/${folder}`, home, hidden), folder)
    }
  })

  it("lets a command work in a project, also one with a folder that begins with a dot", () => {
    for (const folder of [`${home}/project`, `${home}/project/.git`, "/srv/.build"]) {
      assert.isUndefined(whyNotWorkedIn(folder, home, hidden), folder)
    }
  })
})

describe("whyNotShown", () => {
  it("refuses what is or contains an emptied folder, and not what lies in one", () => {
    for (const folder of ["/", "/tmp", "/var", "/var/tmp"]) assert.isString(whyNotShown(folder, ["/tmp", "/var/tmp"]))
    for (const folder of ["/tmp/x", "/srv", "/tmpfs"]) assert.isUndefined(whyNotShown(folder, ["/tmp", "/var/tmp"]))
  })
})

describe("folderToHide", () => {
  it("is the folder of a socket", () => {
    assert.strictEqual(folderToHide("/srv/gate/control", [home]), "/srv/gate")
  })

  it("is none where that would hide what must be seen", () => {
    assert.isUndefined(folderToHide("/srv/control", [home]))
    assert.isUndefined(folderToHide(`${home}/control`, [home]))
    assert.isUndefined(folderToHide(`${home}/project/control`, [home, `${home}/project/sub`]))
    assert.isUndefined(folderToHide("/etc/gate/control", [home]))
  })
})

describe("outermost", () => {
  it("leaves out what lies in another, and what is there twice", () => {
    assert.deepStrictEqual(outermost(["/a/b", "/a", "/ab", "/a", "/c/d"]), ["/a", "/ab", "/c/d"])
  })
})
