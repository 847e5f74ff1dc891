// Runs the type checker that also knows Effect: an effect that nobody runs, a `yield` without its star, a failure that
// is not returned. It checks all sources as one program and writes nothing, so it shares no state with `tsc -b`.
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import process from "node:process"

const root = resolve(import.meta.dirname, "..")
const platform = `${process.platform}-${process.arch}`
const checker = join(root, `node_modules/@effect/tsgo-${platform}/lib/tsc`)

if (existsSync(checker)) {
  const { error, status } = spawnSync(checker, ["-p", join(root, "tsconfig.effect.json")], { stdio: "inherit" })
  if (error !== undefined) process.stderr.write(`gripgate: error: effect check: ${checker}: ${error.message}\n`)
  process.exitCode = status ?? 1
} else {
  // An optional dependency, for the platform that the gate in CI runs on; elsewhere plain `tsc -b` has to do.
  process.stderr.write(`gripgate: effect check: @effect/tsgo-${platform} is not installed, nothing was checked\n`)
  process.exitCode = platform === "linux-x64" ? 1 : 0
}
