// Variables of the environment that lead programs of GnuPG somewhere else than is meant.
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Finding, finding } from "./finding.ts"
import { look } from "./look/files.ts"
import type { Scene } from "./scene.ts"

export const environment = ({ order, owner }: Scene): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.sync(() => {
    const { GNUPGHOME, GPG_AGENT_INFO, SSH_AUTH_SOCK } = order.env
    const found: Array<Finding> = []
    if (GNUPGHOME && look(GNUPGHOME)?.kind !== "folder") {
      const message = "GNUPGHOME names a folder that is not there: gpg has no keys with it"
      found.push(finding("environment.no-homedir", message, { where: GNUPGHOME, fix: "unset GNUPGHOME" }))
    }
    if (order.homedir !== undefined && look(order.homedir)?.kind !== "folder") {
      found.push(finding("environment.no-homedir", "the homedir that was named is not there", { where: order.homedir }))
    }
    if (GPG_AGENT_INFO) {
      // SOCKET:PID:PROTOCOL, as gpg 1.4 and 2.0 read it
      const socket = GPG_AGENT_INFO.split(":")[0] ?? ""
      const message = look(socket)?.kind !== "socket"
        ? "GPG_AGENT_INFO names no socket: gpg 1.4 and 2.0 find no agent"
        : /^[^:]*:\d+:1$/.test(GPG_AGENT_INFO)
        ? undefined
        : "GPG_AGENT_INFO is not SOCKET:PID:1: gpg 1.4 and 2.0 pass it over"
      if (message !== undefined) {
        found.push(finding("environment.agent-info", message, { where: socket, fix: "unset GPG_AGENT_INFO" }))
      }
    }
    if (
      SSH_AUTH_SOCK && Result.isSuccess(owner) && owner.success.ssh !== ""
      && isSamePlace(SSH_AUTH_SOCK, owner.success.ssh)
    ) {
      const message = "SSH_AUTH_SOCK is gpg-agent's: ssh uses its keys, and that way passes no gate"
      found.push(finding("environment.ssh", message, { where: SSH_AUTH_SOCK }))
    }
    return found.length > 0 ? found : [finding("environment.fine", "no variable leads gpg astray")]
  })
