// What the system says about a failed call, in words for people.
import { getSystemErrorMap } from "node:util"

const numbers = new Map([...getSystemErrorMap()].map(([number, [name]]) => [name, number]))

/** `permission denied` for what Node throws, or for the name of an error (`EACCES`): without the code and the path. */
export const reasonOf = (error: unknown): string => {
  const number = typeof error === "string" ? numbers.get(error) : (error as NodeJS.ErrnoException | undefined)?.errno
  return getSystemErrorMap().get(number ?? 0)?.[1] ?? (error instanceof Error ? error.message : String(error))
}

/** The code of what Node throws, `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code
