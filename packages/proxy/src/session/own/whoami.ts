// GRIPGATE WHOAMI: who the client is to the gate, what the policy says of it, with the keys that it names, and the grants whose
// token it has presented. Nothing is told of keys that it does not see, nor of grants that it cannot prove.
import { formatRate } from "@gripgate/policy/file/rate"
import type { Command } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { type Operation, operations } from "@gripgate/protocol/operation"
import { OK_LINE, statusLine } from "@gripgate/protocol/reply"
import { momentIn } from "../../grant/grant-record.ts"
import type { TokenGrant } from "../../grant/token-grant.ts"
import type { SessionContext } from "../context.ts"

/** What concerns keys; the rest is told without one. */
const ofKeys: ReadonlyArray<Operation> = ["sign", "certify", "authenticate", "decrypt", "loopback", "export", "passwd"]

/** A word of a status line: blanks and percent signs would end it or be taken for an escape. */
const statusWord = (text: string): string =>
  text.replace(
    /[^!-$&-~]/gu,
    (character) =>
      [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")
  )

/** `GRANT ID operations=... until=... left=... limit=... keys=...`: what a grant is for, in a status line. */
export const grantLine = (grant: TokenGrant): Buffer =>
  statusLine(
    "GRANT",
    [
      grant.id,
      `operations=${[...grant.operations].join(",")}`,
      `until=${momentIn(grant.expiresAt) ?? "revoked"}`,
      ...grant.maxUses === undefined ? [] : [`left=${Math.max(0, grant.maxUses - grant.uses)}`],
      ...grant.rate === undefined ? [] : [`limit=${formatRate(grant.rate)}`],
      `keys=${grant.keygrips.slice(0, MAX_KEYS).join(",")}`
    ].join(" ")
  )

/** Keys that fit in a line. */
const MAX_KEYS = 16

export const whoAmI = (session: SessionContext, command: Command): Buffer => {
  const { app, identity, services, tokens } = session
  const { authority } = services
  const verdict = (operation: Operation, keygrip?: Parameters<typeof authority.verdict>[2]): string =>
    `${operation}=${authority.verdict(app, operation, keygrip).verdict}`
  return Buffer.concat([
    ...identity.kind === "app" ? [statusLine("APP", statusWord(identity.app))] : [],
    statusLine("RECOGNISED", identity.kind === "app" ? identity.rank : identity.kind),
    statusLine("MAY", operations.map((operation) => verdict(operation)).join(" ")),
    ...command.args.filter(isKeygrip).filter(session.visible).map((keygrip) =>
      statusLine("KEY", [keygrip, ...ofKeys.map((operation) => verdict(operation, keygrip))].join(" "))
    ),
    ...tokens.accepted().filter(services.own.tokens.holds).map(({ grant }) => grantLine(grant)),
    OK_LINE
  ])
}
