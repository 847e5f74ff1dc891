// The words of GETINFO (GnuPG agent/command.c cmd_getinfo, 2.2.40 to 2.5.12).
import { assert, describe, it } from "@effect/vitest"
import { getinfoWords } from "../../src/table/getinfo.ts"
import { command, request } from "../plain.ts"

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)
const sorted = (list: Iterable<string>): ReadonlyArray<string> => [...list].toSorted()
const of = (operation: string): ReadonlyArray<string> =>
  sorted(getinfoWords.filter(({ is }) => is === operation).map(({ word }) => word))

describe("GETINFO", () => {
  it("has every word of the agent, each once: five that gpg needs, and the rest for `admin`", () => {
    assert.deepStrictEqual(of("list"), words("cmd_has_option pid restricted s2k_count version"))
    assert.deepStrictEqual(
      of("admin"),
      sorted(
        words(`ephemeral socket_name ssh_socket_name scd_running s2k_time s2k_count_cal std_env_names std_session_env
        std_startup_env getenv connections jent_active`)
      )
    )
    assert.strictEqual(getinfoWords.length, 17)
    assert.strictEqual(new Set(getinfoWords.map(({ word }) => word)).size, 17)
  })

  it("takes as many words as each needs, in its own case", () => {
    for (const { is, more, word } of getinfoWords) {
      for (let behind = 0; behind < 4; behind++) {
        const line = `GETINFO ${word}${" X".repeat(behind)}`
        assert.strictEqual(request(line).kind, behind === more ? "command" : "refused", line)
      }
      const parsed = command(`GETINFO ${word}${" X".repeat(more)}`)
      assert.deepStrictEqual(parsed.spec.operations(parsed), [is])
      assert.strictEqual(request(`GETINFO ${word.toUpperCase()}${" X".repeat(more)}`).kind, "refused")
    }
  })

  it("needs a word that is known", () => {
    for (
      const line of ["GETINFO", "GETINFO ", "GETINFO nosuch", "GETINFO versio", "GETINFO version2", "GETINFO toString"]
    ) {
      assert.strictEqual(request(line).kind, "refused", line)
    }
    assert.deepStrictEqual(getinfoWords.filter(({ more }) => more > 0).map(({ more, word }) => [word, more]), [
      ["cmd_has_option", 2],
      ["getenv", 1]
    ])
  })
})
