// What is said beside a new token, on stderr: what it opens, and the two ways in which an unmodified gpg presents it. The token itself
// is in none of it.
import type { GrantedEntry } from "@gripgate/proxy/control/message/granted"
import type { Status } from "@gripgate/proxy/control/message/status"
import { type Line, many, sentence, type View, within, word } from "./line.ts"
import { dateTime } from "./time.ts"

/** The socket that the app owns, or else the one that is everybody's; only where there is no choice. */
const socketOf = (app: string | null, listen: Status["listen"]): string | undefined => {
  const own = listen.filter((each) => each.app === app)
  const sockets = own.length > 0 ? own : listen.filter((each) => each.app === null)
  return sockets.length === 1 ? sockets[0]!.path : undefined
}

/** Who may what with which keys, how long and how often. */
const opensText = ({ app, expiresAt, id, keys, limit, operations, usesLeft }: GrantedEntry, view: View): string => {
  const names = keys.map(({ keyId, keygrip }) => word(keyId ?? keygrip, 40)).join(", ")
  const uses = usesLeft === null ? "" : `, ${many(usesLeft, "time")}`
  const often = limit === null ? "" : `, at most ${word(limit, 40)}`
  const until = expiresAt === null ? "until it is revoked" : `until ${dateTime(expiresAt, view)}`
  return `grant ${word(id, 64)}: ${word(app ?? "")} may ${
    word(operations.join(", "))
  } with ${names} ${until}${uses}${often}`
}

/** Lines that are copied and run: a terminal may break them, and they are never cut. */
const commands = (...lines: ReadonlyArray<string>): ReadonlyArray<Line> => lines.map((line) => ({ text: `  ${line}` }))

/** `listen` are the sockets of the gate. */
export const madeScreen = (grant: GrantedEntry, listen: Status["listen"], view: View): ReadonlyArray<Line> => {
  const socket = socketOf(grant.app, listen)
  const said = (text: string): ReadonlyArray<Line> => within(sentence(text, view), view)
  return [
    ...said(opensText(grant, view)),
    ...said("The token is shown this once. The app presents it with gpg as it is: on standard input,"),
    ...commands("gpg --batch --pinentry-mode loopback --passphrase-fd 0 --sign"),
    ...said("or in the environment:"),
    ...commands("PINENTRY_USER_DATA=gripgate:TOKEN gpg --sign"),
    ...socket === undefined ? [] : [...said("Its gpg has to reach the gate at"), ...commands(word(socket))],
    ...said("To take it back:"),
    ...commands(`gripgate revoke ${word(grant.id, 64)}`)
  ]
}

/** What holds now of a grant that was renewed. */
export const renewedScreen = (grant: GrantedEntry, view: View): ReadonlyArray<Line> =>
  within(sentence(`renewed: ${opensText(grant, view)}`, view), view)
