// The environment of a program that the gate runs for the owner: where he is, and nothing else of the gate's own but what every
// program needs.

/** Variables of the gate that such a program gets besides the owner's place. */
const KEPT = ["PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "TMPDIR"]

/** `place` are the variables of the owner's place. */
export const processEnvironment = (place: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const kept = KEPT.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...place }
}
