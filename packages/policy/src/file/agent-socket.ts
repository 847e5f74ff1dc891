// The socket of an agent: an absolute path that a system takes for one.
import * as Result from "effect/Result"
import { parsePath } from "./path.ts"
import type { Wrong } from "./problem.ts"
import { MAX_SOCKET_PATH } from "./socket.ts"

/** Reads an absolute path of at most 107 bytes. */
export const parseAgentSocket = (path: string): Result.Result<string, Wrong> => {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_SOCKET_PATH) return parsePath(path)
  return Result.fail({ message: `a socket's path has at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}` })
}
