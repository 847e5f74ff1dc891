// What `gripgate install --system` is to make, and what would keep such a gate from starting or from being reached. Pure.
import * as Result from "effect/Result"
import { join } from "node:path"
import { InstallError } from "./install-user.ts"
import type { InstallWish } from "./plan.ts"
import type { Programs } from "./service.ts"
import { ACCOUNT, type AppSocket, SYSTEM_POLICY, systemUnits } from "./system-units.ts"
import type { UnitFolders } from "./written.ts"

/** What the policy of the system's gate says about sockets. */
export interface SystemPolicy {
  readonly sockets: ReadonlyArray<AppSocket>
  /** Groups to which the gate gives sockets that it makes itself. */
  readonly groups: ReadonlyArray<string>
  /** Whether it names owners who can reach the gate. */
  readonly owned: boolean
}

export interface SystemInstall {
  readonly programs: Programs
  readonly root: string | undefined
  /** `undefined` where there is no policy yet. */
  readonly policy: SystemPolicy | undefined
}

export const systemFolders = (root: string | undefined): UnitFolders => ({
  units: join(root ?? "/", "etc/systemd/system"),
  others: ["etc/sysusers.d", "etc/tmpfiles.d"].map((folder) => join(root ?? "/", folder))
})

/** Where a program does not exist for the service (ProtectHome=, PrivateTmp=). */
const hidden = /^\/(?:home|root|run\/user|tmp|var\/tmp)\//

export const installSystem = (
  { policy, programs, root }: SystemInstall
): Result.Result<InstallWish, InstallError> => {
  const { groups = [], sockets = [] } = policy ?? {}
  const files = systemUnits({ programs, root: root ?? "/", sockets, groups })
  if ("unusable" in files) {
    return Result.fail(new InstallError({ message: `a unit file cannot hold the path of a socket: ${files.unusable}` }))
  }
  const unseen = [programs.node, programs.launcher].find((path) => hidden.test(path))
  const why = `the gate could not be started: its unit hides the folders of users, and in them ${unseen}`
  if (unseen !== undefined && root === undefined) {
    return Result.fail(
      new InstallError({ message: why, hint: "install Node and gripgate for the system (below /usr or /opt)" })
    )
  }
  const alone = sockets.filter(({ mode }) => (mode & 0o077) === 0)
  return Result.succeed({
    whose: "system",
    folders: systemFolders(root),
    files,
    start: policy !== undefined,
    notes: [
      ...unseen === undefined ? [] : [why],
      ...policy === undefined
        ? [
          `there is no policy at ${SYSTEM_POLICY}: write one, install again for the sockets of its apps, and start the gate`
        ]
        : [],
      ...alone.map(({ app }) =>
        `nobody but ${ACCOUNT} can connect as ${app}: socket-mode and socket-group of [apps.${app}] let others in`
      ),
      ...policy === undefined || policy.owned
        ? []
        : [`nobody but ${ACCOUNT} can answer: [gate] owners and control-group name those who may`]
    ]
  })
}
