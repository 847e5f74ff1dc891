// Whether the owner can be asked: which pinentry would be run, whether it can be, and where its dialogs would appear.
import { pinentryFinder } from "@gripgate/proxy/approve/pinentry/find"
import { placeOf } from "@gripgate/proxy/owner/place"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Finding, finding } from "./finding.ts"
import { canRun } from "./look/files.ts"
import { type Scene, usablePolicy } from "./scene.ts"

const judgePlace = ({ order, status }: Scene): Finding => {
  const { display, tty } = Result.isSuccess(status)
    ? status.success.owner
    : { display: placeOf(order.env).variables["DISPLAY"] ?? null, tty: placeOf(order.env).variables["GPG_TTY"] ?? null }
  const wayland = Result.isSuccess(status) ? undefined : order.env["WAYLAND_DISPLAY"]
  const places = [tty, display, wayland].filter((place) => place !== null && place !== undefined)
  if (places.length > 0) return finding("pinentry.place", `dialogs appear at ${places.join(" and ")}`)
  const fix = Result.isSuccess(status) ? "export GPG_TTY=\"$(tty)\"; gripgate tty" : "export GPG_TTY=\"$(tty)\""
  return finding("pinentry.no-place", "no terminal and no display is known at which a dialog could appear", { fix })
}

export const pinentry = Effect.fnUntraced(function*(scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const named = usablePolicy(scene)?.approve.pinentry
  const homedir = Result.isSuccess(scene.owner) ? scene.owner.success.homedir : undefined
  const program = yield* Effect.result(pinentryFinder({ homedir, program: () => named }))
  if (Result.isFailure(program)) {
    return [
      finding("pinentry.unknown", `it cannot be told which pinentry would be run: ${program.failure.reason}`),
      judgePlace(scene)
    ]
  }
  const path = program.success
  if (canRun(path)) {
    return [finding("pinentry.found", "the owner is asked with this pinentry", { where: path }), judgePlace(scene)]
  }
  const message = "the pinentry that would be run is not there, or is no program: nobody can be asked"
  return [
    finding("pinentry.missing", message, { where: path, fix: "apt-get install pinentry-curses" }),
    judgePlace(scene)
  ]
})
