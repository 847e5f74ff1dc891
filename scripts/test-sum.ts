// Adds up the results that vitest has written as JSON into a folder and prints `N passed, N failed`, its only line on
// stdout. A test that was not run is a failure, so is a file that did not even load, and so is a run that went wrong
// with no test to blame (a time-out, a crash, a process left behind); each is named on stderr.
//
//   node scripts/test-sum.ts FOLDER [EXIT-CODE-OF-THE-RUN]
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import process from "node:process"

/** The part that is used here of what vitest's `json` reporter writes. */
interface Run {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly assertionResults: ReadonlyArray<{ readonly fullName: string; readonly status: string }>
  }>
}

const [folder, code = "0"] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write("gripgate: error: test-sum: expected the folder of the results\n")
  process.exit(64)
}

let passed = 0
const failed: Array<string> = []
for (const name of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const run: Run = JSON.parse(readFileSync(join(folder, name), "utf8"))
  for (const { assertionResults, name, status } of run.testResults) {
    const file = relative("", name)
    const bad = assertionResults.filter((test) => test.status !== "passed")
    passed += assertionResults.length - bad.length
    failed.push(...bad.map((test) => `${test.status}: ${file}: ${test.fullName}`))
    // Without a test to blame, the file itself failed: it did not load, holds no test, or broke in a hook.
    if (bad.length === 0 && status !== "passed") failed.push(`${status}: ${file}`)
  }
}
if (code !== "0" && failed.length === 0) failed.push(`the run ended with exit code ${code} and no failed test`)
for (const line of failed) process.stderr.write(`${line}\n`)
process.stdout.write(`${passed} passed, ${failed.length} failed\n`)
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0
