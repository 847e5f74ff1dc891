// Who else could change a file, or put another in its place: by owner and mode alone. Pure.
import type { Seen } from "./look/files.ts"

/** Who else could change a file or a folder; `undefined` where nobody could. */
export const changedBy = ({ kind, mode, uid: owner }: Seen, uid: number | undefined): string | undefined => {
  if (uid !== undefined && owner !== uid && owner !== 0) return `it belongs to somebody else (uid ${owner})`
  const sticky = kind === "folder" && (mode & 0o1000) !== 0
  return (mode & 0o002) !== 0 && !sticky
    ? "everybody may write to it"
    : (mode & 0o020) !== 0 && !sticky
    ? "its group may write to it"
    : undefined
}
