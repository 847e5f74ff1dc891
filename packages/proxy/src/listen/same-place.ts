// Whether two paths of sockets are one, whatever links lead there; neither needs to exist yet.
import { readlinkSync, realpathSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"

/** Links that are followed at most, as the system does (Linux path_resolution(7)). */
const MAX_LINKS = 40

/** Where a path leads: links on the way are followed, and the last name too, also one that leads to nothing. */
const whereTo = (path: string): string => {
  let at = resolve(path)
  for (let i = 0; i < MAX_LINKS; i++) {
    try {
      at = join(realpathSync(dirname(at)), basename(at))
      at = resolve(dirname(at), readlinkSync(at))
    } catch {
      return at
    }
  }
  return at
}

export const isSamePlace = (one: string, other: string): boolean => whereTo(one) === whereTo(other)
