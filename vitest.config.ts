// Two sets of tests: `core` needs Node, git, gpg and gpg-agent; `programs` needs the other programs that people use with them.
import { join } from "node:path"
import process from "node:process"
import { defineConfig } from "vitest/config"

// A folder for the results of each run as JSON, from which .ci/run counts the tests of all runs together.
const results = process.env["GRIPGATE_TEST_JSON"]

const common = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" as const }

export default defineConfig({
  test: {
    maxWorkers: 3,
    reporters: results === undefined
      ? ["default"]
      : ["default", ["json", { outputFile: join(results, `${process.pid}.json`) }]],
    projects: [
      {
        test: {
          ...common,
          name: "core",
          include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/programs/**", "**/node_modules/**"]
        }
      },
      { test: { ...common, name: "programs", include: ["test/programs/**/*.test.ts"] } }
    ]
  }
})
