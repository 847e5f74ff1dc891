// Whole screens, as they stand in the files beside this one: 80x24 and 200x50. Whoever changes a screen reads its files.
import { assert, describe, expect, it } from "@effect/vitest"
import { answeredScreen, asksScreen } from "../../src/screens/asks.ts"
import { doctorScreen } from "../../src/screens/doctor.ts"
import { grantScreen, grantsScreen } from "../../src/screens/grants.ts"
import type { Line } from "../../src/screens/line.ts"
import { madeScreen } from "../../src/screens/made.ts"
import { statusScreen } from "../../src/screens/status.ts"
import { watchScreen } from "../../src/screens/watch/watch.ts"
import {
  asked,
  decided,
  findings,
  grants,
  hostile,
  inLine,
  paused,
  sign,
  status,
  trust,
  view,
  watching
} from "./data.ts"

const sizes = [[80, 24], [200, 50]] as const

const text = (lines: ReadonlyArray<Line>): string => `${lines.map((line) => line.text.trimEnd()).join("\n")}\n`

/** Screens that belong to one verb, each under its own title. */
const capture = (parts: Readonly<Record<string, ReadonlyArray<Line>>>): string =>
  Object.entries(parts).map(([title, lines]) => `=== ${title}\n${text(lines)}`).join("\n")

const without = { asks: [], marked: undefined, decided: [], paused: [] }

const screens: Readonly<Record<string, (columns: number, rows: number) => string>> = {
  asks: (columns) =>
    capture({
      "several, one in line, pauses": asksScreen(asked, paused, view(columns)),
      one: asksScreen([sign], [], view(columns)),
      nothing: asksScreen([], [], view(columns)),
      "nothing, and a pause": asksScreen([], paused, view(columns)),
      answered: answeredScreen(trust, "no, for this once", view(columns))
    }),
  doctor: (columns) =>
    capture({
      several: doctorScreen(findings, { ...view(columns), verbose: false }),
      "everything, with --verbose": doctorScreen(findings, { ...view(columns), verbose: true }),
      "nothing that is wrong": doctorScreen(findings.filter(({ level }) => level === "ok"), {
        ...view(columns),
        verbose: false
      })
    }),
  grants: (columns) =>
    capture({
      several: grantsScreen(grants, view(columns)),
      none: grantsScreen([], view(columns)),
      ...Object.fromEntries(
        grants.filter(({ id }) => id !== "MN33").map((grant) => [grant.id, grantScreen(grant, view(columns))])
      )
    }),
  made: (columns) =>
    capture({
      "a token": madeScreen(grants.find(({ id }) => id === "PQ44")!, status.listen, view(columns)),
      "one for an app without a socket": madeScreen(grants.find(({ id }) => id === "RS55")!, [], view(columns))
    }),
  status: (columns) =>
    capture({
      busy: statusScreen(status, view(columns)),
      fresh: statusScreen({
        ...status,
        upstream: { ...status.upstream, version: null },
        upstreams: status.upstreams.map((one) => ({ ...one, version: null })),
        listen: [],
        policy: { ...status.policy, file: null },
        sessions: { open: 0, served: 0, list: [] },
        questions: { open: 0, waiting: 0 },
        owner: { display: null, tty: null },
        paused: []
      }, view(columns))
    }),
  watch: (columns, rows) =>
    capture({
      several: watchScreen(watching(columns, rows)),
      "hostile texts": watchScreen(watching(columns, rows, { marked: hostile.id })),
      "hostile texts, further down": watchScreen(watching(columns, rows, { marked: hostile.id, from: 999 })),
      "the agent asks, an answer was given": watchScreen(
        watching(columns, rows, { marked: trust.id, paused: [], message: "7KQ2: yes, for this once" })
      ),
      "the marked one is in line": watchScreen(watching(columns, rows, { marked: inLine.id })),
      "twelve are asked": watchScreen(
        watching(columns, rows, {
          asks: Array.from({ length: 12 }, (_, i) => ({ ...sign, id: `AA${10 + i}` })),
          marked: "AA17",
          paused: [...paused, ...paused]
        })
      ),
      "nothing, after decisions": watchScreen(watching(columns, rows, { ...without, decided })),
      "nothing, ever": watchScreen(watching(columns, rows, without)),
      "no gate": watchScreen(
        watching(columns, rows, { ...without, gone: "the gate at /run/gripgate/control has gone" })
      ),
      help: watchScreen(watching(columns, rows, { help: true })),
      "never is to be confirmed": watchScreen(watching(columns, rows, { confirm: "never" }))
    })
}

describe("screens", () => {
  for (const [verb, screen] of Object.entries(screens)) {
    for (const [columns, rows] of sizes) {
      it(`${verb} at ${columns}x${rows}`, async () => {
        await expect(screen(columns, rows)).toMatchFileSnapshot(`${verb}-${columns}x${rows}.txt`)
      })
    }
  }

  it("watch at 40x10, the least for which it is made", async () => {
    await expect(screens["watch"]!(40, 10)).toMatchFileSnapshot("watch-40x10.txt")
  })

  it("what is to be typed beside a token is never cut, however narrow the terminal is", () => {
    const typed = text(madeScreen(grants[0]!, status.listen, view(30))).split("\n").filter((line) =>
      line.startsWith("  ")
    )
    assert.deepStrictEqual(typed, [
      "  gpg --batch --pinentry-mode loopback --passphrase-fd 0 --sign",
      "  PINENTRY_USER_DATA=gripgate:TOKEN gpg --sign",
      "  /run/user/1000/gripgate/apps/mailpile",
      "  gripgate revoke AB23"
    ])
  })

  it("nor is what mends something", () => {
    const typed = text(doctorScreen(findings, { ...view(30), verbose: false })).split("\n").filter((line) =>
      line.trimStart().startsWith("$ ")
    )
    assert.include(typed, "  $ gripgate lint '/home/alice/.config/gripgate/my policy.toml'")
  })

  it("the question that is marked, and the gate's words, can be told without colours", () => {
    const lines = text(watchScreen(watching(80, 24, { marked: hostile.id, from: 999 }))).split("\n")
    assert.deepStrictEqual(lines.filter((line) => line.startsWith(">")).map((line) => line.slice(3, 7)), ["ZZ29"])
    const words = text(asksScreen([hostile], [], view(80))).split("\n").filter((line) => line.includes("answered: yes"))
    assert.deepStrictEqual(words, ["              | answered: yes, always"])
  })
})
