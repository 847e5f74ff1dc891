// What `gripgate status` prints: what a running gate says about itself.
import type { Status } from "@gripgate/proxy/control/message/status"
import { pauseTexts } from "./asks.ts"
import { labelled, type Line, sentence, type View, within, word } from "./line.ts"
import { NO_APP } from "./question.ts"
import { dateTime, span, timeOf } from "./time.ts"

/** Sessions that are listed; a program takes all of them from `--json`. */
const MAX_SESSIONS = 20

const sessionText = ({ app, connectedAt, pid, program, socket }: Status["sessions"]["list"][number], view: View) => {
  const who = [
    app === null ? NO_APP : word(app),
    `for ${span(view.now - timeOf(connectedAt))}`,
    ...pid === null ? [] : [`pid ${pid}`],
    ...program === null ? [] : [word(program, 100)]
  ]
  return `${who.join(", ")}, at ${word(socket)}`
}

const sessionTexts = ({ list, open }: Status["sessions"], view: View): ReadonlyArray<string> => {
  const shown = list.slice(0, MAX_SESSIONS)
  const more = open - shown.length
  return [...shown.map((session) => sessionText(session, view)), ...more > 0 ? [`and ${more} more`] : []]
}

/** Where the owner is asked, in words; `undefined` where no place is known. */
export const placeText = ({ display, tty }: Status["owner"]): string | undefined => {
  const places = [tty, display].filter((place) => place !== null).map((place) => word(place, 200))
  return places.length === 0 ? undefined : places.join(" and ")
}

const questionsText = ({ open, waiting }: Status["questions"]): string =>
  `${open} open${waiting === 0 ? "" : `, ${waiting} in line`}`

const agentText = ({ name, version, where }: Status["upstreams"][number], named: boolean): string =>
  `${named ? `${word(name)}, ` : ""}${word(where)}${version === null ? "" : `, GnuPG ${word(version, 40)}`}`

export const statusScreen = (status: Status, view: View): ReadonlyArray<Line> => {
  const { grants, listen, owner, paused, pid, policy, questions, refused, sessions, upstreams, version } = status
  const rows: ReadonlyArray<readonly [string, string]> = [
    [
      "gate",
      `gripgate ${word(version, 40)}, pid ${pid}, up ${span(status.uptimeSeconds * 1000)}`
      + `, since ${dateTime(status.startedAt, view)}`
    ],
    ...upstreams.map((upstream): readonly [string, string] => ["agent", agentText(upstream, upstreams.length > 1)]),
    [
      "policy",
      `default = "${word(policy.default, 40)}", ${policy.file === null ? "built in" : word(policy.file)}`
      + `, read ${dateTime(policy.loadedAt, view)}`
    ],
    ...listen.map(({ app, path, sessions: open }): readonly [string, string] => [
      "listening",
      `${word(path)}${app === null ? "" : ` for the app ${word(app)}`}, ${open} open`
    ]),
    ["sessions", `${sessions.open} open, ${sessions.served} served`],
    ...sessionTexts(sessions, view).map((text): readonly [string, string] => ["", text]),
    ["asked at", placeText(owner) ?? "no place is known: gripgate tty says where you are"],
    ["questions", questionsText(questions)],
    ["grants", `${grants.inForce} in force`],
    ["refused", String(refused)]
  ]
  const lines = rows.flatMap(([label, text]) => labelled(label, text, view, { indent: 0, width: 11 }))
  return within([...lines, ...pauseTexts(paused, view).flatMap((text) => sentence(text, view))], view)
}
